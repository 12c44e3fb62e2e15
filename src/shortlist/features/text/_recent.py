"""Vectors of the texts that came last, in memory."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from threading import Lock

import numpy as np
import numpy.typing as npt

__all__ = ["Recent"]

Vector = npt.NDArray[np.float32]


class Recent:
    """At most so many vectors by key; those not asked for the longest go first. Safe to share by threads.

    Args:
        size: most vectors that are held; 0 holds none.

    >>> recent = Recent(2)
    >>> vector = np.ones(1, np.float32)
    >>> recent.put({b"a": vector, b"b": vector})
    >>> recent.put({b"c": vector})
    >>> sorted(recent.find([b"a", b"b", b"c"]))
    [b'b', b'c']
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._held: OrderedDict[bytes, Vector] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._held)

    def find(self, keys: Sequence[bytes]) -> dict[bytes, Vector]:
        """The vectors that are held."""
        with self._lock:
            found = {key: self._held[key] for key in keys if key in self._held}
            for key in found:
                self._held.move_to_end(key)
        return found

    def put(self, vectors: Mapping[bytes, Vector] | Iterable[tuple[bytes, Vector]]) -> None:
        """Hold these."""
        with self._lock:
            for key, vector in dict(vectors).items():
                self._held[key] = vector
                self._held.move_to_end(key)
            while len(self._held) > self._size:
                self._held.popitem(last=False)
