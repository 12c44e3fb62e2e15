"""What all rankers share: columns in, one answer a target out."""

from abc import abstractmethod

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from shortlist.data import Batch
from shortlist.models._arrays import Columns, holds_tensors, in_chunks, inference
from shortlist.models._describe import describe_tables, parameters_beside
from shortlist.models._inputs import cross_inputs, item_inputs, query_inputs
from shortlist.models._tables import Tables
from shortlist.models.ranking._outputs import check_inputs, outputs_of
from shortlist.schema import Schema

__all__ = ["RankingModel"]


class RankingModel(nn.Module):
    """A model of what becomes of a candidate: for each target of a schema, one answer a candidate.

    Columns tagged USER, SESSION or CONTEXT are the query's, ITEM and CROSS columns the candidate's. A model
    makes a vector of each candidate (``hidden``, ``hidden_of``), and its ``head`` the logits of all targets
    of that vector.

    Args:
        schema: encoded columns with at least one TARGET, as a fitted Workflow gives them.

    Attributes:
        schema: as given.
        outputs: the targets, in order, with their kinds.
        targets: their names.
        logits: number of logits of all targets.
        query_schema: columns of the query.
        candidate_schema: columns of the candidates.
        inputs: all columns that are read.
        width: of the vector.
        head: ``[N, width]`` to ``[N, logits]``.

    Raises:
        SchemaError: no target, no input, or a column that is not encoded.
    """

    head: nn.Module
    width: int

    def __init__(self, schema: Schema) -> None:
        super().__init__()
        self.schema, self.outputs = schema, outputs_of(schema)
        self.targets = tuple(output.name for output in self.outputs)
        self.logits = sum(output.width for output in self.outputs)
        self.query_schema = query_inputs(schema)
        self.candidate_schema = item_inputs(schema).merge(cross_inputs(schema))
        self.inputs = self.query_schema.merge(self.candidate_schema)
        check_inputs(type(self).__name__, self.targets, self.inputs)

    @abstractmethod
    def hidden(self, batch: Batch) -> Tensor:
        """The vector of each candidate of a batch: ``[N, width]``; see `forward`."""

    @abstractmethod
    def hidden_of(self, columns: Columns, query_of: Tensor) -> Tensor:
        """The same for tensors, of the query's columns once a query: ``[N, width]``."""

    @abstractmethod
    def embeddings(self) -> Tables | None:
        """The embedding tables; None without any."""

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Logits ``[N]`` of each target, ``[N, classes]`` of multiclass ones.

        Args:
            batch: the columns of ``inputs``, tensors or NumPy arrays; the query's once per query with
                ``query_of``, or all of them once per candidate.

        Raises:
            SchemaError: a column is missing or of another kind.
        """
        return self.read(self.hidden(batch))

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
        served = self._answers(self.read(self.hidden_of(columns, query_of)))
        return served.squeeze(1) if len(self.outputs) == 1 else served

    def describe(self) -> str:
        """The embedding tables with their rows, width and memory."""
        return describe_tables(self.embeddings(), parameters_beside(self))

    def _answers(self, logits: dict[str, Tensor]) -> Tensor:
        return torch.stack([output.served(logits[output.name]) for output in self.outputs], dim=1)

    def _served(self, batch: Batch) -> npt.NDArray[np.float32]:
        with inference(self):
            if holds_tensors(batch) or batch.query_of is None:
                return in_chunks(batch, lambda part: self._answers(self(part)))
            answers = self._answers(self(batch))
        return answers.float().cpu().numpy()
