"""Positions for users that no table has."""

from collections import OrderedDict
from threading import Lock
from typing import Any, final

import numpy as np
import numpy.typing as npt

__all__ = ["FIRST_VISITOR", "Visitors"]

FIRST_VISITOR = 2**40
"""Positions from here on are those of visitors; no table has so many rows."""


@final
class Visitors:
    """Numbers of the users that were asked about last; a number is never given twice.

    Args:
        size: ids to remember, the most recently asked ones.

    >>> visitors = Visitors(size=1)
    >>> first, second = (int(visitors.meet([name])[0]) - FIRST_VISITOR for name in ("ann", "bob"))
    >>> first, second, visitors.ids([FIRST_VISITOR, FIRST_VISITOR + 1])
    (0, 1, [None, 'bob'])
    """

    def __init__(self, size: int = 1_000_000) -> None:
        self._size = size
        self._numbers: OrderedDict[str, int] = OrderedDict()
        self._ids: dict[int, str] = {}
        self._next = FIRST_VISITOR
        self._lock = Lock()

    def meet(self, ids: list[Any]) -> npt.NDArray[np.int64]:
        """int64 [N]: the number of each id, as text; -1 for None."""
        with self._lock:
            return np.array([-1 if each is None else self._number(str(each)) for each in ids], dtype=np.int64)

    def ids(self, numbers: list[int]) -> list[str | None]:
        """The ids that have these numbers; None for one that is no longer remembered."""
        return [self._ids.get(number) for number in numbers]

    def _number(self, text: str) -> int:
        found = self._numbers.get(text)
        if found is None:
            found = self._numbers[text] = self._next
            self._ids[found] = text
            self._next += 1
            if len(self._numbers) > self._size:
                _, gone = self._numbers.popitem(last=False)
                del self._ids[gone]
        else:
            self._numbers.move_to_end(text)
        return found
