"""Recommended lists for many users."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from shortlist.data import Recommender, Requests

__all__ = ["recommended"]


def recommended(
    recommender: Recommender, users: Sequence[Any], k: int, *, batch: int = 512
) -> npt.NDArray[np.int64]:
    """int64 [U, k]: the first k positions for each user at the state's present, -1 where there are fewer."""
    lists = [
        recommender.run(Requests(users[start : start + batch], k=k)).matrix(k)
        for start in range(0, len(users), batch)
    ]
    return np.concatenate(lists) if lists else np.zeros((0, k), dtype=np.int64)
