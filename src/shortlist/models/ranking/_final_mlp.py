"""FinalMLP."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from shortlist.errors import ArgumentError
from shortlist.models.ranking._cells import Rows
from shortlist.models.ranking._columns_model import ColumnsModel
from shortlist.models.ranking._options import RankerOptions, hidden_layers
from shortlist.nn import MLP, BilinearFusion
from shortlist.rng import derive
from shortlist.schema import Schema

__all__ = ["FinalMLP", "StreamOptions"]


@dataclass(frozen=True)
class StreamOptions:
    """The second network of a `FinalMLP`, the gates and the product.

    >>> StreamOptions(gates=True).heads
    1

    Raises:
        ArgumentError: ``heads`` is below 1, or ``second`` is empty.
    """

    second: Sequence[int] | None = None
    """Widths of the hidden layers of the second network; None is as the first."""
    gates: bool = False
    """Whether the query's columns weigh what the first network reads, and the candidate's what the second."""
    heads: int = 1
    """Blocks that the product is cut into; more cost less."""

    def __post_init__(self) -> None:
        if self.heads < 1 or (self.second is not None and len(self.second) == 0):
            raise ArgumentError(
                "StreamOptions", received=self, expected="heads >= 1, and one or more widths or None"
            )


class FinalMLP(ColumnsModel):
    """FinalMLP: two deep networks, and the product of what they give.

    ``logit = b + u . x + v . y + sum_h x_h' W_h y_h`` with x and y the last hidden layers of the two; see
    `nn.BilinearFusion`. With gates, the first network reads the features weighed by what the query's columns
    say, the second by what the candidate's say: ``2 sigmoid(W2 relu(W1 side))`` each.

    Args:
        schema: encoded columns with at least one TARGET.
        dim: width of the embeddings.
        hidden: widths of the hidden layers of the first network.
        dropout: share of hidden activations set to zero in training, in [0, 1).
        seed: of the initial weights.
        streams: the second network, the gates and the product.
        options: of tables and hidden layers.

    Raises:
        SchemaError: no target, no input, or a column that is not encoded.
        ArgumentError: an option is out of range.

    Source: Mao et al., "FinalMLP", AAAI 2023 (arXiv 2304.00902).

    >>> import numpy as np
    >>> from shortlist.data import Batch
    >>> from shortlist.schema import Column, Domain
    >>> schema = Schema([
    ...     Column("user", "int64", ("user", "id"), domain=Domain("user", 9)),
    ...     Column("item", "int64", ("item", "id"), domain=Domain("item", 20)),
    ...     Column("click", "float32", ("target", "binary")),
    ... ])
    >>> batch = Batch({"user": np.array([5]), "item": np.array([3])})
    >>> FinalMLP(schema, dim=4, hidden=(8,)).score(batch).shape
    (1,)
    """

    def __init__(
        self,
        schema: Schema,
        *,
        dim: int = 16,
        hidden: Sequence[int] = (256, 128),
        dropout: float = 0.0,
        seed: int = 0,
        streams: StreamOptions | None = None,
        options: RankerOptions | None = None,
    ) -> None:
        super().__init__(schema, dim=dim, seed=seed, options=options)
        streams = StreamOptions() if streams is None else streams
        second = hidden if streams.second is None else streams.second
        first, other = (
            hidden_layers(
                self.flat_width,
                widths,
                dropout=dropout,
                options=self.options,
                seed=derive(seed, "deep", place),
            )
            for place, widths in enumerate((hidden, second))
        )
        self.first, self.second = first, other
        self.gates = nn.ModuleList()
        if streams.gates:
            sides = [self.query_side.width or self.flat_width, self.candidate_side.width or self.flat_width]
            self.gates.extend(
                MLP(width, (self.flat_width, self.flat_width), seed=derive(seed, "gate", place))
                for place, width in enumerate(sides)
            )
        self.width = first.output_dim + other.output_dim
        self.head = BilinearFusion(
            first.output_dim, other.output_dim, self.logits, heads=streams.heads, seed=derive(seed, "head")
        )

    def represent(self, rows: Rows) -> Tensor:
        """The last hidden layers of both networks."""
        if len(self.gates) == 0:
            return torch.cat([rows.through(self.first), rows.through(self.second)], dim=1)
        x = rows.flat()
        query, candidate = self._gates(x, rows)
        return torch.cat([self.first(x * query), self.second(x * candidate)], dim=1)

    def _gates(self, x: Tensor, rows: Rows) -> list[Tensor]:
        """How much of each feature either network reads; a side without columns goes by all."""
        query = None if rows.query is None else self._gate(0, rows.query.flat())
        if query is not None and rows.query_of is not None:
            query = query.index_select(0, rows.query_of)
        candidate = None if rows.candidate is None else self._gate(1, rows.candidate.flat())
        return [
            self._gate(place, x) if gate is None else gate for place, gate in enumerate((query, candidate))
        ]

    def _gate(self, place: int, side: Tensor) -> Tensor:
        gate: Tensor = 2.0 * self.gates[place](side).sigmoid()
        return gate
