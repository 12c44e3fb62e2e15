"""One bundle behind our server and in a real Triton, asked by turns over one connection each."""

import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from _serve.measure import K, Times
from _serve.over_http import TURN, Connection, server, timed
from shortlist.server import export_triton
from shortlist.testing._triton import started_triton

WHOLE, STEPS = "whole", "steps"
KINDS = {int: "INT64", str: "BYTES"}
Found = tuple[dict[str, Times], list[tuple[str, float, float]]]


def beside_triton(bundle: Path, users: list[int], cores: tuple[int, int], python: Path) -> Found:
    """Milliseconds by who answers, and of each stage: its name, here, and as a model of Triton's ensemble."""
    with TemporaryDirectory() as made:
        room = Path(made)
        export_triton(bundle, room / "models", name=WHOLE)
        export_triton(bundle, room / "models", name=STEPS, ensemble=True)
        with (
            server(bundle, cores[0]) as (port, *_),
            started_triton(python, room / "models", room) as triton,
        ):
            pin(triton.process, cores[0])
            ours, theirs = Connection(port), Connection(int(triton.address.rpartition(":")[2]))
            asks: dict[str, Callable[[int], object]] = {
                "Shortlist, `/recommend`": ours.recommended,
                "Shortlist, `/v2`": lambda user: inferred(ours, bundle.name, user),
                "Triton, one model": lambda user: inferred(theirs, WHOLE, user),
                "Triton, a model for each stage": lambda user: inferred(theirs, STEPS, str(user)),
            }
            for user in users:
                answers = [ask(user) for ask in list(asks.values())[1:]]
                assert answers.count(answers[0]) == len(answers), "the servers give other answers"
            before = own_stages(ours), stages_of_triton(theirs)
            times = {name: Times() for name in asks}
            for begin in range(0, len(users), TURN):
                for name, ask in asks.items():
                    timed(ask, users[begin : begin + TURN], cores[1], times[name])
            after = own_stages(ours), stages_of_triton(theirs)
    return times, list(by_stage(before, after))


def inferred(connection: Connection, model: str, user: int | str) -> list[str]:
    """The items of a user by the Open Inference Protocol."""
    tensors = [
        {"name": "user", "shape": [1], "datatype": KINDS[type(user)], "data": [user]},
        {"name": "k", "shape": [1], "datatype": "INT32", "data": [K]},
    ]
    connection.post(f"/v2/models/{model}/infer", json.dumps({"inputs": tensors}).encode())
    outputs = json.loads(connection.receive())["outputs"]
    return next(one["data"] for one in outputs if one["name"] == "item")


def own_stages(connection: Connection) -> dict[str, tuple[float, float]]:
    """Stage -> seconds and runs, from ``/metrics``."""
    connection.get("/metrics")
    text = connection.receive().decode()
    pattern = r'shortlist_stage_duration_seconds_(sum|count)\{[^}]*stage="([^"]+)"[^}]*\} (\S+)'
    found: dict[str, dict[str, float]] = {}
    for part, stage, value in re.findall(pattern, text):
        found.setdefault(stage, {})[part] = float(value)
    return {stage: (one["sum"], one["count"]) for stage, one in found.items()}


def stages_of_triton(connection: Connection) -> dict[str, tuple[float, float]]:
    """The same of the models that are stages, from Triton's statistics: the time of the model itself."""
    connection.get("/v2/models/stats")
    found = {}
    for model in json.loads(connection.receive())["model_stats"]:
        if model["name"].startswith(f"{STEPS}_"):
            spent = model["inference_stats"]["compute_infer"]
            stage = model["name"].removeprefix(f"{STEPS}_").partition("_")[2]
            found[stage] = spent["ns"] / 1e9, float(spent["count"])
    return found


def by_stage(before: tuple, after: tuple) -> Iterator[tuple[str, float, float]]:
    """Mean milliseconds of each stage between two looks."""
    for stage in after[0]:
        (own, hand) = (
            1e3 * (late[stage][0] - early[stage][0]) / max(late[stage][1] - early[stage][1], 1)
            if stage in late
            else float("nan")
            for early, late in zip(before, after, strict=True)
        )
        yield stage, own, hand


def pin(process: int, core: int) -> None:
    """Keep a process and all that it started to a core, where the system can."""
    with suppress(OSError, AttributeError):
        for task in Path(f"/proc/{process}/task").iterdir():
            os.sched_setaffinity(int(task.name), {core})
            for child in (task / "children").read_text().split():
                pin(int(child), core)


def rows(found: Found) -> Iterator[str]:
    """The page."""
    times, stages = found
    yield "| one connection, ms | median | 99th percentile |"
    yield "|---|---|---|"
    for name, one in times.items():
        yield f"| {name} | {np.median(one.wall):.3f} | {np.percentile(one.wall, 99):.3f} |"
    yield from ("", "| stage, mean ms | Shortlist | a model of Triton's |", "|---|---|---|")
    yield from (f"| {stage} | {own:.3f} | {hand:.3f} |" for stage, own, hand in stages)
