"""What per-query values say of the mean: its interval, and the difference of two models, by bootstrap.

Over more than 20,000 queries the means are drawn from the normal law that they then follow: it takes no time.
"""

from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from shortlist.errors import ArgumentError

__all__ = ["Difference", "Interval", "Mean", "mean", "mean_interval", "paired_bootstrap", "sign_flip"]

Values: TypeAlias = npt.NDArray[np.float64]

_MANY = 20_000


class Mean(NamedTuple):
    """A mean over queries.

    Attributes:
        value: the mean; NaN where no query counts.
        queries: how many queries it is taken over.
        excluded: how many were left out because they are NaN (no relevant item).
    """

    value: float
    queries: int
    excluded: int


class Interval(NamedTuple):
    """A mean over queries with the bounds of its bootstrap interval; fields as in `Mean`."""

    mean: float
    low: float
    high: float
    queries: int
    excluded: int


class Difference(NamedTuple):
    """Mean difference ``a - b`` over the same queries, its interval, and its two-sided p-value."""

    difference: float
    low: float
    high: float
    p: float


def mean(values: Values) -> Mean:
    """Mean of per-query values [Q] without the NaN, and how many there were of each.

    >>> mean(np.array([1.0, 0.5, np.nan]))
    Mean(value=0.75, queries=2, excluded=1)
    """
    kept = values[~np.isnan(values)]
    return Mean(float(kept.mean()) if len(kept) else float("nan"), len(kept), len(values) - len(kept))


def mean_interval(values: Values, seed: int = 0, *, level: float = 0.95, resamples: int = 1000) -> Interval:
    """Mean of per-query values [Q] with a percentile bootstrap interval (Efron, 1979), queries redrawn.

    Args:
        values: one value per query; NaN is left out and counted.
        seed: of the redraws.
        level: probability mass of the interval, between 0 and 1.
        resamples: number of redraws.

    Raises:
        ArgumentError: ``level`` or ``resamples`` out of range.

    >>> interval = mean_interval(np.array([0.0, 1.0, 1.0, 0.0, np.nan]), seed=0)
    >>> interval.mean, interval.queries, interval.excluded, interval.low < 0.5 < interval.high
    (0.5, 4, 1, True)
    """
    average = mean(values)
    means = _bootstrap("metrics.mean_interval", values[~np.isnan(values)], seed, level, resamples)
    low, high = _bounds(means, level)
    return Interval(average.value, low, high, average.queries, average.excluded)


def paired_bootstrap(
    a: Values, b: Values, seed: int = 0, *, level: float = 0.95, resamples: int = 1000
) -> Difference:
    """Compare two models query by query: is the mean of ``a - b`` different from zero?

    Queries are redrawn in pairs. The p-value is twice the smaller share of redraws on either side of zero
    (redraws at zero count on both sides, one is added to either count), at most 1.

    Args:
        a: values of one model [Q].
        b: values of the other on the same queries [Q]; a query that is NaN in either is left out.
        seed: of the redraws.
        level: probability mass of the interval, between 0 and 1.
        resamples: number of redraws; the smallest possible p is ``2 / (resamples + 1)``.

    Raises:
        ArgumentError: the shapes differ, or ``level`` or ``resamples`` is out of range.

    >>> a = np.array([0.9, 0.8, 0.7, 0.9] * 10)
    >>> result = paired_bootstrap(a, a - 0.1, seed=0)
    >>> round(result.difference, 6), result.low > 0, result.p < 0.01
    (0.1, True, True)
    """
    where = "metrics.paired_bootstrap"
    if a.shape != b.shape:
        raise ArgumentError(where, received=f"shapes {a.shape} and {b.shape}", expected="the same queries")
    differences = a - b
    kept = differences[~np.isnan(differences)]
    means = _bootstrap(where, kept, seed, level, resamples)
    low, high = _bounds(means, level)
    return Difference(mean(differences).value, low, high, _p_value(means))


def sign_flip(
    a: Values, b: Values, seed: int = 0, *, level: float = 0.95, resamples: int = 1000
) -> Difference:
    """Compare two models query by query by a permutation test; the interval is that of `paired_bootstrap`.

    If the models were the same, each difference ``a - b`` would be as likely with the other sign: the
    p-value is the share of random signs with a mean at least as far from zero, one added to both counts
    (Fisher, 1935).

    Args:
        a: values of one model [Q].
        b: values of the other on the same queries [Q]; a query that is NaN in either is left out.
        seed: of the signs and of the interval.
        level: probability mass of the interval, between 0 and 1.
        resamples: number of draws of signs.

    Raises:
        ArgumentError: the shapes differ, or ``level`` or ``resamples`` is out of range.

    >>> a = np.array([0.9, 0.8, 0.7, 0.9] * 10)
    >>> sign_flip(a, a - 0.1, seed=0).p < 0.01, sign_flip(a, a, seed=0).p
    (True, 1.0)
    """
    interval = paired_bootstrap(a, b, seed, level=level, resamples=resamples)
    differences = a - b
    kept = differences[~np.isnan(differences)]
    if len(kept) == 0:
        return interval
    rng = np.random.default_rng(seed)
    actual, beyond = abs(kept.sum()) * (1 - 1e-12), 0
    for _ in range(resamples):
        flipped = kept[rng.integers(0, 2, len(kept), dtype=np.int8) == 0]
        beyond += abs(kept.sum() - 2 * flipped.sum()) >= actual
    return interval._replace(p=float((beyond + 1) / (resamples + 1)))


def _bootstrap(where: str, values: Values, seed: int, level: float, resamples: int) -> Values:
    if not 0 < level < 1:
        raise ArgumentError(
            where, received=level, expected="a level between 0 and 1", remedy="pass level=0.95"
        )
    if resamples < 1:
        raise ArgumentError(
            where, received=resamples, expected="resamples >= 1", remedy="pass resamples=1000"
        )
    if len(values) == 0:
        return np.full(resamples, np.nan)
    rng = np.random.default_rng(seed)
    size = len(values)
    if size > _MANY:
        # The mean of so many is normal to far more digits than the resamples tell.
        return rng.normal(values.mean(), values.std() / np.sqrt(size), resamples)
    return np.array([values[rng.integers(0, size, size)].mean() for _ in range(resamples)])


def _bounds(means: Values, level: float) -> tuple[float, float]:
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _p_value(means: Values) -> float:
    if np.isnan(means).any():
        return float("nan")
    smaller = min(np.count_nonzero(means <= 0), np.count_nonzero(means >= 0))
    return float(min(1.0, 2 * (smaller + 1) / (len(means) + 1)))
