"""Rows that repeat in a batch, so that each is computed once."""

import torch
from torch import Tensor

__all__ = ["each_once"]

_MULTIPLE = 128


def each_once(codes: Tensor) -> tuple[Tensor, Tensor]:
    """One row for each distinct code, and which of them every row is: ``codes == codes[rows][place]``.

    The rows are filled up to a multiple of 128 with repeats of the first, if there are that many, since
    processors compile a matrix product anew for every shape.

    Args:
        codes: ``[B]`` integers, such as the user of each row.

    Returns:
        Row numbers ``[R]`` int64 and places in them ``[B]`` int64.

    >>> rows, place = each_once(torch.tensor([7, 9, 7]))
    >>> rows.tolist(), place.tolist()
    ([0, 1, 0], [0, 1, 0])
    """
    distinct, place = torch.unique(codes, return_inverse=True)
    size = min(-(-len(distinct) // _MULTIPLE) * _MULTIPLE, len(codes))
    rows = torch.zeros(size, dtype=torch.int64, device=codes.device)
    every = torch.arange(len(codes), device=codes.device)
    return rows.scatter_reduce_(0, place, every, "amin", include_self=False), place
