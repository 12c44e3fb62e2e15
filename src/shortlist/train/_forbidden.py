"""Which items are no negatives of a row."""

import numpy as np
import numpy.typing as npt

from shortlist.data import Batch
from shortlist.samplers import KnownPairs
from shortlist.train._binding import Binding

__all__ = ["Forbidden"]

Codes = npt.NDArray[np.int64]


class Forbidden:
    """A row's own item, and those its user is known to have taken.

    Args:
        binding: where items and users stand.
        known: who has what; None forbids only the rows' own items.
        batch: the rows.
    """

    def __init__(self, binding: Binding, known: KnownPairs | None, batch: Batch) -> None:
        users = binding.users(batch)
        self._items: Codes = binding.items(batch).cpu().numpy()
        self._users = None if users is None else users.cpu().numpy()
        self._known = known
        self._places = np.full(len(binding.catalogue.row_of), -1, np.int64)

    def __len__(self) -> int:
        """Number of rows."""
        return len(self._items)

    def among(self, codes: Codes) -> tuple[Codes, Codes]:
        """The forbidden ones among items that all rows share.

        Args:
            codes: ``[M]`` distinct item codes.

        Returns:
            Row number and place among ``codes`` of each pair; a pair may be there twice.
        """
        rows, items = np.arange(len(self._items)), self._items
        if self._known is not None and self._users is not None:
            known = self._known.items_of(self._users)
            rows, items = np.concatenate([rows, known[0]]), np.concatenate([items, known[1]])
        self._places[codes] = np.arange(len(codes))
        places = self._places[items]
        self._places[codes] = -1
        return rows[places >= 0], places[places >= 0]

    def __call__(self, codes: Codes) -> npt.NDArray[np.bool_]:
        """Bool ``[B, N]`` for item codes ``[B, N]``."""
        found: npt.NDArray[np.bool_] = codes == self._items[:, None]
        if self._known is not None and self._users is not None:
            found |= self._known.has(self._users, codes)
        return found

    def pairs(self, rows: Codes, codes: Codes) -> npt.NDArray[np.bool_]:
        """Bool ``[E]`` for pairs of a row and an item."""
        found: npt.NDArray[np.bool_] = codes == self._items[rows]
        if self._known is not None and self._users is not None:
            found |= self._known.has(self._users[rows], codes[:, None])[:, 0]
        return found
