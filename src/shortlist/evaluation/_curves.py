"""What a page about an evaluation draws: metrics by cut, and by the popularity of what was to be found."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shortlist import metrics as m
from shortlist.evaluation._asked import Asked
from shortlist.metrics import RankingMetric

__all__ = ["Bias", "by_cut", "popularity_bias"]

_EVER = np.iinfo(np.int64).min
_BINS = 10


def by_cut(asked: Asked, metric: RankingMetric, cuts: Sequence[int]) -> dict[str, list[tuple[float, float]]]:
    """Recommender -> mean of a metric at each cut, as points."""
    truth = asked.truth.items
    found = {}
    for model in asked.lists:
        hits = m.hits(asked.of_queries(model, max(cuts)), truth.offsets, truth.values)
        found[model] = [(float(k), m.mean(metric(hits, truth.lengths, k)).value) for k in cuts]
    return found


@dataclass(frozen=True)
class Bias:
    """Tenths of the past events, the most popular items first, and at the end the items without any.

    Attributes:
        labels: items of each bin.
        truth: share of what was to be found that lies in each bin.
        shown: recommender -> share of what it shows in each bin.
        found: recommender -> share of a bin's truth that it found; NaN where there is none.
    """

    labels: tuple[str, ...]
    truth: npt.NDArray[np.float64]
    shown: dict[str, npt.NDArray[np.float64]]
    found: dict[str, npt.NDArray[np.float64]]


def popularity_bias(asked: Asked, k: int) -> Bias:
    """Cut the catalogue into bins of equal past events, and look at the first k items of each list."""
    counts = asked.state.store.popularity(_EVER, asked.state.now)
    order = np.argsort(-counts, kind="stable")
    before = np.cumsum(counts[order]) - counts[order]
    bins = np.full(len(counts) + 1, _BINS)
    bins[order] = np.minimum((_BINS * before / max(counts.sum(), 1e-12)).astype(np.int64), _BINS - 1)
    bins[:-1][counts <= 0] = _BINS
    truth = asked.truth.items
    wanted = bins[np.minimum(truth.values, len(counts))]
    size = np.bincount(wanted, minlength=_BINS + 1)
    shown, found = {}, {}
    for model in asked.lists:
        lists = asked.lists[model][:, :k]
        shown[model] = _shares(np.bincount(bins[lists[lists >= 0]], minlength=_BINS + 1))
        own = asked.of_queries(model, k)
        hits = m.hits(own, truth.offsets, truth.values)
        right = np.bincount(bins[own[hits]], minlength=_BINS + 1)
        found[model] = np.where(size > 0, right / np.maximum(size, 1), np.nan)
    items = np.bincount(bins[:-1], minlength=_BINS + 1)
    return Bias(tuple(f"{count:,}" for count in items), _shares(size), shown, found)


def _shares(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    shares: npt.NDArray[np.float64] = counts / max(counts.sum(), 1)
    return shares
