"""The items of largest inner product, where the vectors are: on the processor or on the GPU."""

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from shortlist import metrics
from shortlist.data import Ragged

__all__ = ["top_products"]

# Scores held at a time on a GPU: 1 GB of float32.
_SCORES, _ITEMS = 2**28, 65_536


def top_products(
    queries: Tensor, items: Tensor, k: int, *, seen: Ragged | None = None
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """The k items of largest inner product for each query, without the table of all scores.

    On the processor this is `shortlist.metrics.top_products`. On a GPU the product is taken block by block,
    and the k best of each block join those of the blocks before; equal scores stand in any order there, so
    permute the items where positions know anything of the truth.

    Args:
        queries: [Q, D], any floating type; compared as float32.
        items: [N, D] on the same device.
        k: length of the lists; k may exceed N.
        seen: Q lists of positions that are left out.

    Returns:
        As `shortlist.metrics.top_products`.

    >>> top_products(torch.eye(2), torch.tensor([[0.0, 3.0], [2.0, 0.0]]), 1)[0].tolist()
    [[1], [0]]
    """
    queries, items = queries.detach().float(), items.detach().float()
    if queries.device.type == "cpu":
        return metrics.top_products(queries.numpy(), items.numpy(), k, seen=seen)
    found = np.full((len(queries), k), -1, dtype=np.int64)
    scores = np.full((len(queries), k), -np.inf, dtype=np.float32)
    step = max(1, _SCORES // max(min(len(items), _ITEMS), 1))
    for start in range(0, len(queries), step):
        rows = slice(start, min(start + step, len(queries)))
        hidden = None if seen is None else _cells(seen.take(np.arange(rows.start, rows.stop)))
        value, place = _best(queries[rows], items, k, hidden)
        scores[rows, : value.shape[1]], found[rows, : value.shape[1]] = value.cpu(), place.cpu()
    return np.where(np.isneginf(scores), -1, found), scores


def _best(
    queries: Tensor, items: Tensor, k: int, hidden: tuple[npt.NDArray[Any], npt.NDArray[Any]] | None
) -> tuple[Tensor, Tensor]:
    value = torch.empty((len(queries), 0), device=queries.device)
    place = torch.empty((len(queries), 0), dtype=torch.int64, device=queries.device)
    for first in range(0, len(items), _ITEMS):
        block = (queries @ items[first : first + _ITEMS].T).nan_to_num_(nan=-torch.inf, posinf=torch.inf)
        if hidden is not None:
            line, column = hidden
            low, high = np.searchsorted(column, [first, first + _ITEMS])
            where = torch.from_numpy(np.stack([line[low:high], column[low:high] - first])).to(block.device)
            block[where[0], where[1]] = -torch.inf
        own = block.topk(min(k, block.shape[1]), dim=1)
        pool = torch.cat([value, own.values], dim=1)
        value, chosen = pool.topk(min(k, pool.shape[1]), dim=1)
        place = torch.cat([place, own.indices + first], dim=1).gather(1, chosen)
    return value, place


def _cells(seen: Ragged) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Row and column of what is left out, by column."""
    order = np.argsort(seen.values, kind="stable")
    return seen.row_of[order], seen.values[order]
