"""A retrieval model bound to the rows it learns from."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from shortlist.data import Batch
from shortlist.io import positive
from shortlist.loader import Loader, bounds, take
from shortlist.losses import SharedQueries
from shortlist.samplers import Negatives
from shortlist.schema import Column, Schema
from shortlist.train._catalogue import Catalogue, user_column
from shortlist.train._device_items import DeviceItems
from shortlist.train._encode import in_pieces
from shortlist.train._inspection import warn_of_vectors
from shortlist.train._leaks import warn_of_item_leaks
from shortlist.train._options import FitOptions
from shortlist.train._ranks import Ranks
from shortlist.train._repeated import repeats
from shortlist.train._retrieval_validation import RetrievalValidation
from shortlist.train._sources import Data, not_empty, schema_of, weight_column
from shortlist.train._vector_memory import VectorMemory

__all__ = ["Binding", "RetrievalModel", "own_rows"]

_LOOKED_AT = 10_000


class RetrievalModel(Protocol):
    """For type-checking only: what training asks of a retrieval model, an ``nn.Module`` besides.

    A model may have a ``training_schema`` of columns that its encoders read in training alone. Where its
    ``query.repeats_alike`` is true, queries of equal columns have equal vectors in training too, nothing
    being dropped at random: then those that repeat in a batch are encoded once.
    """

    schema: Schema
    query_schema: Schema
    item_schema: Schema
    dim: int

    def encode_query(self, batch: Batch) -> Any:
        """``[B, D]`` of the columns of ``query_schema``."""

    def encode_item(self, batch: Batch) -> Any:
        """``[B, D]`` of the columns of ``item_schema``."""

    def parameters(self) -> Any:
        """Those of the module."""


class Binding:
    """What every retrieval objective reads: training rows, catalogue, item vectors, validation.

    Rows that are no positives (`shortlist.io.positive`) are left out. Items of the batch are encoded with
    the features of one of its rows, others with those of the item's last training row.

    Args:
        model: a retrieval model, on its device.
        train: encoded rows.
        valid: encoded rows to validate on.
        options: how to train.
        columns: names of further columns that the objective reads.

    Raises:
        DataError: no positive row.
        SchemaError: a column is missing or not as the schema says.
    """

    def __init__(
        self,
        model: RetrievalModel,
        train: Data,
        valid: Data | None,
        options: FitOptions,
        *,
        columns: Sequence[str] = (),
    ) -> None:
        self.model = model
        self.device: torch.device = next(iter(model.parameters())).device
        schema = schema_of(train, model.schema)
        self._user, self._weight = user_column(schema), weight_column(schema)
        self._item = model.item_schema.item.name
        own = [column for column in (self._user, self._weight) if column is not None]
        own += [*getattr(model, "training_schema", ()), *(schema[name] for name in columns)]
        self.loader = Loader(
            train,
            _with(model.query_schema.merge(model.item_schema), own),
            batch_size=options.batch_size,
            seed=options.seed,
            where=positive(schema),
            device=self.device,
            loading=options.loading,
        )
        not_empty(self.loader, "fit.train", "check the filters, and that some rows have a weight above 0")
        self.catalogue = Catalogue.of(self.loader, model.item_schema, self._user)
        self._on_device = (
            None
            if self.device.type == "cpu"
            else DeviceItems(self.catalogue.items, self.catalogue.row_of, self.device)
        )
        self._query_names = model.query_schema.names
        self._alike = bool(getattr(getattr(model, "query", None), "repeats_alike", False))
        self._epochs = options.epochs
        self.ranks, self.pieces = Ranks(), 1
        self.validation = (
            None if valid is None else RetrievalValidation(model, valid, self.catalogue, self._user, options)
        )

    @property
    def progress(self) -> float:
        """Share of the run's steps done before the batch that the loader gave last, in [0, 1]."""
        steps = len(self.loader)
        return (self.loader.epoch * steps + self.loader.position - 1) / max(self._epochs * steps, 1)

    @property
    def epoch(self) -> int:
        """Number of epochs done."""
        return self.loader.epoch

    @property
    def dim(self) -> int:
        """Width D of the vectors."""
        return self.model.dim

    @property
    def step(self) -> int:
        """Number of batches that the loader gave before the last one, over all epochs."""
        return self.loader.epoch * len(self.loader) + self.loader.position - 1

    def items(self, batch: Batch) -> Tensor:
        """``[B]`` int64: item code of each row."""
        return _tensor(batch, self._item)

    def users(self, batch: Batch) -> Tensor | None:
        """``[B]`` int64: user code of each row; None for data without a user id."""
        return None if self._user is None else _tensor(batch, self._user.name)

    def weights(self, batch: Batch) -> Tensor | None:
        """``[B]``: weight of each row; None for equal weights."""
        return None if self._weight is None else _tensor(batch, self._weight.name)

    def queries(self, batch: Batch) -> Tensor | SharedQueries:
        """``[B, D]``: vector of each row's query; those of a user's rows once, where they are alike."""
        encode, users = self.model.encode_query, self.users(batch)
        found = None if users is None or not self._alike else repeats(batch, self._query_names, users)
        if found is None:
            return in_pieces(encode, batch, self.pieces)
        rows, place = found
        distinct = take(batch, self._query_names, rows.numpy())
        return SharedQueries(in_pieces(encode, distinct, self.pieces), place)

    def vectors(
        self,
        batch: Batch,
        drawn: Negatives,
        edges: Sequence[int] | None = None,
        memory: VectorMemory | None = None,
    ) -> Tensor:
        """``[M, D]`` of the drawn columns: with the features of a row of the batch, or of the catalogue.

        Args:
            batch: the rows of this process.
            drawn: negatives of the rows of all processes.
            edges: the row at which each process's part begins, and the end of the last; None for one process.
                A column is encoded by the process that has its row, other columns in equal parts by all.
            memory: holds the vectors of items that are there only because a queue remembers them; None
                encodes these too.
        """
        rows = drawn.rows()
        cached = torch.zeros_like(rows, dtype=torch.bool)
        if memory is not None and drawn.queued is not None:
            cached = drawn.queued & (rows < 0)
        columns = _dealt(rows, cached, [0, len(batch)] if edges is None else edges)
        mine, shared = columns[self.ranks.rank]
        start = 0 if edges is None else edges[self.ranks.rank]
        made = self.ranks.gather(self._encoded(batch, drawn.codes, rows[mine] - start, mine, shared))
        order = [part for pair in columns for part in pair]
        if memory is not None and bool(cached.any()):
            made = torch.cat([made, memory.read(drawn.codes[cached]).to(made)])
            order.append(cached.nonzero().squeeze(1))
        if all(len(part) == 0 for part in order[1:]):
            return made
        return made[torch.cat(order).argsort().to(self.device)]

    def vectors_of(self, codes: Tensor) -> Tensor:
        """``[M, D]`` of items by code, with the features of the catalogue."""
        features = (
            self.catalogue.batch(codes.numpy())
            if self._on_device is None
            else self._on_device.batch(codes.to(self.device))
        )
        return in_pieces(self.model.encode_item, features, self.pieces)

    def _encoded(self, batch: Batch, codes: Tensor, rows: Tensor, mine: Tensor, shared: Tensor) -> Tensor:
        """Vectors of the columns ``mine``, which rows of the batch hold, then of the columns ``shared``."""
        encode = self.model.encode_item
        if self._on_device is not None:
            nowhere = torch.full_like(shared, -1)
            both = codes[torch.cat([mine, shared])]
            features = self._on_device.overlaid(batch, both, torch.cat([rows, nowhere]))
            return in_pieces(encode, features, self.pieces)
        own = in_pieces(encode, take(batch, self.model.item_schema.names, rows.numpy()), self.pieces)
        return torch.cat([own, self.vectors_of(codes[shared])]) if len(shared) > 0 else own

    def warn_of_leaks(self) -> None:
        """Warn of query columns that name the row's own item."""
        table = next(iter(self.loader.tables()))
        warn_of_item_leaks(table, self.model.query_schema, self.model.item_schema.item)

    def warn_of_vectors(self) -> None:
        """Warn of towers that collapsed, or of which one says far less than the other."""
        table = next(iter(self.loader.tables()))
        rows = np.arange(0, table.rows, max(table.rows // _LOOKED_AT, 1))
        queries = table.select(self.model.query_schema.names).take(rows).batch(self.device)
        codes = self.catalogue.codes[:_LOOKED_AT]
        warn_of_vectors(self.model, queries, self.catalogue.batch(codes, self.device))


def _dealt(rows: Tensor, cached: Tensor, edges: Sequence[int]) -> list[tuple[Tensor, Tensor]]:
    """The columns that each process encodes: those that its rows hold, and its part of the others."""
    others = ((rows < 0) & ~cached).nonzero().squeeze(1)
    cuts = bounds(len(others), len(edges) - 1)
    return [
        (((rows >= low) & (rows < high)).nonzero().squeeze(1), others[first:last])
        for (low, high), (first, last) in zip(pairwise(edges), pairwise(cuts), strict=True)
    ]


def own_rows(drawn: Negatives, low: int, high: int) -> Negatives:
    """The negatives of some of the rows that they were drawn for."""
    rows, columns = drawn.exclude
    inside = (rows >= low) & (rows < high)
    return drawn._replace(
        positives=drawn.positives[low:high],
        positive_log_q=drawn.positive_log_q[low:high],
        exclude=(rows[inside] - low, columns[inside]),
    )


def _tensor(batch: Batch, name: str) -> Tensor:
    """A column of one value a row."""
    column: Any = batch.array(name)
    assert isinstance(column, Tensor)
    return column


def _with(inputs: Schema, more: list[Column]) -> Schema:
    return inputs.merge(column for column in more if column.name not in inputs)
