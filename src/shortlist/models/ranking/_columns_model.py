"""Rankers that read their columns by embedding tables of their own."""

from abc import abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor

from shortlist.data import Batch
from shortlist.models._arrays import Columns, columns_of
from shortlist.models._inputs import table_rows
from shortlist.models._tables import Tables, build_tables
from shortlist.models._unknown_ids import unknown_at_zero, without_some_ids
from shortlist.models.ranking._cells import Rows, Side
from shortlist.models.ranking._options import RankerOptions
from shortlist.models.ranking._ranking_model import RankingModel
from shortlist.rng import derive
from shortlist.schema import Schema, Tags

__all__ = ["ColumnsModel"]


class ColumnsModel(RankingModel):
    """A ranker that reads columns: codes by tables, lists by the mean of their codes, numbers as given.

    A batch that has the query's columns once a query has them embedded once a query. A model implements
    ``represent`` and sets ``width`` and ``head``.

    Args:
        schema: encoded columns with at least one TARGET, as a fitted Workflow gives them.
        dim: width of the embeddings.
        weights: further numbers that tables hold of each code, beside the embedding.
        events: names of lists that are read event by event, instead of by their mean.
        seed: of the initial weights.
        options: of the tables; None is ``RankerOptions()``.

    Attributes:
        options: as given.
        tables: the embedding tables; None without columns of codes.
        query_side: the query's columns.
        candidate_side: the candidates'.
        flat_width: of all columns side by side.

    Raises:
        SchemaError: no target, no input, or a column that is not encoded.
    """

    def __init__(
        self,
        schema: Schema,
        *,
        dim: int,
        weights: int = 0,
        events: Sequence[str] = (),
        seed: int,
        options: RankerOptions | None,
    ) -> None:
        super().__init__(schema)
        self.options = RankerOptions() if options is None else options
        rows, held = table_rows(self.inputs), dim + weights
        self.tables: Tables | None = None
        if rows and held > 0:
            own = derive(seed, "tables")
            self.tables = build_tables(rows, held, self.options.widths, sparse=self.options.sparse, seed=own)
            unknown_at_zero(self.tables)
        self.query_side, self.candidate_side = (
            Side(inputs, dim, events) for inputs in (self.query_schema, self.candidate_schema)
        )
        self.flat_width = self.query_side.width + self.candidate_side.width
        self._ids = [column.name for column in self.inputs if column.has(Tags.ID) and not column.is_list]

    @abstractmethod
    def represent(self, rows: Rows) -> Tensor:
        """A vector of each candidate, ``[N, width]``."""

    def hidden(self, batch: Batch) -> Tensor:
        """What ``represent`` makes of a batch: ``[N, width]``."""
        return self.represent(self._rows(batch))

    def hidden_of(self, columns: Columns, query_of: Tensor) -> Tensor:
        """What ``represent`` makes of tensors: ``[N, width]``."""
        return self.represent(self._sides(columns, query_of))

    def embeddings(self) -> Tables | None:
        """The embedding tables."""
        return self.tables

    def _rows(self, batch: Batch) -> Rows:
        device = next(self.parameters()).device
        once = batch.query_of is not None and batch.query.issuperset(self.query_schema.names)
        whole = batch if once and batch.query.isdisjoint(self.candidate_schema.names) else batch.flat()
        columns = self._met(columns_of(whole, self.inputs, type(self).__name__, device))
        if whole.query_of is None:
            return self._whole(columns)
        return self._sides(columns, torch.as_tensor(whole.query_of, device=device))

    def _met(self, columns: Columns) -> Columns:
        """The columns, in training with a share of the ids unknown."""
        share = self.options.id_dropout if self.training else 0.0
        return without_some_ids(columns, self._ids, share) if share > 0.0 else columns

    def _whole(self, columns: Columns) -> Rows:
        """Both sides have a row a candidate: one gather for all codes."""
        query, candidate = self.query_side, self.candidate_side
        scalars = self._gathered([query, candidate], columns)
        parts: list[Tensor | None] = [None, None]
        if scalars is not None:
            # Split, not sliced: its backward pass joins two gradients instead of adding up two with zeros.
            parts = list(torch.split(scalars, [len(query.tables), len(candidate.tables)], dim=1))
        cells = [
            side.cells(self.tables, columns, part)
            for side, part in zip((query, candidate), parts, strict=True)
        ]
        alone = all(len(side.tables) == len(side.names) for side in (query, candidate))
        together = scalars if alone and scalars is not None and scalars.shape[2] == query.dim else None
        return Rows(cells[0], cells[1], together=together)

    def _sides(self, columns: Columns, query_of: Tensor) -> Rows:
        cells = [
            side.cells(self.tables, columns, self._gathered([side], columns))
            for side in (self.query_side, self.candidate_side)
        ]
        return Rows.of(cells[0], cells[1], query_of)

    def _gathered(self, sides: list[Side], columns: Columns) -> Tensor | None:
        names = [table for side in sides for table in side.tables]
        if self.tables is None or len(names) == 0:
            return None
        codes = torch.stack([code for side in sides for code in side.codes(columns)], dim=1)
        return self.tables.lookup_many(names, codes)
