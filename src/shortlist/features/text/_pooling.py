"""From one vector a token to one vector a text."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["POOLINGS", "normalized", "pooled"]

Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


def pooled(tokens: Floats, mask: Mask, poolings: Sequence[str]) -> Floats:
    """Pool the vectors of the tokens that a text has.

    Args:
        tokens: float32 [B, L, D], filled up on the right.
        mask: bool [B, L], true for tokens of the text; every text has at least one.
        poolings: names out of `POOLINGS`; several are put side by side.

    Returns:
        float32 [B, D], or [B, P * D] for P poolings.

    >>> tokens = np.array([[[1.0], [3.0], [9.0]]], np.float32)
    >>> mask = np.array([[True, True, False]])
    >>> pooled(tokens, mask, ["mean", "max", "cls"]).tolist()
    [[2.0, 3.0, 1.0]]
    """
    parts = [POOLINGS[name](tokens, mask) for name in poolings]
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)


def normalized(vectors: Floats) -> Floats:
    """Each vector scaled to length 1; a zero vector stays zero.

    >>> normalized(np.array([[3.0, 4.0], [0.0, 0.0]], np.float32)).round(2).tolist()
    [[0.6000000238418579, 0.800000011920929], [0.0, 0.0]]
    """
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: Floats = vectors / np.maximum(lengths, np.float32(1e-12))
    return scaled


def _first(tokens: Floats, mask: Mask) -> Floats:  # noqa: ARG001 - all poolings share one signature
    first: Floats = tokens[:, 0]
    return first


def _last(tokens: Floats, mask: Mask) -> Floats:
    last: Floats = tokens[np.arange(len(tokens)), mask.sum(axis=1) - 1]
    return last


def _largest(tokens: Floats, mask: Mask) -> Floats:
    largest: Floats = np.where(mask[:, :, None], tokens, -np.inf).max(axis=1).astype(np.float32)
    return largest


def _mean(tokens: Floats, mask: Mask) -> Floats:
    return _weighted(tokens, mask.astype(np.float32))


def _mean_sqrt(tokens: Floats, mask: Mask) -> Floats:
    counts = mask.sum(axis=1, keepdims=True, dtype=np.float32)
    scaled: Floats = _mean(tokens, mask) * np.sqrt(counts)
    return scaled


def _rising_mean(tokens: Floats, mask: Mask) -> Floats:
    places = np.arange(1, mask.shape[1] + 1, dtype=np.float32)
    return _weighted(tokens, np.where(mask, places, np.float32(0)))


def _weighted(tokens: Floats, weights: Floats) -> Floats:
    sums = np.matmul(weights[:, None, :], tokens)[:, 0]
    means: Floats = sums / weights.sum(axis=1, keepdims=True)
    return means


# In the order in which the poolings of one model are put side by side.
POOLINGS: Mapping[str, Callable[[Floats, Mask], Floats]] = {
    "cls": _first,
    "max": _largest,
    "mean": _mean,
    "mean_sqrt_len_tokens": _mean_sqrt,
    "weightedmean": _rising_mean,
    "lasttoken": _last,
}
