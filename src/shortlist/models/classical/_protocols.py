"""What every fitted classical model can do."""

from collections.abc import Mapping
from typing import Any, Literal, Protocol, Self, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

__all__ = ["Arrays", "Model", "Needs", "Scores", "Users"]

Arrays: TypeAlias = Mapping[str, npt.NDArray[Any]]
Needs: TypeAlias = Literal["matrix", "events"]
Scores: TypeAlias = npt.NDArray[np.float32]
Users: TypeAlias = npt.NDArray[np.int64] | None


class Model(Protocol):
    """A fitted model: it scores histories and is nothing but arrays."""

    def scores(self, rows: csr_array, users: Users = None) -> Scores:
        """Score every item for each history.

        Args:
            rows: histories [Q, items], sparse, weights as in fitting.
            users: [Q] row of each query's user in the matrix fitted on, -1 for a new user. Only `Repeats`
                knows more of a user than the history says; the others leave it aside.

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
