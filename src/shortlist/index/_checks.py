"""What is refused before anything is done."""

import numpy as np
import numpy.typing as npt

from shortlist.errors import ArgumentError, BundleError

__all__ = ["matrix", "refuse_other_model", "search_input"]

Vectors = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


def matrix(vectors: Vectors, where: str, dim: int | None = None) -> Vectors:
    """Vectors as float32 [N, D], in one piece.

    Raises:
        ArgumentError: another shape, or a value that is not finite.
    """
    array = np.ascontiguousarray(vectors, dtype=np.float32)
    if array.ndim != 2 or array.shape[1] < 1 or array.shape[1] != (dim or array.shape[1]):
        raise ArgumentError(
            where,
            received=f"shape {array.shape}",
            expected="[N, D] with D >= 1" if dim is None else f"[N, {dim}]",
            remedy="pass one row for each vector",
        )
    wrong = np.flatnonzero(~np.isfinite(array).all(axis=1))
    if len(wrong) > 0:
        raise ArgumentError(
            where,
            received=f"NaN or infinity in {len(wrong)} rows, the first {wrong[0]}",
            expected="finite numbers",
            remedy="look at the features and the training loss of the model that made them",
        )
    return array


def search_input(queries: Vectors, k: int, allowed: Mask | None, *, dim: int, count: int) -> Vectors:
    """Queries as float32 [Q, D], in one piece.

    Raises:
        ArgumentError: a wrong shape or type, or k below 1.
    """
    if not isinstance(k, int | np.integer) or k < 1:
        raise ArgumentError("search.k", received=k, expected="an integer >= 1", remedy="pass k=10")
    array = np.ascontiguousarray(queries, dtype=np.float32)
    if array.ndim != 2 or array.shape[1] != dim:
        raise ArgumentError(
            "search.queries",
            received=f"shape {array.shape}",
            expected=f"[Q, {dim}]",
            remedy="encode the queries with the model that made the vectors; one query is [1, D]",
        )
    if allowed is not None and (allowed.shape != (count,) or allowed.dtype != np.bool_):
        raise ArgumentError(
            "search.allowed",
            received=f"{allowed.dtype} of shape {allowed.shape}",
            expected=f"bool of shape ({count},)",
            remedy="give one truth value for each row of the index",
        )
    return array


def refuse_other_model(where: str, model: str, wanted: str | None) -> None:
    """Refuse vectors of another model than the one that is wanted; None wants any.

    Raises:
        BundleError: it is another one.
    """
    if wanted is not None and model != wanted:
        raise BundleError(
            where,
            received=f"vectors of the model {model!r}",
            expected=f"vectors of the model {wanted!r}",
            remedy="build the index with the vectors of the model that encodes the queries",
        )
