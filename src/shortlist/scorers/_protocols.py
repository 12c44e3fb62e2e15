"""What every fitted classical model can do."""

from collections.abc import Mapping
from typing import Any, Protocol, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from shortlist.errors import DataError, near
from shortlist.scorers._sparse import SparseRows

__all__ = ["Arrays", "Model", "Scores", "Users", "part"]

Arrays: TypeAlias = Mapping[str, npt.NDArray[Any]]
Scores: TypeAlias = npt.NDArray[np.float32]
Users: TypeAlias = npt.NDArray[np.int64] | None


class Model(Protocol):
    """A fitted model: it scores histories and is nothing but arrays."""

    @property
    def n_items(self) -> int:
        """Number of items it was fitted on."""
        ...

    def scores(self, rows: SparseRows, users: Users = None) -> Scores:
        """Score every item for each history.

        Args:
            rows: histories [Q, items], sparse, weights as in fitting.
            users: [Q] row of each query's user in the matrix fitted on, -1 for a new user. Only `OwnItems`
                and `PairFactors` know more of a user than the history says; the others leave it aside.

        Returns:
            float32 [Q, items], finite, higher is better, seen items included.
        """
        ...

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return the whole model as named arrays, ready to be saved."""
        ...

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Self:
        """Build the model that gave these arrays: it scores the same."""
        ...


def part(where: str, arrays: Arrays, name: str) -> npt.NDArray[Any]:
    """Return one of the saved arrays, or say which are there.

    Raises:
        DataError: there is no array of that name.
    """
    if name not in arrays:
        raise DataError(
            where, received="other arrays", expected=f"an array {name!r}", remedy=near(name, arrays)
        )
    return arrays[name]
