"""What runs in a fresh process: the workflow, the floor, and requests.

``python -m _etl.contestants NAME TASK``: the task is JSON, and so is what it prints.
"""

import json
import resource
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import polars as pl

from _etl.data import GROUP, KEYS, PLAIN, SCHEMA, SKEWED
from shortlist.data import Batch, Ragged
from shortlist.features import Workflow, ops
from shortlist.features.engine import Local
from shortlist.io import Dataset, Layout

if find_spec("numba") is not None:  # an import like the others; Shortlist makes it when there is much to do
    import_module("numba")

MIN_COUNT, FOLDS, SMOOTHING = 5, 5, 20
ENCODED = ("k1", "c1")
GROUPED, VALUES = "k1", ("x0", "x1")
Task = dict[str, Any]


def workflow() -> Workflow:
    """Ten vocabularies, eight numbers, two target encodings and one join; list, time and label pass."""
    return Workflow(
        [
            list(KEYS) >> ops.Categorify(min_count=MIN_COUNT),
            list(SKEWED) >> ops.FillMissing(0) >> ops.Clip(low=0.0) >> ops.LogOp() >> ops.Normalize(),
            list(PLAIN) >> ops.FillMissing(0) >> ops.Normalize(),
            list(ENCODED) >> ops.TargetEncoding("label", folds=FOLDS, smoothing=SMOOTHING),
            GROUPED >> ops.JoinGroupby(list(VALUES), stats=("count", "sum", "mean")),
            "recent",
        ]
    )


@dataclass(frozen=True)
class Clock:
    """Seconds and processor seconds, of this process and its finished children, since it was started."""

    wall: float
    cpu: float

    @classmethod
    def start(cls) -> "Clock":
        used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return cls(perf_counter(), sum(one.ru_utime + one.ru_stime for one in used))

    def since(self) -> "Clock":
        now = Clock.start()
        return Clock(now.wall - self.wall, now.cpu - self.cpu)


def dataset(files: list[str], cut: int) -> Dataset:
    """The files in partitions of at most ``cut`` rows."""
    return Dataset.of([pl.scan_parquet(file) for file in files], SCHEMA).cut(cut)


def shortlist(task: Task) -> dict[str, float]:
    """Fit, then transform and write; the fitted workflow is saved outside of the measured time.

    Fitting streams through one partition at a time, which keeps all cores busy with the least memory.
    """
    out, memory = Path(task["out"]), task["memory"]
    clock = Clock.start()
    rows, flow = dataset(task["files"], task["cut"]), workflow()
    flow.fit(rows, engine=Local(threads=1, memory=memory))
    fit = clock.since()
    layout = Layout(row_group_rows=GROUP)  # as those of the floor
    flow.write(rows, out / "rows", layout=layout, engine=Local(threads=task["threads"], memory=memory))
    done = clock.since()
    flow.save(out / "workflow")
    return {"fit": fit.wall, "transform": done.wall - fit.wall, "cpu": done.cpu}


def floor(task: Task) -> dict[str, float]:
    """Read all and write all, in one streaming query of Polars."""
    clock = Clock.start()
    rows = Path(task["out"]) / "rows"
    rows.mkdir()
    pl.scan_parquet(task["files"]).sink_parquet(
        rows / "rows.parquet", compression="snappy", row_group_size=GROUP
    )
    done = clock.since()
    return {"fit": 0.0, "transform": done.wall, "cpu": done.cpu}


def batches(file: str, rows: int, count: int) -> list[Batch]:
    """``count`` batches of raw arrays, as a server would pass them: strings as objects, None for a null."""
    frame = pl.read_parquet(file, n_rows=rows * count)
    made = []
    for start in range(0, frame.height, rows):
        part = frame.slice(start, rows)
        made.append(Batch({name: raw(part[name]) for name in part.columns if name != "label"}))
    return made


def raw(column: pl.Series) -> np.ndarray | Ragged:
    if column.dtype == pl.List:
        return Ragged.of(column.to_list(), dtype=np.int32)
    if column.dtype.is_float():
        return column.to_numpy()
    if column.dtype == pl.String or column.null_count():
        return np.array(column.to_list(), dtype=object)
    return column.to_numpy()


def requests(task: Task) -> dict[str, Any]:
    """Microseconds of calls of ``transform_batch`` after `warm_up`, each on other rows, by rows a call."""
    flow = Workflow.load(task["workflow"])
    clock = Clock.start()
    flow.warm_up()
    held = sum(len(flow.vocabulary(name)) for name in KEYS)
    found: dict[str, Any] = {"warm_up": clock.since().wall, "values": held}
    for rows, calls in ((1, 20_000), (200, 2_000)):
        given = batches(task["files"][0], rows, 500)
        times = np.empty(calls)
        for call in range(-100, calls):
            batch = given[call % len(given)]
            start = perf_counter()
            flow.transform_batch(batch)
            times[max(call, 0)] = perf_counter() - start
        found[str(rows)] = [1e6 * float(np.quantile(times, share)) for share in (0.5, 0.99)]
    return found


CONTESTANTS: dict[str, Callable[[Task], dict[str, Any]]] = {
    "shortlist": shortlist,
    "floor": floor,
    "requests": requests,
}

if __name__ == "__main__":
    print(json.dumps(CONTESTANTS[sys.argv[1]](json.loads(sys.argv[2]))))
