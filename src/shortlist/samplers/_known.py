"""Whether a user is known to have taken an item."""

from typing import Any

import numpy as np
import numpy.typing as npt

from shortlist.samplers._exclusions import known_items
from shortlist.samplers._population import Codes, Population

__all__ = ["KnownPairs"]


class KnownPairs:
    """Answers for any pairs of user and item.

    >>> log = Population.from_log([0, 0, 1], [1, 2, 2], users_total=2, items_total=3)
    >>> KnownPairs(log).has(np.array([0, 1]), np.array([[1, 0], [1, 2]])).tolist()
    [[True, False], [False, True]]
    """

    def __init__(self, population: Population) -> None:
        lengths = np.diff(population.known_starts)
        self._span = max(len(population.counts), 1)
        self._population = population
        self._keys = np.repeat(np.arange(len(lengths)), lengths) * self._span + population.known_items

    def has(self, users: Codes, items: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
        """Whether the user of each row is known to have taken the row's items.

        Args:
            users: ``[B]`` user codes.
            items: ``[B, N]`` item codes.

        Returns:
            ``[B, N]``.
        """
        wanted = users[:, None] * self._span + items
        places = np.searchsorted(self._keys, wanted)
        inside = places < len(self._keys)
        found: npt.NDArray[np.bool_] = np.zeros(wanted.shape, np.bool_)
        found[inside] = self._keys[places[inside]] == wanted[inside]
        return found

    def items_of(self, users: Codes) -> tuple[Codes, Codes]:
        """Everything some users are known to have taken.

        Args:
            users: ``[B]`` user codes.

        Returns:
            Place among ``users`` and item code of every pair, by place.
        """
        return known_items(self._population, users)
