"""Which items are shown: how much of the catalogue, and how much of it popular."""

from typing import final

import numpy as np
import numpy.typing as npt

from shortlist.data import Store

__all__ = ["Shown", "popular_items"]

Mask = npt.NDArray[np.bool_]
Positions = npt.NDArray[np.int64]

_HUNDREDTH = 0.01
_EVER = -(2**62)


def popular_items(store: Store) -> Mask:
    """Bool [items]: the hundredth of the listed items that most was taken of, at least one item."""
    listed = store.listed
    weights = np.where(listed, store.popularity(_EVER, store.until), -1.0)
    count = max(1, round(_HUNDREDTH * int(listed.sum())))
    popular = np.zeros(len(weights), np.bool_)
    # Equal weights: the smaller position, as everywhere.
    popular[np.argsort(-weights, kind="stable")[:count]] = True
    return popular & (weights > 0)


@final
class Shown:
    """Counts the items of answers.

    Args:
        popular: bool [items], see `popular_items`.
    """

    def __init__(self, popular: Mask) -> None:
        self._popular = popular
        self._seen = np.zeros(len(popular), np.bool_)
        self.places = 0
        self.popular_places = 0

    def add(self, items: Positions) -> None:
        """Positions of items in answers; those of items that came later than the bundle are welcome."""
        if len(items) == 0:
            return
        most = int(items.max()) + 1
        if most > len(self._seen):
            self._seen = np.append(self._seen, np.zeros(most - len(self._seen), np.bool_))
        self._seen[items] = True
        self.places += len(items)
        self.popular_places += int(self._popular[items[items < len(self._popular)]].sum())

    @property
    def seen(self) -> Mask:
        """Bool [items]: what was in an answer."""
        return self._seen

    @property
    def popular_share(self) -> float:
        """Share of the places that popular items have; NaN where nothing was shown."""
        return self.popular_places / self.places if self.places else float("nan")
