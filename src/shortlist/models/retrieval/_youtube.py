"""A deep network over what a user watched, without the user's id."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from shortlist.data import Batch
from shortlist.errors import ArgumentError
from shortlist.models._arrays import Columns, holds_tensors
from shortlist.models._describe import describe_tables, parameters_beside
from shortlist.models._inputs import item_inputs, query_inputs
from shortlist.models.retrieval._build import build_towers, check_sides
from shortlist.models.retrieval._encode import encode
from shortlist.models.retrieval._options import TableOptions, TowerOptions
from shortlist.models.retrieval._tower import Tower
from shortlist.schema import Column, Schema, Shape, Tags

__all__ = ["YouTubeDNN"]


class YouTubeDNN(nn.Module):
    """A network over the mean of the taken items and other features; an item's vector is its softmax weight.

    The query reads every USER, SESSION and CONTEXT column but user ids, so that it is the same function for
    everybody, new users included. A continuous column tagged ``training``, as ``ops.ExampleAge`` gives it, is
    read in training alone, as ``x``, ``x^2`` and ``sqrt(x)``; elsewhere it is 0, "now": what was popular long
    ago is then explained by age and not by the item.

    Args:
        schema: encoded columns with an item id and, as a rule, a history (``ops.History``), whose events are
            before the row's own.
        dim: width D of the vectors and of the tables.
        hidden: widths of the hidden layers of the query.
        query: further options of the query tower; its ``hidden`` counts, if given.
        item: options of the item tower, which is linear unless they say otherwise.
        normalize: scale vectors to length 1; in the paper they are not.
        tables: None is ``TableOptions(own_histories=True)``: items as inputs and as answers are two tables.
        seed: of the initial weights.

    Raises:
        SchemaError: there is no item id, no query column, or a column is not encoded.
        ArgumentError: an option is out of range.

    Source: Covington, Adams, Sargin, "Deep neural networks for YouTube recommendations", RecSys 2016.

    >>> from shortlist.schema import LIST, Domain
    >>> schema = Schema([
    ...     Column("seen", "int64", ("user", "sequence"), LIST, Domain("item", 20)),
    ...     Column("example_age", "float32", ("training", "continuous")),
    ...     Column("item", "int64", ("item", "id"), domain=Domain("item", 20)),
    ... ])
    >>> model = YouTubeDNN(schema, dim=8, hidden=(16,))
    >>> model.query_schema.names, model.training_schema.names
    (('seen',), ('example_age',))
    """

    def __init__(
        self,
        schema: Schema,
        *,
        dim: int = 64,
        hidden: Sequence[int] = (256, 128),
        query: TowerOptions | None = None,
        item: TowerOptions | None = None,
        normalize: bool = False,
        tables: TableOptions | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if dim < 1:
            raise ArgumentError("YouTubeDNN.dim", received=dim, expected="an integer >= 1")
        self.schema, self.dim, self.normalize = schema, dim, normalize
        self.query_schema = Schema(c for c in query_inputs(schema) if not c.has(Tags.USER, Tags.ID))
        self.item_schema = item_inputs(schema)
        self.training_schema = Schema(c for c in schema if c.has("training", Tags.CONTINUOUS))
        check_sides("YouTubeDNN", schema, self.query_schema, self.item_schema)
        aged = self.query_schema.merge(_powers(column) for column in self.training_schema)
        self.tables, tower, self.item = build_towers(
            (
                (aged, (TowerOptions() if query is None else query).with_hidden(hidden)),
                (self.item_schema, (TowerOptions() if item is None else item).with_hidden(())),
            ),
            TableOptions(own_histories=True) if tables is None else tables,
            dim=dim,
            normalize=normalize,
            seed=seed,
        )
        self.query = _Now(tower, self.query_schema, self.training_schema)

    def encode_query(self, batch: Batch) -> Any:
        """Vectors of queries.

        Args:
            batch: every column of ``query_schema``, encoded, and in training, for tensors, those of
                ``training_schema``; others are passed by.

        Returns:
            ``[B, D]`` float32: a NumPy array, in evaluation mode, for a batch of NumPy arrays; a tensor with
            gradients for a batch of tensors.

        Raises:
            SchemaError: a column is missing or of another kind.
        """
        training = self.training and holds_tensors(batch)
        return encode(self, _Then(self.query) if training else self.query, batch, "YouTubeDNN.encode_query")

    def encode_item(self, batch: Batch) -> Any:
        """Vectors of items, as `encode_query` for the columns of ``item_schema``."""
        return encode(self, self.item, batch, "YouTubeDNN.encode_item")

    def describe(self) -> str:
        """The embedding tables with their rows, width and memory."""
        return describe_tables(self.tables, parameters_beside(self))


class _Now(nn.Module):
    """The query tower with every age 0: what serves."""

    def __init__(self, tower: Tower, inputs: Schema, ages: Schema) -> None:
        super().__init__()
        self.tower, self.inputs, self.ages = tower, inputs, ages

    def forward(self, columns: Columns) -> Tensor:
        """Vectors ``[B, D]`` of the columns of ``inputs``."""
        like = next(iter(columns.values()))
        rows = like.shape[0] if isinstance(like, Tensor) else len(like[1]) - 1
        device = like.device if isinstance(like, Tensor) else like[1].device
        zeros = torch.zeros(rows, 3, device=device)
        vectors: Tensor = self.tower({**columns, **dict.fromkeys(self.ages.names, zeros)})
        return vectors

    def padded(self, *tensors: Tensor) -> Tensor:
        """The same for one tensor per input, in the order of ``inputs``; lists are ``[B, L]`` with 0s."""
        vectors: Tensor = self(dict(zip(self.inputs.names, tensors, strict=True)))
        return vectors


class _Then:
    """The query tower with the age of each row: what trains."""

    def __init__(self, now: _Now) -> None:
        self.now, self.inputs = now, now.inputs.merge(now.ages)

    def __call__(self, columns: Columns) -> Tensor:
        aged = dict(columns)
        for name in self.now.ages.names:
            age = aged[name]
            assert isinstance(age, Tensor)
            age = age.clamp(min=0.0)
            aged[name] = torch.stack([age, age.square(), age.sqrt()], dim=1)
        vectors: Tensor = self.now.tower(aged)
        return vectors


def _powers(column: Column) -> Column:
    return Column(column.name, "float32", column.tags, Shape("vector", 3))
