"""What a network's score is made of: the slope in each column times what it holds."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from shortlist.data import Batch, Ragged
from shortlist.models._inputs import is_categorical, table_of

__all__ = ["gradient_times_input"]

_OF_LISTS = ("lookup", "pool", "pool_padded")

Values = dict[str, npt.NDArray[np.float64]]


def gradient_times_input(model: Any, batch: Batch, target: str | None = None) -> Values:
    """For each column of a ranking network, the slope of the log odds in it times what it holds.

    A number x adds ``x df/dx``; a code adds ``e . df/de`` with e what the tables hold of it, its embedding
    and its weight; a list the same with the mean of its elements. For a linear model these add up to the log
    odds less the bias; for others they say which way, and how strongly, a small change would pull.

    Args:
        model: a ranking model of `shortlist.models.ranking`.
        batch: rows of NumPy arrays with the columns of its ``inputs``.
        target: whose log odds; the first by default.

    Returns:
        Column -> float64 [N].

    Source: Shrikumar et al., "Not just a black box", 2016 (arXiv 1605.01713).
    """
    flat = batch.flat().select(model.inputs.names)
    numbers = {
        column.name: _leaf(flat.array(column.name)) for column in model.inputs if not is_categorical(column)
    }
    columns: dict[str, Any] = {name: numbers.get(name, _tensor(flat[name])) for name in flat}
    training = model.training
    model.eval()
    with _recorded(model) as found, torch.enable_grad():
        logits = model(Batch(columns, rows=len(flat)))[model.targets[0] if target is None else target]
    model.train(training)
    leaves = {**numbers, **found}
    slopes = torch.autograd.grad(logits.float().sum(), list(leaves.values()), allow_unused=True)
    pulls = {
        name: np.zeros(len(flat)) if slope is None else _added(leaf, slope)
        for (name, leaf), slope in zip(leaves.items(), slopes, strict=True)
    }
    return {name: pulls[name] for name in model.inputs.names if name in pulls}


def _added(leaf: Tensor, slope: Tensor) -> npt.NDArray[np.float64]:
    product: Any = (leaf * slope).detach().double()
    return np.asarray(product.reshape(len(product), -1).sum(1).cpu().numpy())


@contextmanager
def _recorded(model: Any) -> Iterator[dict[str, Tensor]]:
    """What the tables give of each column, cut off from the tables, while the model runs."""
    found: dict[str, Tensor] = {}
    tables = model.embeddings()
    if tables is None:
        yield found
        return
    coded = [column for column in model.inputs if is_categorical(column)]
    scalars = [(column.name, table_of(column)) for column in coded if not column.is_list]
    lists = [(column.name, table_of(column)) for column in coded if column.is_list]
    original = {name: getattr(tables, name) for name in ("lookup_many", *_OF_LISTS)}
    inside: list[str] = []  # tables may answer one question by another

    def many(names: list[str], codes: Tensor) -> Tensor:
        whole: Tensor = original["lookup_many"](names, codes)
        if inside:
            return whole
        parts = [part.detach().requires_grad_() for part in whole.unbind(1)]
        for table, part in zip(names, parts, strict=True):
            found[_next(scalars, table)] = part
        return torch.stack(parts, dim=1)

    def of_list(kind: str, table: str, *arguments: Tensor) -> Tensor:
        inside.append(kind)
        part: Tensor = original[kind](table, *arguments)
        inside.pop()
        if not inside:
            part = part.detach().requires_grad_()
            found[_next(lists, table)] = part
        return part

    changed = {"lookup_many": many} | {name: partial(of_list, name) for name in _OF_LISTS}
    try:
        for name, function in changed.items():
            object.__setattr__(tables, name, function)
        yield found
    finally:
        for name in changed:
            object.__delattr__(tables, name)


def _next(columns: list[tuple[str, str]], table: str) -> str:
    """The next column of a table, which is struck off."""
    place = next(place for place, (_, own) in enumerate(columns) if own == table)
    return columns.pop(place)[0]


def _leaf(values: npt.NDArray[Any]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32)).clone().requires_grad_()


def _tensor(column: Any) -> Any:
    if isinstance(column, Ragged):
        values: Any = torch.from_numpy(np.ascontiguousarray(column.values))
        offsets: Any = torch.from_numpy(np.ascontiguousarray(column.offsets))
        return Ragged.trusted(values, offsets)
    return torch.from_numpy(np.ascontiguousarray(column))
