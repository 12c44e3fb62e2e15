"""How far two distributions over the same bins are apart, and how far chance alone drives them."""

import numpy as np
import numpy.typing as npt

from shortlist.monitor._bins import Bins, Counts

__all__ = ["ks", "psi", "psi_by_chance", "psi_of"]

_HALF = 0.5


def psi(before: npt.NDArray[np.number], now: npt.NDArray[np.number]) -> float:
    """Population stability index of counts over the same B bins.

    ``sum_b (q_b - p_b) log(q_b / p_b)``, the symmetrised Kullback-Leibler divergence, with half a count added
    to every bin so that an empty one is no infinity. 0 for equal shares. Custom has it that below 0.1 nothing
    of note has changed, and that above 0.25 much has.

    Args:
        before: counts [B].
        now: counts [B].

    >>> psi(np.array([500, 500]), np.array([50, 50])), round(psi(np.array([500, 500]), np.array([30, 70])), 2)
    (0.0, 0.17)
    """
    p = (before + _HALF) / (before.sum() + _HALF * len(before))
    q = (now + _HALF) / (now.sum() + _HALF * len(now))
    return float(np.sum((q - p) * np.log(q / p)))


def psi_by_chance(bins: int, before: int, now: int, sure: float = 0.999) -> tuple[float, float]:
    """The PSI of two samples of one distribution: its mean, and what it is below with probability ``sure``.

    In large samples it is ``(1 / n + 1 / m)`` times a chi-square variable of B - 1 degrees of freedom
    (Yurdakul and Naranjo, Statistical properties of the population stability index, 2020).

    Args:
        bins: number of bins B.
        before: independent rows n of the first sample.
        now: independent rows m of the second.
        sure: a probability.

    >>> mean, limit = psi_by_chance(10, 1000, 1000)
    >>> round(mean, 4), round(limit, 3)
    (0.018, 0.056)
    """
    if bins < 2:
        return 0.0, 0.0
    if before == 0 or now == 0:
        return float("inf"), float("inf")
    # A server loads this module before it is ready, and needs SciPy when it is first asked.
    from scipy.special import chdtri

    scale = 1 / before + 1 / now
    return (bins - 1) * scale, float(chdtri(bins - 1, 1 - sure)) * scale


def psi_of(bins: Bins, now: Counts) -> tuple[float, int]:
    """PSI of a feature over its coarse bins, and how many of these hold anything in either."""
    groups = bins.groups()
    p, q = (np.bincount(groups, counts) for counts in (bins.counts, now))
    held = (p + q) > 0
    return (psi(p[held], q[held]), int(held.sum())) if held.any() else (0.0, 0)


def ks(bins: Bins, now: Counts) -> float:
    """Largest difference of the distribution functions of numbers, at the ends of the fine bins.

    Null is left out. NaN for categories, which have no order, and where there is nothing to compare. Two
    samples of n and m from one distribution exceed ``1.63 sqrt(1 / n + 1 / m)`` once in a hundred times
    (Kolmogorov and Smirnov).

    >>> bins = Bins.of_numbers(np.arange(100.0))
    >>> round(ks(bins, bins.count_numbers(np.arange(50.0))), 2)
    0.5
    """
    p, q = bins.counts[:-1], now[:-1]
    if not bins.of_number or p.sum() == 0 or q.sum() == 0:
        return float("nan")
    return float(np.abs(np.cumsum(p) / p.sum() - np.cumsum(q) / q.sum()).max())
