"""DCN-v2: explicit feature crosses beside, or below, a deep network."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from shortlist.data import Batch
from shortlist.errors import ArgumentError, SchemaError
from shortlist.models._arrays import columns_of, holds_tensors, in_chunks, inference
from shortlist.models._describe import describe_tables, parameters_beside
from shortlist.models._features import Features
from shortlist.models._inputs import cross_inputs, item_inputs, query_inputs, table_rows, targets
from shortlist.nn import MLP, CrossNetwork, EmbeddingTables
from shortlist.rng import derive
from shortlist.schema import Schema

__all__ = ["DCN"]


class DCN(nn.Module):
    """The deep and cross network for ranking candidates: one logit for each target.

    Features are embeddings of codes, mean embeddings of lists, and numbers as they are. Query columns (USER,
    SESSION, CONTEXT) are embedded once a query, then repeated for its candidates (ITEM and CROSS columns).
    With x the concatenated features, stacked is ``MLP(cross(x))``; parallel is one linear layer on
    ``[cross(x), relu(MLP(x))]``.

    Args:
        schema: encoded columns with at least one TARGET, as a fitted Workflow gives them.
        dim: width of every embedding table.
        layers: number of cross layers.
        hidden: widths of the deep network.
        dropout: share of hidden activations set to zero in training, in [0, 1).
        seed: of the initial weights.
        sparse: record gradients of the tables by row, for a row-wise optimizer.
        structure: ``"parallel"`` or ``"stacked"``.

    Raises:
        SchemaError: no target, no input, or a column that is not encoded.
        ArgumentError: an option is out of range.

    Source: Wang et al., "DCN V2: improved deep & cross network", WWW 2021 (arXiv 2008.13535).

    >>> from shortlist.schema import Column, Domain
    >>> schema = Schema([
    ...     Column("age", "float32", ("user", "continuous")),
    ...     Column("item", "int64", ("item", "id"), domain=Domain("item", 20)),
    ...     Column("click", "float32", ("target", "binary")),
    ... ])
    >>> batch = Batch(
    ...     {"age": np.array([0.5], np.float32), "item": np.array([3, 4])},
    ...     query=("age",), query_of=np.array([0, 0]),
    ... )
    >>> DCN(schema, hidden=(8,)).score(batch).shape
    (2,)
    """

    def __init__(
        self,
        schema: Schema,
        *,
        dim: int = 16,
        layers: int = 3,
        hidden: Sequence[int] = (256, 128),
        dropout: float = 0.0,
        seed: int = 0,
        sparse: bool = True,
        structure: Literal["parallel", "stacked"] = "parallel",
    ) -> None:
        super().__init__()
        self.schema, self.targets = schema, targets(schema)
        self.query_schema = query_inputs(schema)
        self.candidate_schema = item_inputs(schema).merge(cross_inputs(schema))
        self.inputs = self.query_schema.merge(self.candidate_schema)
        _check(self.targets, self.inputs, hidden, structure)
        rows = table_rows(self.inputs)
        self.tables = EmbeddingTables(rows, dim, seed=derive(seed, "tables"), sparse=sparse) if rows else None
        self.query, self.candidate = (
            Features(side, self.tables) for side in (self.query_schema, self.candidate_schema)
        )
        width, self.structure = self.query.width + self.candidate.width, structure
        last = () if structure == "parallel" else (len(self.targets),)
        self.cross = CrossNetwork(width, layers, seed=derive(seed, "cross"))
        self.deep = MLP(width, (*hidden, *last), dropout=dropout, seed=derive(seed, "deep"))
        self.head = MLP(width + hidden[-1], (len(self.targets),), seed=seed) if len(last) == 0 else None

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Logits ``[N]`` of each target for the candidates of a batch, of tensors or NumPy arrays.

        Args:
            batch: the columns of ``inputs``; query columns once per query with ``query_of``, or all of them
                once per candidate.

        Raises:
            SchemaError: a column is missing or of another kind.
        """
        device = next(self.parameters()).device
        once = batch.query_of is not None and batch.query.issuperset(self.query_schema.names)
        whole = batch if once and batch.query.isdisjoint(self.candidate_schema.names) else batch.flat()
        columns = columns_of(whole, self.inputs, "DCN", device)
        query_of = None if whole.query_of is None else torch.as_tensor(whole.query_of, device=device)
        sides = [
            side({name: columns[name] for name in side.inputs.names})
            for side in (self.query, self.candidate)
            if len(side.inputs) > 0
        ]
        return dict(zip(self.targets, self._logits(sides, query_of).float().unbind(1), strict=True))

    def score(self, batch: Batch) -> npt.NDArray[np.float32]:
        """Probability of the first target for each candidate ``[N]``, for a batch of NumPy arrays."""
        if holds_tensors(batch) or batch.query_of is None:
            with inference(self):
                return in_chunks(batch, lambda part: self(part)[self.targets[0]].sigmoid())
        with inference(self):
            logits: Tensor = self(batch)[self.targets[0]]
        return logits.sigmoid().float().cpu().numpy()

    def padded(self, query_of: Tensor, *tensors: Tensor) -> Tensor:
        """Probability of the first target ``[N]``, for export.

        Args:
            query_of: int64 ``[N]``, the query of each candidate.
            tensors: one for each column of ``inputs``, in their order: query columns ``[Q]`` or ``[Q, L]``,
                candidate columns ``[N]`` or ``[N, L]``; lists are filled with 0.
        """
        count = len(self.query_schema)
        parts = ((self.query, tensors[:count]), (self.candidate, tensors[count:]))
        sides = [side.padded(*own) for side, own in parts if len(own) > 0]
        return self._logits(sides, query_of).float()[:, 0].sigmoid()

    def describe(self) -> str:
        """The embedding tables with their rows, width and memory."""
        return describe_tables(self.tables, parameters_beside(self))

    def _logits(self, sides: list[Tensor], query_of: Tensor | None) -> Tensor:
        if query_of is not None and len(self.query_schema) > 0:
            sides = [sides[0].index_select(0, query_of), *sides[1:]]
        x = torch.cat(sides, dim=1)
        crossed = self.cross(x)
        if self.head is None:
            logits: Tensor = self.deep(crossed)
        else:
            logits = self.head(torch.cat([crossed, self.deep(x).relu()], dim=1))
        return logits


def _check(names: tuple[str, ...], inputs: Schema, hidden: Sequence[int], structure: str) -> None:
    if len(names) == 0 or len(inputs) == 0:
        raise SchemaError(
            "DCN",
            received=f"targets {list(names)}, inputs {list(inputs.names)}",
            expected="at least one column tagged target and one input",
            remedy="tag the label: schema.tag('label', 'target', 'binary')",
        )
    if len(hidden) == 0 or structure not in ("parallel", "stacked"):
        raise ArgumentError(
            "DCN",
            received=f"hidden={tuple(hidden)}, structure={structure!r}",
            expected="at least one hidden layer, and 'parallel' or 'stacked'",
            remedy="keep the defaults",
        )
