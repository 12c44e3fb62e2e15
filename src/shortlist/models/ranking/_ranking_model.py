"""What all rankers share: columns in, one answer a target out."""

from abc import abstractmethod
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from shortlist.data import Batch
from shortlist.errors import SchemaError
from shortlist.models._arrays import Columns, columns_of, holds_tensors, in_chunks, inference
from shortlist.models._describe import describe_tables, parameters_beside
from shortlist.models._inputs import cross_inputs, item_inputs, query_inputs, table_rows
from shortlist.models._tables import Tables, build_tables
from shortlist.models.ranking._cells import Rows, Side
from shortlist.models.ranking._options import RankerOptions
from shortlist.models.ranking._outputs import outputs_of
from shortlist.rng import derive
from shortlist.schema import Schema

__all__ = ["RankingModel"]


class RankingModel(nn.Module):
    """A model of what becomes of a candidate: for each target of a schema, one answer a candidate.

    Columns tagged USER, SESSION or CONTEXT are the query's, ITEM and CROSS columns the candidate's. Codes
    become embeddings, lists of codes the mean of theirs, numbers stay as they are. A batch that has the
    query's columns once a query has them embedded once a query.

    A model implements ``represent``, which makes a vector of each candidate, and sets ``head``, which makes
    the logits of all targets of it. A head on that vector is all that models of several tasks change.

    Args:
        schema: encoded columns with at least one TARGET, as a fitted Workflow gives them.
        dim: width of the embeddings.
        weights: further numbers that tables hold of each code, beside the embedding.
        events: names of lists that are read event by event, instead of by their mean.
        seed: of the initial weights.
        options: of the tables; None is ``RankerOptions()``.

    Attributes:
        options: as given.
        schema: as given.
        outputs: the targets, in order, with their kinds.
        targets: their names.
        query_schema: columns of the query.
        candidate_schema: columns of the candidates.
        inputs: all columns that are read.
        width: of the vector that ``represent`` makes.
        head: ``[N, width]`` to ``[N, logits of all targets]``.

    Raises:
        SchemaError: no target, no input, or a column that is not encoded.
    """

    head: nn.Module
    width: int

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
        super().__init__()
        self.options = RankerOptions() if options is None else options
        self.schema, self.outputs = schema, outputs_of(schema)
        self.targets = tuple(output.name for output in self.outputs)
        self.logits = sum(output.width for output in self.outputs)
        self.query_schema = query_inputs(schema)
        self.candidate_schema = item_inputs(schema).merge(cross_inputs(schema))
        self.inputs = self.query_schema.merge(self.candidate_schema)
        _check(type(self).__name__, self.targets, self.inputs)
        rows, held = table_rows(self.inputs), dim + weights
        self.tables: Tables | None = None
        if rows and held > 0:
            own = derive(seed, "tables")
            self.tables = build_tables(rows, held, self.options.widths, sparse=self.options.sparse, seed=own)
        self.query_side, self.candidate_side = (
            Side(inputs, dim, events) for inputs in (self.query_schema, self.candidate_schema)
        )
        self.flat_width = self.query_side.width + self.candidate_side.width

    @abstractmethod
    def represent(self, rows: Rows) -> Tensor:
        """A vector of each candidate, ``[N, width]``."""

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Logits ``[N]`` of each target, ``[N, classes]`` of multiclass ones.

        Args:
            batch: the columns of ``inputs``, tensors or NumPy arrays; the query's once per query with
                ``query_of``, or all of them once per candidate.

        Raises:
            SchemaError: a column is missing or of another kind.
        """
        return self.read(self.hidden(batch))

    def hidden(self, batch: Batch) -> Tensor:
        """What ``represent`` makes of a batch: ``[N, width]``."""
        return self.represent(self._rows(batch))

    def read(self, hidden: Tensor) -> dict[str, Tensor]:
        """Logits of each target from what ``hidden`` gave."""
        logits = self.head(hidden).float()
        parts = logits.split([output.width for output in self.outputs], dim=1)
        return {
            output.name: part if output.kind == "multiclass" else part.squeeze(1)
            for output, part in zip(self.outputs, parts, strict=True)
        }

    def score(self, batch: Batch) -> npt.NDArray[np.float32]:
        """What is served of the first target for each candidate ``[N]``: a probability if it is binary."""
        return self._served(batch)[:, 0]

    def predict(self, batch: Batch) -> dict[str, npt.NDArray[np.float32]]:
        """What is served of every target for each candidate ``[N]``, for a batch of NumPy arrays."""
        served = self._served(batch)
        return {name: served[:, place] for place, name in enumerate(self.targets)}

    def padded(self, query_of: Tensor, *tensors: Tensor) -> Tensor:
        """What is served, for export: ``[N]`` of one target, ``[N, targets]`` of several.

        Args:
            query_of: int64 ``[N]``, the query of each candidate.
            tensors: one for each column of ``inputs``, in their order: query columns ``[Q]`` or ``[Q, L]``,
                candidate columns ``[N]`` or ``[N, L]``; lists are filled with 0.
        """
        columns: Columns = dict(zip(self.inputs.names, tensors, strict=True))
        served = self._answers(self.read(self.represent(self._sides(columns, query_of))))
        return served.squeeze(1) if len(self.outputs) == 1 else served

    def describe(self) -> str:
        """The embedding tables with their rows, width and memory."""
        return describe_tables(self.tables, parameters_beside(self))

    def _rows(self, batch: Batch) -> Rows:
        device = next(self.parameters()).device
        once = batch.query_of is not None and batch.query.issuperset(self.query_schema.names)
        whole = batch if once and batch.query.isdisjoint(self.candidate_schema.names) else batch.flat()
        columns = columns_of(whole, self.inputs, type(self).__name__, device)
        if whole.query_of is None:
            return self._whole(columns)
        return self._sides(columns, torch.as_tensor(whole.query_of, device=device))

    def _whole(self, columns: Columns) -> Rows:
        """Both sides have a row a candidate: one gather for all codes."""
        query, candidate = self.query_side, self.candidate_side
        scalars = self._gathered([query, candidate], columns)
        parts: list[Tensor | None] = [None, None]
        if scalars is not None:
            parts = [scalars[:, : len(query.tables)], scalars[:, len(query.tables) :]]
        cells = [
            side.cells(self.tables, columns, part)
            for side, part in zip((query, candidate), parts, strict=True)
        ]
        return Rows.of(cells[0], cells[1], None)

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

    def _answers(self, logits: dict[str, Tensor]) -> Tensor:
        return torch.stack([output.served(logits[output.name]) for output in self.outputs], dim=1)

    def _served(self, batch: Batch) -> npt.NDArray[np.float32]:
        with inference(self):
            if holds_tensors(batch) or batch.query_of is None:
                return in_chunks(batch, lambda part: self._answers(self(part)))
            answers = self._answers(self(batch))
        return answers.float().cpu().numpy()


def _check(where: str, names: tuple[str, ...], inputs: Schema) -> None:
    if len(names) == 0 or len(inputs) == 0:
        raise SchemaError(
            where,
            received=f"targets {list(names)}, inputs {list(inputs.names)}",
            expected="at least one column tagged target and one input",
            remedy="tag the label: schema.tag('label', 'target', 'binary')",
        )
