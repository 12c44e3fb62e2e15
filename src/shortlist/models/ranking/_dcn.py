"""The deep and cross network: explicit crosses of features beside, or below, a deep network."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from shortlist.errors import ArgumentError
from shortlist.models.ranking._cells import Rows
from shortlist.models.ranking._columns_model import ColumnsModel
from shortlist.models.ranking._options import RankerOptions, hidden_layers
from shortlist.nn import CrossMixture, CrossNetwork, CrossVectors
from shortlist.nn._seeded import linear
from shortlist.rng import derive
from shortlist.schema import Schema

__all__ = ["DCN", "CrossOptions"]


@dataclass(frozen=True)
class CrossOptions:
    """How a `DCN` crosses its features.

    >>> CrossOptions(rank=32, experts=4).structure
    'parallel'

    Raises:
        ArgumentError: an option is out of range, or does not go with another.
    """

    kind: Literal["matrix", "vector"] = "matrix"
    """What a cross layer learns: a ``"matrix"`` as in DCN-v2, or a ``"vector"`` as in the first DCN."""
    rank: int | None = None
    """Rank of the matrices; None is full. A quarter of the width is often as good, at half the cost."""
    experts: int = 1
    """Low-rank crosses in each layer, weighed by a gate; 1 has no gate and no inner layers. More than one
    need a ``rank``."""
    gate: Literal["softmax", "sigmoid"] = "softmax"
    """How the experts are weighed: against each other, or each for itself."""
    structure: Literal["parallel", "stacked"] = "parallel"
    """Whether the deep network stands beside the cross layers, or reads what they give."""

    def __post_init__(self) -> None:
        known = (
            self.kind in ("matrix", "vector")
            and self.gate in ("softmax", "sigmoid")
            and self.structure in ("parallel", "stacked")
        )
        sized = self.experts >= 1 and (self.rank is None or self.rank >= 1)
        fitting = self.kind == "matrix" or (self.rank is None and self.experts == 1)
        if not (known and sized and fitting and (self.experts == 1 or self.rank is not None)):
            raise ArgumentError(
                "CrossOptions",
                received=self,
                expected="kind 'matrix' or 'vector', rank >= 1 or None, experts >= 1 (above 1 with a rank), "
                "neither with vectors, gate 'softmax' or 'sigmoid', structure 'parallel' or 'stacked'",
                remedy="for a mixture: CrossOptions(rank=64, experts=4)",
            )


class DCN(ColumnsModel):
    """The deep and cross network, by default version 2: ``x[l+1] = x[0] * (W x[l] + b) + x[l]``.

    x[0] are the embeddings and numbers side by side. In parallel,
    ``logit = w . [cross(x), relu(MLP(x))] + b``; stacked, ``logit = w . relu(MLP(cross(x))) + b``. With
    vectors in place of matrices it is the first DCN: ``x[l+1] = x[0] (x[l] . w) + b + x[l]``.

    Args:
        schema: encoded columns with at least one TARGET.
        dim: width of the embeddings.
        hidden: widths of the hidden layers.
        dropout: share of hidden activations set to zero in training, in [0, 1).
        seed: of the initial weights.
        layers: number of cross layers.
        cross: what they are: full or low-rank matrices, a mixture of them, or vectors; beside or below.
        options: of tables and hidden layers.

    Raises:
        SchemaError: no target, no input, or a column that is not encoded.
        ArgumentError: no hidden layer, or an option out of range.

    Source: Wang et al., "DCN V2: improved deep & cross network", WWW 2021 (arXiv 2008.13535), and "Deep &
    cross network for ad click predictions", ADKDD 2017 (arXiv 1708.05123).

    >>> import numpy as np
    >>> from shortlist.data import Batch
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
        hidden: Sequence[int] = (256, 128),
        dropout: float = 0.0,
        seed: int = 0,
        layers: int = 3,
        cross: CrossOptions | None = None,
        options: RankerOptions | None = None,
    ) -> None:
        super().__init__(schema, dim=dim, seed=seed, options=options)
        cross = CrossOptions() if cross is None else cross
        self.cross = _crosses(self.flat_width, layers, cross, derive(seed, "cross"))
        self.deep = hidden_layers(
            self.flat_width, hidden, dropout=dropout, options=self.options, seed=derive(seed, "deep")
        )
        self._stacked = cross.structure == "stacked"
        self.width = self.deep.output_dim + (0 if self._stacked else self.flat_width)
        self.head = linear(self.width, self.logits, derive(seed, "head"))

    def represent(self, rows: Rows) -> Tensor:
        """The last hidden layer, beside the crossed features if the structure is parallel."""
        x = rows.lowered() if isinstance(self.cross, CrossNetwork) else rows.flat()
        crossed = self.cross(x) if rows.query_of is None else self._crossed(x, rows)
        if self._stacked:
            out: Tensor = self.deep(crossed)
            return out
        deep = self.deep(x) if rows.query_of is None else rows.through(self.deep)
        return torch.cat([crossed, deep.to(crossed.dtype)], dim=1)

    def _crossed(self, x: Tensor, rows: Rows) -> Tensor:
        """The cross layers, the first of which reads the query once a query."""
        first = None
        if not isinstance(self.cross, CrossMixture) and len(self.cross.layers) > 0:
            layer = self.cross.layers[0]
            if isinstance(layer, nn.Linear):
                first = rows.linear(layer)
            elif isinstance(layer, nn.Sequential):
                first = rows.through(layer)
        if first is None:
            crossed: Tensor = self.cross(x)
            return crossed
        known: Tensor = self.cross(x, first)
        return known


def _crosses(
    width: int, layers: int, options: CrossOptions, seed: int
) -> CrossNetwork | CrossVectors | CrossMixture:
    if options.kind == "vector":
        return CrossVectors(width, layers, seed=seed)
    if options.experts > 1:
        rank = options.rank or 1
        return CrossMixture(width, layers, rank=rank, experts=options.experts, gate=options.gate, seed=seed)
    return CrossNetwork(width, layers, rank=options.rank, seed=seed)
