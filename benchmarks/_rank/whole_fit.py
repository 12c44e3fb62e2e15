"""One epoch of ``fit``, loader included, and the same rows for peers in other environments."""

import json
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Any

import numpy as np
import polars as pl

import shortlist as sl
from _rank.contestants import OURS
from _rank.data import BOTTOM, CROSSES, DIM, HIDDEN, Clicks

PEER = Path(__file__).with_name("peer.py")


def fitted(name: str, clicks: Clicks, batch: int, steps: int) -> dict[str, float]:
    """Rows a second of `sl.fit` on so many batches; a first short fit compiles what is to be compiled."""
    frame = pl.DataFrame({key: column.numpy() for key, column in clicks.columns.items()}).with_columns(
        click=pl.Series(clicks.labels.numpy())
    )
    options = sl.FitOptions(epochs=1, batch_size=batch, lr=1e-3, progress=False)
    model, rows = OURS[name](clicks.schema), frame[: batch * steps]
    sl.fit(model, frame[:batch], options=options)
    start = perf_counter(), process_time()
    sl.fit(model, rows, options=options)
    wall, cpu = perf_counter() - start[0], process_time() - start[1]
    return {"rows/s": rows.height / wall, "rows/cpu s": rows.height / cpu}


def peers(python: str, name: str, clicks: Clicks, **asked: Any) -> dict[str, dict[str, float]]:
    """What FuxiCTR and DeepCTR-Torch make of the same rows and sizes."""
    sizes = {"dim": DIM, "hidden": HIDDEN, "bottom": BOTTOM, "crosses": CROSSES, "name": name}
    with TemporaryDirectory() as folder:
        rows = Path(folder) / "clicks.npz"
        columns = {key: column.numpy() for key, column in clicks.columns.items()}
        np.savez(rows, **columns, click=clicks.labels.numpy())
        command = [python, str(PEER), json.dumps({**sizes, **asked, "rows": str(rows)})]
        found = subprocess.run(command, check=True, capture_output=True, text=True, cwd=folder, env={})
    # Other libraries print too.
    (line,) = (line for line in found.stdout.splitlines() if line.startswith("{"))
    read: dict[str, dict[str, float]] = json.loads(line)
    return read
