"""The deep interest network."""

from collections.abc import Sequence

from torch import Tensor, nn

from shortlist.models.ranking._cells import Rows, joined
from shortlist.models.ranking._columns_model import ColumnsModel
from shortlist.models.ranking._histories import histories_of
from shortlist.models.ranking._options import RankerOptions, hidden_layers
from shortlist.nn import TargetAttention
from shortlist.nn._seeded import linear
from shortlist.rng import derive
from shortlist.schema import Schema

__all__ = ["DIN"]


class DIN(ColumnsModel):
    """The deep interest network: histories as each candidate sees them, then a deep network.

    Each list of the query that shares its codes with a column of the candidate (tags SEQUENCE; a history of
    items, or of categories) becomes ``sum_j a(e_j, t) e_j`` with t the candidate's embedding; see
    `nn.TargetAttention`: a sum without softmax. Other columns as in `DNN`: ``logit = w . relu(MLP([x, what
    histories became])) + b``.

    Args:
        schema: encoded columns with at least one TARGET.
        dim: width of the embeddings.
        hidden: widths of the hidden layers.
        dropout: share of hidden activations set to zero in training, in [0, 1).
        seed: of the initial weights.
        attention: widths of the hidden layers that weigh an event.
        options: of tables and hidden layers.

    Raises:
        SchemaError: no target, no input, or a column that is not encoded, or no list
            of the query that shares its codes with a column of the candidate.
        ArgumentError: an option is out of range.

    Source: Zhou et al., "Deep interest network for click-through rate prediction", KDD 2018
    (arXiv 1706.06978).

    >>> import numpy as np
    >>> from shortlist.data import Batch, Ragged
    >>> from shortlist.schema import LIST, Column, Domain
    >>> schema = Schema([
    ...     Column("taken", "int64", ("user", "sequence"), LIST, Domain("item", 20)),
    ...     Column("item", "int64", ("item", "id"), domain=Domain("item", 20)),
    ...     Column("click", "float32", ("target", "binary")),
    ... ])
    >>> batch = Batch({"taken": Ragged.of([[7, 5], []]), "item": np.array([3, 4])})
    >>> DIN(schema, dim=4, hidden=(8,)).score(batch).shape
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
        attention: Sequence[int] = (80, 40),
        options: RankerOptions | None = None,
    ) -> None:
        pairs = histories_of("DIN", schema)
        super().__init__(schema, dim=dim, events=list(pairs), seed=seed, options=options)
        self._targets = [self.candidate_side.names.index(name) for name in pairs.values()]
        self.attention = nn.ModuleList(
            TargetAttention(dim, attention, seed=derive(seed, "attention", name)) for name in pairs
        )
        self.deep = hidden_layers(
            self.flat_width + len(pairs) * dim,
            hidden,
            dropout=dropout,
            options=self.options,
            seed=derive(seed, "deep"),
        )
        self.width = self.deep.output_dim
        self.head = linear(self.width, self.logits, derive(seed, "head"))

    def represent(self, rows: Rows) -> Tensor:
        """The last hidden layer."""
        assert rows.query is not None
        assert rows.candidate is not None
        seen = [
            unit(events, mask, rows.candidate.vectors[:, place], rows.query_of)
            for unit, (events, mask), place in zip(
                self.attention, rows.query.events, self._targets, strict=True
            )
        ]
        own = joined([rows.candidate.flat(), *(part.float() for part in seen)], dim=1)
        return rows.through(self.deep, [rows.query.flat(), own])
