"""A history and an item to vectors of one space."""

from dataclasses import dataclass, field
from typing import Any

from torch import nn

from shortlist.data import Batch
from shortlist.errors import ArgumentError, SchemaError, near
from shortlist.models._describe import describe_tables, parameters_beside
from shortlist.models._inputs import item_inputs, table_of, table_rows
from shortlist.models.retrieval._encode import encode
from shortlist.models.retrieval._history_tower import HistoryTower
from shortlist.models.retrieval._options import TowerOptions
from shortlist.models.retrieval._tower import Tower
from shortlist.nn import EmbeddingTables
from shortlist.nn._seeded import normal
from shortlist.rng import derive
from shortlist.schema import Column, Schema, Tags

__all__ = ["SequenceModel", "SequenceOptions"]


@dataclass(frozen=True, eq=False)
class SequenceOptions:
    """What a sequence model reads, and how its vectors are made.

    >>> SequenceOptions(max_length=200).tied
    True
    """

    history: str | None = None
    """List column of item codes, oldest first; None is the only list in the domain of the items."""
    ages: str | None = None
    """List column of the days from each of these events to the row, as ``ops.History("time")`` gives it;
    read by HSTU alone. None looks at the order only."""
    max_length: int = 50
    """Events read of a history, the newest; more cost time in proportion, and attention its square."""
    tied: bool = True
    """Whether items have one embedding in histories and as results; two take twice the memory."""
    normalize: bool = False
    """Scale vectors to length 1, so that scores are cosines; train with a temperature of 0.05 to 0.2 then."""
    item: TowerOptions = field(default_factory=TowerOptions)
    """How items become vectors when the schema has more ITEM columns than the id."""
    sparse: bool = True
    """Whether gradients of the tables are recorded by row; without, every step touches every row, which
    costs little below some 100,000 items."""

    def __post_init__(self) -> None:
        if self.max_length < 1:
            raise ArgumentError(
                "SequenceOptions.max_length", received=self.max_length, expected="an integer >= 1"
            )


class SequenceModel(nn.Module):
    """What comes next after a history: the score of an item is the inner product with the history's vector.

    The query side reads a list of item codes and nothing else; the item side reads the item id and every
    other ITEM column. An empty history has the vector zero, and so no order of items.

    Args:
        schema: encoded columns, as a fitted Workflow gives them: the item id, and a list in its domain.
        encoder: a history encoder of `shortlist.nn` of width ``dim``, with ``positions``.
        dim: width D of the vectors and of every table.
        options: what is read, and how vectors are made.
        blank: whether a learned vector stands for an item to be told, as masked training needs it; it is put
            at the end of every history.
        seed: of the initial weights of the tables and of the item side.

    Raises:
        SchemaError: there is no item id, no such list, or a column is not encoded.
        ArgumentError: an option is out of range.

    >>> import numpy as np
    >>> from shortlist.data import Ragged
    >>> from shortlist.nn import RecurrentEncoder
    >>> from shortlist.schema import LIST, Domain
    >>> items = Domain("item", 20)
    >>> schema = Schema([
    ...     Column("item", "int64", ("item", "id"), domain=items),
    ...     Column("history", "int64", ("user", "sequence"), LIST, items),
    ... ])
    >>> model = SequenceModel(schema, RecurrentEncoder(8), dim=8)
    >>> model.encode_query(Batch({"history": Ragged.of([[3, 5], []])})).shape
    (2, 8)
    """

    def __init__(
        self,
        schema: Schema,
        encoder: nn.Module,
        *,
        dim: int,
        options: SequenceOptions | None = None,
        blank: bool = False,
        seed: int = 0,
    ) -> None:
        super().__init__()
        chosen = SequenceOptions() if options is None else options
        name = type(self).__name__
        if dim < 1:
            raise ArgumentError(f"{name}.dim", received=dim, expected="an integer >= 1", remedy="dim=64")
        self.schema, self.dim, self.options = schema, dim, chosen
        self.item_schema = item_inputs(schema)
        history = _history(schema, chosen.history, name)
        table = table_of(self.item_schema.item)
        rows = table_rows([*self.item_schema, history])
        read = table if chosen.tied else f"{table}_history"
        self.tables = EmbeddingTables(
            {**rows, read: rows[table]}, dim, seed=derive(seed, "tables"), sparse=chosen.sparse
        )
        self.query = HistoryTower(
            history,
            None if chosen.ages is None else schema[chosen.ages],
            self.tables,
            encoder,
            table=read,
            blank=normal(dim, std=0.05, seed=derive(seed, "blank")) if blank else None,
            normalize=chosen.normalize,
        )
        self.query_schema = self.query.inputs
        self.item = Tower(
            self.item_schema,
            self.tables,
            chosen.item,
            item=table,
            normalize=chosen.normalize,
            seed=derive(seed, "item"),
        )

    def encode_query(self, batch: Batch) -> Any:
        """Vectors of histories.

        Args:
            batch: the columns of ``query_schema``, encoded; others are passed by.

        Returns:
            ``[B, D]`` float32: a NumPy array, in evaluation mode, for a batch of NumPy arrays; a tensor with
            gradients for a batch of tensors.

        Raises:
            SchemaError: a column is missing or of another kind.
        """
        return encode(self, self.query, batch, f"{type(self).__name__}.encode_query")

    def encode_item(self, batch: Batch) -> Any:
        """Vectors of items, as `encode_query` for the columns of ``item_schema``."""
        return encode(self, self.item, batch, f"{type(self).__name__}.encode_item")

    def describe(self) -> str:
        """The embedding tables with their rows, width and memory."""
        return describe_tables(self.tables, parameters_beside(self))


def _history(schema: Schema, name: str | None, where: str) -> Column:
    item = schema.item
    lists = [column for column in schema if column.is_list and table_of(column) == table_of(item)]
    lists = [column for column in lists if not column.has(Tags.ITEM)]
    chosen = [column for column in lists if name in (None, column.name)]
    if len(chosen) == 1:
        return chosen[0]
    names = [column.name for column in lists]
    raise SchemaError(
        f"{where}: the history",
        received=f"{name!r} among the lists of items {names}" if name else f"lists of items {names}",
        expected=f"one list column of codes in the domain {table_of(item)!r} that is no ITEM column",
        remedy=near(name, names)
        if name
        else f"make one with ops.History({item.name!r}) >> ops.Categorify(like={item.name!r}), or name it",
    )
