"""The whole of it on a real log."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import numpy as np
import polars as pl

from shortlist import datasets
from shortlist.data import Requests
from shortlist.errors import ServerError
from shortlist.pipeline import Pipeline, load
from shortlist.recipes._fit import fit
from shortlist.recipes._options import FitRecipe
from shortlist.rng import generator

__all__ = ["demo"]

Say = Callable[[str], None]
_CUSTOMERS = 5
_SHOWN = 5
_READY_S = 30.0
_OLD_LOG = ("--clock", "log")  # the log ends in 2011: asked today, nothing in it would be recent


def demo(folder: str | Path, *, log: Say, serve: bool = False) -> None:
    """Train on Online Retail, show what is recommended to five customers, serve, and ask over HTTP.

    Args:
        folder: where the bundle is written; an older one is replaced.
        log: is told what goes on.
        serve: leave the server running until it is interrupted.

    Raises:
        DataError: the log is not where the repository keeps it.
        ServerError: the server did not get ready.
    """
    bundle = Path(folder) / "bundle"
    log("Online Retail: the invoice lines of a British gift shop, December 2010 to December 2011.\n")
    fit(datasets.online_retail(), out=bundle, options=FitRecipe(force=True), log=log)
    customers = _show_customers(load(bundle), log)
    with _server(bundle, log) as address:
        _ask(address, customers[0], log)
        if serve:
            log(f"serving at {address}, documentation at {address}/docs; press Ctrl-C to stop")
            _wait()
    log(
        "\nDone. Next:\n"
        f"  shortlist serve {bundle} --clock log   # then open http://127.0.0.1:8000/docs\n"
        f"  shortlist inspect {bundle}\n"
        f"  shortlist recommend {bundle} --users {customers[0]} {customers[1]} --columns Description\n"
        "  shortlist fit --events YOUR_LOG.csv --out my-bundle"
    )


def _show_customers(pipe: Pipeline, log: Say) -> list[Any]:
    """Five regular customers: the last they bought and what they would be shown now."""
    store = pipe.state.store
    users, _, _, _ = pipe.state.events()
    counts = np.bincount(users, minlength=len(store.users))
    regular = np.flatnonzero((counts >= 20) & (counts <= 200))
    chosen = generator(0, "demo").choice(regular, _CUSTOMERS, replace=False)
    customers: list[Any] = store.users.take(chosen).tolist()
    bought = pipe.state.histories(Requests(customers), _SHOWN)
    shown = pipe.recommend(customers, k=_SHOWN, columns=("Description",))
    for place, customer in enumerate(customers):
        names = pipe.state.item_column("Description", bought.row(place)[::-1])
        log(f"customer {customer} bought last")
        log("\n".join(f"    {name}" for name in names))
        log("and would be shown")
        rows = shown.filter(pl.col("user") == customer)
        log("\n".join(f"    {row['Description']}  (from {row['source']})" for row in rows.to_dicts()) + "\n")
    return customers


@contextmanager
def _server(bundle: Path, log: Say) -> Iterator[str]:
    port = _free_port()
    started = time.perf_counter()
    command = [sys.executable, "-m", "shortlist", "serve", str(bundle), "--port", str(port), *_OLD_LOG]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)  # noqa: S603 - our own program
    address = f"http://127.0.0.1:{port}"
    try:
        _until_ready(address, process)
        log(f"server ready after {time.perf_counter() - started:.1f} s at {address}")
        yield address
    finally:
        process.terminate()
        process.wait(timeout=15)


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _until_ready(address: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.perf_counter() + _READY_S
    while time.perf_counter() < deadline and process.poll() is None:
        try:
            with urlopen(f"{address}/health/ready", timeout=1) as answer:  # noqa: S310 - our own address
                if answer.status == 200:
                    return
        except (URLError, OSError):
            time.sleep(0.05)
    raise ServerError(
        address,
        received="no answer" if process.poll() is None else f"exit code {process.returncode}",
        expected=f"a server that is ready within {_READY_S:.0f} s",
        remedy="start it by hand with shortlist serve and read what it says",
    )


def _ask(address: str, customer: Any, log: Say) -> None:
    body = {"user": customer, "k": 3, "columns": ["Description"]}
    log(f"POST {address}/recommend {json.dumps(body)}")
    answer, milliseconds = _post(f"{address}/recommend", body)
    log(json.dumps(answer, indent=2))
    times = sorted(_post(f"{address}/recommend", body)[1] for _ in range(50))
    log(f"first answer {milliseconds:.1f} ms; median of 50 more {times[25]:.1f} ms, whole round trip")


def _post(url: str, body: dict[str, Any]) -> tuple[Any, float]:
    request = Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})  # noqa: S310
    started = time.perf_counter()
    with urlopen(request, timeout=10) as answer:  # noqa: S310 - our own address
        content = answer.read()
    return json.loads(content), (time.perf_counter() - started) * 1000


def _wait() -> None:
    try:
        while True:
            time.sleep(1)
    except KeyboardInterrupt:
        return
