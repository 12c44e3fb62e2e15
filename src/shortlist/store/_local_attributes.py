"""Columns of tables as columns of the events of a few users."""

from collections.abc import Iterator, Mapping
from typing import final

import numpy as np
import numpy.typing as npt

from shortlist.data import Attribute

__all__ = ["LocalAttributes"]


@final
class LocalAttributes(Mapping[str, Attribute]):
    """The same columns where users have other numbers.

    Args:
        attributes: by the positions of the tables.
        positions: int64: the position in the table of each number; -1 for none.
    """

    def __init__(self, attributes: Mapping[str, Attribute], positions: npt.NDArray[np.int64]) -> None:
        self._attributes = attributes
        self._positions = positions

    def __getitem__(self, name: str) -> Attribute:
        found = self._attributes[name]
        return found if found.of == "item" else Attribute("user", found.at(self._positions))

    def __iter__(self) -> Iterator[str]:
        return iter(self._attributes)

    def __len__(self) -> int:
        return len(self._attributes)
