"""The two-tower model."""

from collections.abc import Sequence
from typing import Any

from torch import nn

from shortlist.data import Batch
from shortlist.errors import ArgumentError
from shortlist.models._describe import describe_tables, parameters_beside
from shortlist.models._inputs import item_inputs, query_inputs
from shortlist.models.retrieval._build import build_towers, check_sides
from shortlist.models.retrieval._encode import encode
from shortlist.models.retrieval._options import TableOptions, TowerOptions
from shortlist.schema import Schema

__all__ = ["TwoTower"]


class TwoTower(nn.Module):
    """Two networks, one for the query and one for the item; the score is the inner product of their vectors.

    The query tower reads every USER, SESSION and CONTEXT column, the item tower every ITEM column: codes by
    embedding, lists of codes by their mean embedding or an encoder of their own, numbers and given vectors
    as they are. Columns of one domain share one table, so a history of items and the item id do. Targets,
    times and weights are never read.

    Args:
        schema: encoded columns, as a fitted Workflow gives them.
        dim: width D of the vectors, and of every table unless ``tables`` says otherwise.
        hidden: widths of the hidden layers of both towers, unless their options say otherwise; () maps the
            features linearly.
        normalize: scale vectors to length 1, so that the score is their cosine.
        query: layers, dropout and encoders of the query tower.
        item: the same of the item tower; the towers need not be alike.
        tables: widths and gradients of the embedding tables.
        seed: of the initial weights.

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
    >>> model = TwoTower(schema, dim=8, query=TowerOptions(hidden=(16,), id_dropout=0.1))
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
        query: TowerOptions | None = None,
        item: TowerOptions | None = None,
        tables: TableOptions | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if dim < 1:
            raise ArgumentError("TwoTower.dim", received=dim, expected="an integer >= 1", remedy="dim=64")
        self.schema, self.dim, self.normalize = schema, dim, normalize
        self.query_schema, self.item_schema = query_inputs(schema), item_inputs(schema)
        check_sides("TwoTower", schema, self.query_schema, self.item_schema)
        self.tables, self.query, self.item = build_towers(
            (
                (self.query_schema, (TowerOptions() if query is None else query).with_hidden(hidden)),
                (self.item_schema, (TowerOptions() if item is None else item).with_hidden(hidden)),
            ),
            TableOptions() if tables is None else tables,
            dim=dim,
            normalize=normalize,
            seed=seed,
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
        return encode(self, self.query, batch, "TwoTower.encode_query")

    def encode_item(self, batch: Batch) -> Any:
        """Vectors of items, as `encode_query` for the columns of ``item_schema``."""
        return encode(self, self.item, batch, "TwoTower.encode_item")

    def describe(self) -> str:
        """The embedding tables with their rows, width and memory."""
        return describe_tables(self.tables, parameters_beside(self))
