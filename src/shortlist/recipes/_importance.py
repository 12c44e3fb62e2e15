"""How much each tuned value matters."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from shortlist.recipes._space import Choice, Range
from shortlist.recipes._trial import TrialRecord

__all__ = ["importance"]

Floats64 = npt.NDArray[np.float64]

_MOST_GROUPS = 5


def importance(trials: Sequence[TrialRecord], space: Mapping[str, Range]) -> dict[str, float]:
    """By how much adjusted R squared falls when a name leaves an additive model, the greatest first.

    >>> from shortlist.recipes._space import Choice
    >>> trials = [TrialRecord(n, {"x": n % 2, "y": n // 4}, float(n % 2), "done", (), 0.0) for n in range(8)]
    >>> importance(trials, {"y": Choice(0, 1), "x": Choice(0, 1)})
    {'x': 1.0, 'y': 0.0}
    """
    done = [trial for trial in trials if trial.state == "done" and trial.score is not None]
    scores = rankdata([trial.score for trial in done])
    groups = min(_MOST_GROUPS, max(2, len(done) // (2 * len(space))))
    columns = {name: _columns([trial.values[name] for trial in done], space[name], groups) for name in space}
    whole = _unexplained(scores, list(columns.values()))
    found = {
        name: max(0.0, _unexplained(scores, [columns[other] for other in space if other != name]) - whole)
        for name in space
    }
    return dict(
        sorted(((name, round(share, 12)) for name, share in found.items()), key=lambda pair: -pair[1])
    )


def _unexplained(scores: Floats64, columns: Sequence[Floats64]) -> float:
    """1 minus adjusted R squared of a least-squares fit; 1 where nothing can be said."""
    total = float(((scores - scores.mean()) ** 2).sum()) if len(scores) else 0.0
    design = np.column_stack([np.ones(len(scores)), *columns])
    rank = int(np.linalg.matrix_rank(design)) if len(scores) else 0
    if total <= 0.0 or rank >= len(scores):
        return 1.0
    rest = scores - design @ np.linalg.lstsq(design, scores, rcond=None)[0]
    return min(1.0, float((rest**2).sum()) / total * (len(scores) - 1) / (len(scores) - rank))


def _columns(values: Sequence[Any], given: Range, groups: int) -> Floats64:
    """Which group each value is in, as columns of ones and zeros."""
    if isinstance(given, Choice):
        kinds = [next(n for n, one in enumerate(given.values) if one is v or one == v) for v in values]
        return _one_hot(np.array(kinds, dtype=np.int64), len(given.values))
    numbers = np.array([float(given.low), float(given.high), *values], dtype=np.float64)
    low, high, *places = np.log(numbers) if given.log else numbers
    shares = (np.array(places) - low) / (high - low)
    return _one_hot(np.clip((shares * groups).astype(np.int64), 0, groups - 1), groups)


def _one_hot(kinds: npt.NDArray[np.int64], width: int) -> Floats64:
    ones: Floats64 = np.eye(width)[kinds]
    return ones
