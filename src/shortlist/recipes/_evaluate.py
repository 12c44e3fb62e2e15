"""Measure a bundle on a log."""

from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from shortlist.bundle import Reader
from shortlist.errors import DataError
from shortlist.evaluation import DEFAULT_METRICS, Evaluation, Seen, evaluate
from shortlist.io import Dataset, Signals, scan
from shortlist.pipeline import Pipeline, State, load

__all__ = ["evaluate_bundle"]


def evaluate_bundle(
    bundle: str | Path,
    events: Any,
    *,
    since: datetime | None = None,
    seen: Seen = "as served",
) -> Evaluation:
    """Ask a bundle as of a moment and compare with what came after.

    Args:
        bundle: folder of the bundle.
        events: path, glob, folder, frame or Dataset of a log.
        since: the moment; None is the bundle's present, one microsecond after the newest event of its tables
            unless it was saved with another.
        seen: what happens to items that a user had before, see `shortlist.evaluation.evaluate`.

    Raises:
        BundleError: the folder is not a sound bundle.
        DataError: there is no event at or after the moment.
    """
    pipe = load(bundle)
    facts = Reader(bundle).open(verify=False).facts
    state = State(store=pipe.state.store, now=pipe.state.pinned if since is None else since)
    data = events if isinstance(events, Dataset) else _scanned(events, facts)
    start = pl.lit(state.now).cast(pl.Datetime("us"))
    test = data.filter(pl.col(data.schema.time.name) >= start)
    if test.count() == 0:
        raise DataError(
            "evaluate",
            received="no event at or after the moment the bundle is asked at",
            expected="events that came later",
            remedy="pass newer events, or an earlier moment with --since",
        )
    split = "by time, events after the bundle's"
    if state.now < facts.get("trained_until", state.now):
        split += " (some of them the models have learned from)"
    asked = Pipeline(pipe.stages, state=state, fallback=pipe.fallback)
    return evaluate(asked, test, metrics=DEFAULT_METRICS, seen=seen, split=split)


def _scanned(events: Any, facts: dict[str, Any]) -> Dataset:
    """The log read as the one that the bundle was made from."""
    signals = Signals(**facts["signals"]) if facts.get("signals") else None
    return scan(events, roles=facts.get("roles"), signals=signals)
