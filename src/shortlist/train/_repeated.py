"""Queries that repeat in a batch, encoded once."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from shortlist.data import Batch
from shortlist.nn import each_once

__all__ = ["repeats"]

_MOST = 0.9  # share of the rows that may be left: fewer repeats do not pay for looking


def repeats(batch: Batch, names: Iterable[str], users: Tensor) -> tuple[Tensor, Tensor] | None:
    """Rows that stand for all, and which of them each row is; None where that is not so or hardly pays.

    Rows of a user may differ by the hour or the device; then there is nothing to be had, nor where a column
    holds lists or the batch is on an accelerator, which would have to be waited for.

    Args:
        batch: tensors of B rows.
        names: columns that rows must agree in.
        users: ``[B]`` int64: rows that differ here are not compared.

    >>> users = torch.tensor([4, 5]).repeat(100)
    >>> rows, place = repeats(Batch({"user": users, "age": 10 * users}), ["user", "age"], users)
    >>> len(rows), place[:4].tolist()
    (128, [0, 1, 0, 1])
    """
    columns: list[Any] = [batch[name] for name in names]
    if users.device.type != "cpu" or not all(isinstance(column, Tensor) for column in columns):
        return None
    rows, place = each_once(users)
    if len(rows) > _MOST * len(users):
        return None
    same = rows[place]
    alike = all(torch.equal(column, column[same]) for column in columns)
    return (rows, place) if alike else None
