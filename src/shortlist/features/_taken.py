"""Values by place."""

from typing import TypeVar

import numpy as np
import numpy.typing as npt

from shortlist.features._compiled import kernels
from shortlist.features._numbered import frozen

__all__ = ["taken"]

T = TypeVar("T", bound=np.generic)


def taken(values: npt.NDArray[T], places: npt.NDArray[np.int64]) -> npt.NDArray[T]:
    """Values by place, which must be among them; places below 0 count from the end."""
    loops = kernels(len(places), asked=0)
    if loops is None:
        return values[places]
    found: npt.NDArray[T] = loops.take(frozen(values), frozen(places))
    return found
