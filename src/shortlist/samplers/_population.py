"""What the training log says about items and users, as a sampler needs it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from shortlist.errors import ArgumentError

__all__ = ["Codes", "Floats", "Population"]

Codes: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Population:
    """The items that can be drawn, how often each is a positive, and each user's known positives.

    >>> log = Population.from_log([0, 0, 1], [2, 1, 2], users_total=2, items_total=3)
    >>> log.counts.tolist(), log.known_starts.tolist(), log.known_items.tolist(), log.catalogue.tolist()
    ([0, 1, 2], [0, 2, 3], [1, 2, 2], [0, 1, 2])
    """

    counts: Codes
    """``[V]``: how many training rows have each item code as their positive."""
    catalogue: Codes
    """``[n]``: the item codes that a sampler may draw."""
    known_starts: Codes
    """``[U + 1]``: where each user's part of ``known_items`` starts, and the end of the last."""
    known_items: Codes
    """``[K]``: item codes, distinct and ascending within a user."""
    estimate: Callable[[Codes], Floats] | None = field(default=None, repr=False, compare=False)
    """Gives the share of the training rows of each code, in place of that of ``counts``."""
    _made: dict[object, npt.NDArray[Any]] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def total(self) -> int:
        """Number of training rows."""
        return int(self.counts.sum())

    def share(self, codes: Codes) -> Floats:
        """Each item's share of the training rows; an item never seen counts as seen once."""
        if self.estimate is not None:
            return self.estimate(codes)
        shares: Floats = np.maximum(self.counts[codes], 1) / max(self.total, 1)
        return shares

    def remembered(self, name: object, make: Callable[[], npt.NDArray[Any]]) -> npt.NDArray[Any]:
        """What a source works out of the counts, once."""
        if name not in self._made:
            self._made[name] = make()
        return self._made[name]

    @classmethod
    def from_log(
        cls,
        users: npt.ArrayLike,
        items: npt.ArrayLike,
        *,
        users_total: int,
        items_total: int,
        catalogue: npt.ArrayLike | None = None,
    ) -> "Population":
        """Count a training log.

        Args:
            users: ``[N]`` user code of each training row, below ``users_total``.
            items: ``[N]`` item code of each training row, below ``items_total``.
            users_total: number of user codes U.
            items_total: number of item codes V.
            catalogue: the item codes that may be drawn; None is all of them.

        Raises:
            ArgumentError: lengths differ, or a code is out of range.
        """
        user_codes = _codes("users", users, users_total)
        item_codes = _codes("items", items, items_total)
        if len(user_codes) != len(item_codes):
            lengths = (len(user_codes), len(item_codes))
            raise ArgumentError(
                "Population.from_log", received=lengths, expected="users and items of one length"
            )
        span = max(items_total, 1)
        pairs = np.unique(user_codes * span + item_codes)
        counts = np.bincount(pairs // span, minlength=users_total)
        return cls(
            counts=np.bincount(item_codes, minlength=items_total),
            catalogue=_codes(
                "catalogue", np.arange(items_total) if catalogue is None else catalogue, items_total
            ),
            known_starts=np.concatenate([[0], counts.cumsum()]).astype(np.int64),
            known_items=pairs % span,
        )


def _codes(name: str, values: npt.ArrayLike, total: int) -> Codes:
    codes = np.asarray(values).astype(np.int64)
    if codes.ndim != 1 or (len(codes) > 0 and (codes.min() < 0 or codes.max() >= total)):
        received = f"codes from {codes.min()} to {codes.max()}" if codes.ndim == 1 else f"shape {codes.shape}"
        raise ArgumentError(
            f"Population.from_log.{name}", received=received, expected=f"[N] codes from 0 to {total - 1}"
        )
    return codes
