"""Pairs of a row and a column, and the pieces of a matrix of scores that is never made whole."""

from itertools import pairwise
from typing import TypeAlias

import torch
from torch import Tensor

from shortlist.errors import ArgumentError

__all__ = ["Pairs", "by_first", "check_pairs", "cut", "scores_at_once"]

Pairs: TypeAlias = tuple[Tensor, Tensor]


def cut(
    length: int, other: int, pairs: Pairs | None, scores: int, *, least: int = 1
) -> list[tuple[slice, Pairs | None]]:
    """Slices of one side of a ``length`` x ``other`` matrix, each of about ``scores`` cells.

    Pairs are ordered by their first number, which counts along ``length``; those of a slice count from its
    start.
    """
    if length == 0 or other == 0:
        return []
    # A power of two, as matrix products are compiled for each shape: other numbers of columns share it.
    size = max(1 << (max(scores // other, 1).bit_length() - 1), least)
    bounds = [*range(0, length, size), length]
    if pairs is None:
        return [(slice(start, end), None) for start, end in pairwise(bounds)]
    firsts, seconds = pairs
    cuts = torch.searchsorted(firsts, torch.tensor(bounds, device=firsts.device)).tolist()
    return [
        (slice(start, end), (firsts[first:last] - start, seconds[first:last]))
        for (start, end), (first, last) in zip(pairwise(bounds), pairwise(cuts), strict=True)
    ]


def scores_at_once(on: Tensor, cpu: int) -> int:
    """Scores to hold at a time: so many on a processor, 32 times as many on an accelerator.

    A processor's cache holds a small piece; an accelerator would spend its time on starting small ones.
    """
    return cpu if on.device.type == "cpu" else 32 * cpu


def by_first(pairs: Pairs | None) -> Pairs | None:
    """Pairs ordered by their first number."""
    if pairs is None or bool((pairs[0][1:] >= pairs[0][:-1]).all()):
        return pairs
    firsts, order = pairs[0].sort()
    return firsts, pairs[1][order]


def check_pairs(where: str, pairs: Pairs | None, rows: int, columns: int) -> None:
    """Refuse pairs that are none, or that the matrix does not have.

    Raises:
        ArgumentError: they are such.
    """
    if pairs is None:
        return
    same = pairs[0].ndim == 1 and pairs[0].shape == pairs[1].shape
    # An accelerator checks its own indices; asking for their range here would wait for it.
    limits = () if pairs[0].is_cuda or pairs[0].numel() == 0 else zip(pairs, (rows, columns), strict=True)
    if not same or any(int(part.min()) < 0 or int(part.max()) >= limit for part, limit in limits):
        raise ArgumentError(
            f"{where}.exclude",
            received=f"row numbers {tuple(pairs[0].shape)} and column numbers {tuple(pairs[1].shape)}",
            expected=f"two int64 tensors [E], rows from 0 to {rows - 1} and columns from 0 to {columns - 1}",
        )
