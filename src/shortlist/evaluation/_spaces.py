"""Baselines with the settings that are tried for each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from shortlist.errors import ArgumentError
from shortlist.models.classical import EASE, IALS, ItemKNN
from shortlist.pipeline import Learned, Merge, Popular, Repeats, Stage

__all__ = ["Baseline", "baseline_spaces", "trials_of"]

Settings = Mapping[str, Any]


@dataclass(frozen=True)
class Baseline:
    """A baseline and its declared grid.

    Attributes:
        make: (seen matrix [users, items], how many items to give, settings) -> a source of candidates.
        grid: setting -> values to try, its default first.

    Raises:
        ArgumentError: a setting has no value.
    """

    make: Callable[[csr_array, int, Settings], Stage]
    grid: Mapping[str, tuple[Any, ...]]

    def __post_init__(self) -> None:
        for name, values in self.grid.items():
            if not values:
                raise ArgumentError(
                    f"Baseline.grid[{name!r}]", received="no values", expected="at least the default"
                )


def baseline_spaces(items: int, *, drop_seen: bool) -> dict[str, Baseline]:
    """Popularity over windows, item-kNN, EASE and iALS with grids around what publications found best.

    Args:
        items: size of the catalogue; EASE is left out above its limit.
        drop_seen: whether seen items are dropped; if they are not, the user's own repeats take part too.
    """
    spaces = {
        "popular": Baseline(_popular, {"window": (None, "7d", "30d", "90d", "365d")}),
        "item-kNN": Baseline(_item_knn, {"k": (200, 50, 100, 400), "shrink": (0.0, 10.0, 50.0, 200.0)}),
        "EASE": Baseline(_ease, {"l2": (300.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 3000.0)}),
        "iALS": Baseline(
            _ials, {"dim": (32, 64, 128), "alpha0": (0.3, 0.03, 0.1, 1.0), "l2": (0.01, 0.003, 0.03)}
        ),
    }
    if not drop_seen:
        spaces["own repeats"] = Baseline(_repeats, {"window": ("30d", "7d", "90d", None)})
    if items > EASE().max_items:
        del spaces["EASE"]
    return spaces


def trials_of(baseline: Baseline, budget: int, rng: np.random.Generator) -> list[dict[str, Any]]:
    """The defaults and ``budget - 1`` other settings of the grid at random; the whole grid if it is smaller.

    >>> space = Baseline(_ease, {"l2": (300.0, 100.0)})
    >>> trials_of(space, 5, np.random.default_rng(0))
    [{'l2': 300.0}, {'l2': 100.0}]
    """
    whole = [dict(zip(baseline.grid, values, strict=True)) for values in product(*baseline.grid.values())]
    others = 1 + rng.permutation(len(whole) - 1)[: max(budget, 1) - 1]
    return [whole[0], *(whole[place] for place in np.sort(others))]


def _popular(seen: csr_array, k: int, settings: Settings) -> Stage:  # noqa: ARG001
    return Popular(k, window=settings["window"])


def _repeats(seen: csr_array, k: int, settings: Settings) -> Stage:  # noqa: ARG001
    return Merge(Repeats(k), Popular(k, window=settings["window"]))


def _item_knn(seen: csr_array, k: int, settings: Settings) -> Stage:
    return Learned(ItemKNN(**settings).fit(seen), k=k)


def _ease(seen: csr_array, k: int, settings: Settings) -> Stage:
    return Learned(EASE(**settings).fit(seen), k=k)


def _ials(seen: csr_array, k: int, settings: Settings) -> Stage:
    return Learned(IALS(**settings).fit(seen), k=k)
