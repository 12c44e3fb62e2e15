"""Making a report from the logs of answers, without a running server."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from shortlist.bundle import Reader
from shortlist.data import Candidates, Requests, duration_us
from shortlist.errors import ArgumentError, DataError
from shortlist.monitor._exposition import Row, exposition, parsed
from shortlist.monitor._monitor import Monitor
from shortlist.monitor._observe import Observed
from shortlist.monitor._options import MonitorOptions
from shortlist.monitor._report import MonitorReport
from shortlist.monitor._take import known_fingerprint, without_source
from shortlist.pipeline import AnswerLog, Pipeline, State, load
from shortlist.rng import generator

__all__ = ["read_logs"]

_CHUNK = 512
_NEEDED = ("user", "time", "items", "scores", "sources", "bundle")
_ALL_TIME = 1e12


def read_logs(
    bundle: Path | str,
    answers: Path | str,
    *,
    since: str | None = None,
    requests: int = 2000,
    options: MonitorOptions | None = None,
    seed: int = 0,
) -> MonitorReport:
    """What the logged answers of a bundle tell: who was answered with what, and what has drifted.

    Drift is that of requests that this version answered, asked again as of their moment over the tables of
    the bundle; events since it was saved are not in them, nor are columns that came with a request. Latency
    and recall are not in the log.

    Args:
        bundle: a bundle, or a shelf of versions, whose current one is read.
        answers: folder that answers were logged to.
        since: how far to look back from the newest answer, such as ``"1d"``; None for all.
        requests: most requests that drift is told by, drawn by chance.
        options: thresholds of drift.
        seed: chooses the requests.

    Raises:
        BundleError: there is no sound bundle.
        DataError: there is no answer, or a file of the log cannot be read.
        ArgumentError: ``requests`` is below 1, or ``since`` no length of time.
    """
    if requests < 1:
        raise ArgumentError("read_logs.requests", received=requests, expected="an integer >= 1")
    reader = Reader(bundle).open(verify=False)
    pipe, chosen = load(reader.folder), replace(options or MonitorOptions(), window_s=_ALL_TIME)
    rows = _answers(Path(answers), since)
    name, details, lines = Path(bundle).resolve().name, dict[str, str](), list[Row]()
    for version in rows["bundle"].unique().sort().to_list():
        own = rows.filter(pl.col("bundle") == version)
        is_this = version == reader.version
        fingerprint = known_fingerprint(reader) if is_this else "these answers are of another version"
        monitor = Monitor(pipe, fingerprint, chosen)
        for asked, found in _chunks(own, pipe.state):
            monitor.answered(asked, found)
        if is_this:
            _observe(monitor, pipe, own, requests, seed)
            details = {drift.name: drift.most for drift in monitor.drifts()}
        of = {"bundle": name, "version": str(version)}
        lines += [Row(row.name, {**of, **row.labels}, row.value) for row in monitor.rows()]
    report = MonitorReport.of(f"{len(rows):,} answers of {answers}", parsed(exposition(lines)))
    told = (replace(one, details=details if one.version == reader.version else {}) for one in report.measured)
    return replace(report, measured=tuple(told))


def _answers(folder: Path, since: str | None) -> pl.DataFrame:
    """The answers, oldest first."""
    try:
        frame = AnswerLog(folder).read().select(_NEEDED).collect().sort("time", maintain_order=True)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(
            str(folder),
            received=str(error).splitlines()[0],
            expected="the Parquet files of serve --log-answers",
            remedy="remove what is damaged",
        ) from error
    if frame.is_empty():
        raise DataError(
            str(folder),
            received="no answer",
            expected="answers that were logged",
            remedy="give the folder of serve --log-answers",
        )
    if since is None:
        return frame
    newest: datetime = frame["time"][-1]
    return frame.filter(pl.col("time") > newest - timedelta(microseconds=duration_us(since, where="since")))


def _chunks(rows: pl.DataFrame, state: State) -> Iterator[tuple[Requests, Candidates]]:
    for part in rows.iter_slices(_CHUNK):
        items = state.items.positions(part["items"].explode(empty_as_null=False).to_numpy())
        scores = part["scores"].explode(empty_as_null=False).to_numpy().astype(np.float32)
        names = part["sources"].explode(empty_as_null=False).to_list()
        sources = tuple(dict.fromkeys(names))
        place = {source: number for number, source in enumerate(sources)}
        lengths = part["items"].list.len().to_numpy().astype(np.int64)
        found = Candidates(
            items,
            np.concatenate([[0], np.cumsum(lengths)]),
            scores,
            np.array([place[one] for one in names], np.int16),
            sources,
        )
        times = part["time"].dt.timestamp("us").to_numpy()
        most = max(int(lengths.max(initial=1)), 1)
        # Items that left the catalogue since are no longer known.
        yield Requests(part["user"].to_list(), most, times), found.keep(items >= 0)


def _observe(monitor: Monitor, pipe: Pipeline, rows: pl.DataFrame, requests: int, seed: int) -> None:
    chosen = generator(seed, "read_logs").choice(len(rows), min(requests, len(rows)), replace=False)
    state = State(store=pipe.state.store)
    absent = without_source(monitor.observer, state)
    for asked, found in _chunks(rows[np.sort(chosen).tolist()], state):
        seen = monitor.observer.observe(asked, found.first(monitor.looked_at), state.for_run())
        known = {name: one for name, one in seen.features.items() if name not in absent}
        monitor.observed(Observed(seen.requests, known, seen.vectors))
