"""Users met since the tables were built."""

from collections.abc import Iterable, Sequence
from typing import Any, final

import numpy as np
import numpy.typing as npt

from shortlist.data import Array, Keys

__all__ = ["Newcomers"]


@final
class Newcomers:
    """Users with positions: those of a table first, then the others in the order they were met.

    Ids are compared as text beyond the table, as `Keys` blurs ``17850`` and ``"17850"``. None is nobody.

    >>> users = Newcomers(Keys(["a"]))
    >>> users.meet(["b", "a", None]).tolist(), users.positions(["b", "c"]).tolist()
    ([1, 0, -1], [1, -1])
    """

    def __init__(self, known: Keys) -> None:
        self.known = known
        self.ids: list[Any] = []
        self._places: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self.known) + len(self.ids)

    def positions(self, ids: Iterable[Any] | Array) -> npt.NDArray[np.int64]:
        """int64 [N]: the position of each id, -1 where it is unknown or None."""
        wanted = ids.tolist() if isinstance(ids, np.ndarray) else list(ids)
        found = self.known.positions(wanted)
        if self._places:
            for row in np.flatnonzero(found < 0):
                found[row] = self._places.get(_text(wanted[row]), -1)
        return found

    def meet(self, ids: Iterable[Any]) -> npt.NDArray[np.int64]:
        """`positions`, giving the unknown ones among them the next places."""
        wanted = list(ids)
        found = self.positions(wanted)
        for row in np.flatnonzero(found < 0):
            if wanted[row] is None:
                continue
            text = _text(wanted[row])
            if text not in self._places:
                self._places[text] = len(self)
                self.ids.append(wanted[row])
            found[row] = self._places[text]
        return found

    def ids_at(self, positions: Sequence[int]) -> list[Any]:
        """The raw ids at these positions."""
        table = len(self.known)
        found = [
            self.known.values[place] if place < table else self.ids[place - table] for place in positions
        ]
        return [each.item() if isinstance(each, np.generic) else each for each in found]


def _text(value: Any) -> str:
    return "" if value is None else str(value)
