"""Elastic-net regressions of every item on the others, from their Gram matrix."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array, vstack

from shortlist.models.classical._compiled import compiled, pays
from shortlist.models.classical._threads import spread

__all__ = ["Bounds", "Net", "descend"]

Floats = npt.NDArray[np.float32]
Wide = npt.NDArray[np.float64]

# Items of one block: its weights are dense.
_ITEMS = 64
# Visits of a coordinate that a regression takes, from experience; decides whether compiling pays.
_VISITS = 1000


class Net(NamedTuple):
    """The objective: ``w'Gw / 2 - g.w + l2 |w|^2 / 2 + l1 |w|_1``."""

    l1: float
    l2: float
    non_negative: bool


class Bounds(NamedTuple):
    """When to stop, and how many items may explain one (None: all)."""

    tolerance: float
    sweeps: int
    neighbours: int | None


def descend(gram: Floats, net: Net, bounds: Bounds, threads: int) -> csr_array:
    """The weights of all regressions.

    Args:
        gram: G [N, N].
        net: the objective.
        bounds: of the search.
        threads: that work at a time; they change no result.

    Returns:
        float32 [N, N]; row j explains item j.
    """
    items = len(gram)
    pieces: dict[int, csr_array] = {}
    faster = pays(_VISITS * float(items) ** 2)
    kernel: Callable[..., None] = compiled(_items) if faster else _items
    sweep: Callable[..., float] = compiled(_sweep) if faster else _sweep

    def solve(first: int, last: int) -> None:
        for start in range(first, last, _ITEMS):
            targets = np.arange(start, min(start + _ITEMS, last))
            allowed = _allowed(gram, targets, bounds.neighbours)
            weights = np.zeros(allowed.shape)
            kernel(gram, targets, allowed, weights, net, (bounds.tolerance, bounds.sweeps), sweep)
            pieces[start] = csr_array(weights.astype(np.float32))

    spread(solve, np.ones(items), threads if faster else 1)
    if not pieces:
        return csr_array((items, items), dtype=np.float32)
    return csr_array(vstack([pieces[start] for start in sorted(pieces)]))


def _allowed(gram: Floats, targets: npt.NDArray[np.int64], neighbours: int | None) -> npt.NDArray[np.bool_]:
    """Which items may explain which target: bool [b, N]."""
    allowed = np.ones((len(targets), len(gram)), dtype=bool)
    if neighbours is not None and neighbours < len(gram):
        alike = gram[targets] / np.sqrt(np.maximum(gram.diagonal(), 1e-30))
        alike[np.arange(len(targets)), targets] = -1
        further = np.argsort(-alike, axis=1, kind="stable")[:, neighbours:]
        np.put_along_axis(allowed, further, values=False, axis=1)
    allowed[np.arange(len(targets)), targets] = False
    return allowed


def _items(  # noqa: PLR0917 - compiled
    gram: Floats,
    targets: npt.NDArray[np.int64],
    allowed: npt.NDArray[np.bool_],
    weights: Wide,
    net: Net,
    bounds: tuple[float, int],
    sweep: Callable[..., float],
) -> None:
    """Sweep over the weights that can move, in between over those that are not 0, until none moves."""
    tolerance, sweeps = bounds
    for place in range(len(targets)):
        target, w = targets[place], weights[place]
        slope = gram[target].astype(np.float64)
        can = allowed[place].copy()
        if net.non_negative:
            # Other weights only lower the slope: what does not rise from 0 at first never does.
            can &= slope > net.l1
        movable = np.flatnonzero(can)
        left = sweeps
        while left > 0:
            left -= 1
            if sweep(gram, slope, w, movable, net) < tolerance:
                break
            moved = movable[w[movable] != 0]
            while left > 0:
                left -= 1
                if sweep(gram, slope, w, moved, net) < tolerance:
                    break


def _sweep(gram: Floats, slope: Wide, w: Wide, movable: npt.NDArray[np.int64], net: Net) -> float:
    """Give each weight its best value in turn; the largest change."""
    largest = 0.0
    for item in movable:
        own = float(gram[item, item])
        aim = slope[item] + own * w[item]
        if aim > net.l1:
            new = (aim - net.l1) / (own + net.l2)
        elif aim < -net.l1 and not net.non_negative:
            new = (aim + net.l1) / (own + net.l2)
        else:
            new = 0.0
        change = new - w[item]
        if change != 0:
            w[item] = new
            largest = max(largest, abs(change))
            slope -= change * gram[item]
    return largest
