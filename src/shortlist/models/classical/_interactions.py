"""Events with their times."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from shortlist.errors import ArgumentError
from shortlist.scorers import usable

__all__ = ["Events"]


@dataclass(frozen=True, eq=False)
class Events:
    """Interactions one by one, in any order.

    Attributes:
        users: row of the user [E], 0 .. shape[0] - 1.
        items: column of the item [E], 0 .. shape[1] - 1.
        times: [E] numbers of one unit (seconds, days).
        weights: [E] non-negative weight of the event; several events on one pair add up.
        shape: users and items of the matrix.

    Raises:
        ArgumentError: the lengths differ, a code is out of range, a time or weight is not a usable number.

    >>> events = Events(np.array([0, 0]), np.array([1, 1]), np.array([10, 20]), np.ones(2), shape=(1, 2))
    >>> events.matrix().toarray()
    array([[0., 2.]])
    """

    users: npt.NDArray[np.int64]
    items: npt.NDArray[np.int64]
    times: npt.NDArray[Any]
    weights: npt.NDArray[Any]
    shape: tuple[int, int]

    def __post_init__(self) -> None:
        lengths = [len(part) for part in (self.users, self.items, self.times, self.weights)]
        if len(set(lengths)) != 1:
            raise ArgumentError("Events", received=f"lengths {lengths}", expected="four arrays of one length")
        for name, codes, size in (("users", self.users, self.shape[0]), ("items", self.items, self.shape[1])):
            if len(codes) and not 0 <= codes.min() <= codes.max() < size:
                raise ArgumentError(
                    f"Events.{name}",
                    received=f"codes from {codes.min()} to {codes.max()}",
                    expected=f"codes in 0 .. {size - 1}",
                    remedy="pass the shape that the codes belong to",
                )
        if not (np.isfinite(self.times).all() and usable(self.weights)):
            raise ArgumentError(
                "Events", received="NaN, infinite or negative numbers", expected="finite times, weights >= 0"
            )

    def matrix(self) -> csr_array:
        """Sum the weights of each user and item: CSR float64 [users, items]."""
        pairs = (self.weights.astype(np.float64), (self.users, self.items))
        return csr_array(pairs, shape=self.shape)
