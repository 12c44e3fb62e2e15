"""The two-tower model."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from shortlist.data import Batch
from shortlist.errors import ArgumentError, SchemaError
from shortlist.models._arrays import Columns, columns_of, holds_tensors, in_chunks, inference
from shortlist.models._describe import describe_tables
from shortlist.models._inputs import item_inputs, query_inputs, table_of, table_rows
from shortlist.models.retrieval._tower import Tower
from shortlist.nn import EmbeddingTables
from shortlist.rng import derive
from shortlist.schema import FIRST_UNKNOWN, Schema, Tags

__all__ = ["TwoTower"]


class TwoTower(nn.Module):
    """Two networks, one for the query and one for the item; the score is the inner product of their vectors.

    The query tower reads every USER, SESSION and CONTEXT column, the item tower every ITEM column: codes by
    embedding, lists of codes by their mean embedding, numbers as they are. Columns of one domain share one
    table, so a history of items and the item id do. Targets, times and weights are never read.

    Args:
        schema: encoded columns, as a fitted Workflow gives them.
        dim: width D of the vectors and of every table.
        hidden: widths of the hidden layers of both towers; () maps the features linearly.
        normalize: scale vectors to length 1, so that the score is their cosine.
        dropout: share of hidden activations set to zero in training, in [0, 1).
        seed: of the initial weights.
        sparse: record gradients of the tables by row, for a row-wise optimizer.
        id_dropout: share of training rows whose user id is replaced by the unknown one.

    Raises:
        SchemaError: there is no item id, no query column, or a column is not encoded.
        ArgumentError: an option is out of range.

    Source: Yi et al., "Sampling-bias-corrected neural modeling for large corpus item recommendations",
    RecSys 2019.

    >>> import numpy as np
    >>> from shortlist.schema import Column, Domain
    >>> schema = Schema([
    ...     Column("user", "int64", ("user", "id"), domain=Domain("user", 10)),
    ...     Column("item", "int64", ("item", "id"), domain=Domain("item", 20)),
    ... ])
    >>> model = TwoTower(schema, dim=8)
    >>> model.encode_item(Batch({"item": np.array([3, 4])})).shape
    (2, 8)
    """

    def __init__(
        self,
        schema: Schema,
        *,
        dim: int = 64,
        hidden: Sequence[int] = (),
        normalize: bool = True,
        dropout: float = 0.0,
        seed: int = 0,
        sparse: bool = True,
        id_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if dim < 1:
            raise ArgumentError("TwoTower.dim", received=dim, expected="an integer >= 1", remedy="dim=64")
        self.schema, self.dim, self.id_dropout = schema, dim, id_dropout
        self.query_schema, self.item_schema = query_inputs(schema), item_inputs(schema)
        _check_sides(schema, self.query_schema, self.item_schema)
        rows = table_rows([*self.query_schema, *self.item_schema])
        self.tables = EmbeddingTables(rows, dim, seed=derive(seed, "tables"), sparse=sparse)
        self.query, self.item = (
            Tower(
                inputs,
                self.tables,
                shortcut=table_of(self.item_schema.item),
                dim=dim,
                hidden=hidden,
                normalize=normalize,
                dropout=dropout,
                seed=derive(seed, side),
            )
            for side, inputs in (("query", self.query_schema), ("item", self.item_schema))
        )

    def encode_query(self, batch: Batch) -> Any:
        """Vectors of queries.

        Args:
            batch: every column of ``query_schema``, encoded; others are passed by.

        Returns:
            ``[B, D]`` float32: a NumPy array, in evaluation mode, for a batch of NumPy arrays; a tensor with
            gradients for a batch of tensors.

        Raises:
            SchemaError: a column is missing or of another kind.
        """
        return self._encode(self.query, batch, "encode_query")

    def encode_item(self, batch: Batch) -> Any:
        """Vectors of items, as `encode_query` for the columns of ``item_schema``."""
        return self._encode(self.item, batch, "encode_item")

    def describe(self) -> str:
        """The embedding tables with their rows, width and memory."""
        count = sum(part.numel() for part in self.parameters()) - self.tables.weight.numel()
        return describe_tables(self.tables, count)

    def _without_some_users(self, columns: Columns) -> Columns:
        """A share of the users become unknown ones, so that the other features learn to stand alone."""
        changed = dict(columns)
        for name in _user_ids(self.query_schema):
            codes = changed[name]
            assert isinstance(codes, Tensor)
            drop = torch.rand(len(codes), device=codes.device) < self.id_dropout
            changed[name] = torch.where(drop, FIRST_UNKNOWN, codes)
        return changed

    def _encode(self, tower: Tower, batch: Batch, name: str) -> Any:
        def encode(part: Batch) -> Tensor:
            device = self.tables.weight.device
            columns = columns_of(part, tower.inputs, f"TwoTower.{name}", device)
            if tower is self.query and self.training and self.id_dropout > 0:
                columns = self._without_some_users(columns)
            vectors: Tensor = tower(columns)
            return vectors

        if holds_tensors(batch):
            return encode(batch)
        with inference(self):
            return in_chunks(batch, encode)


def _user_ids(query: Schema) -> list[str]:
    return [column.name for column in query if column.has(Tags.USER, Tags.ID) and not column.is_list]


def _check_sides(schema: Schema, query: Schema, item: Schema) -> None:
    if schema.item.name not in item or len(query) == 0:
        raise SchemaError(
            "TwoTower",
            received=f"query columns {list(query.names)}, item columns {list(item.names)}",
            expected="an item id and at least one USER, SESSION or CONTEXT column",
            remedy="tag the columns with Schema.tag, or give the roles to sl.scan",
        )
