"""NeuMF."""

from collections.abc import Sequence

import torch
from torch import Tensor

from shortlist.models.ranking._cells import Rows
from shortlist.models.ranking._columns_model import ColumnsModel
from shortlist.models.ranking._options import RankerOptions, hidden_layers
from shortlist.nn._seeded import linear
from shortlist.rng import derive
from shortlist.schema import Schema

__all__ = ["NeuMF"]


class NeuMF(ColumnsModel):
    """NeuMF: the product of a user's and an item's vector, number by number, beside a deep network.

    ``logit = w . [p_user * q_item, relu(MLP(x))] + b``. The vectors p and q are others than the embeddings
    that the deep network reads, x; those are of the ids and of all other columns that there are.

    Args:
        schema: encoded columns with at least one TARGET.
        dim: width of the embeddings.
        hidden: widths of the hidden layers.
        dropout: share of hidden activations set to zero in training, in [0, 1).
        seed: of the initial weights.
        options: of tables and hidden layers.

    Raises:
        SchemaError: no target, no input, or a column that is not encoded, or not
            exactly one id of users and one of items.
        ArgumentError: an option is out of range.

    Source: He et al., "Neural collaborative filtering", WWW 2017 (arXiv 1708.05031).

    >>> import numpy as np
    >>> from shortlist.data import Batch
    >>> from shortlist.schema import Column, Domain
    >>> schema = Schema([
    ...     Column("user", "int64", ("user", "id"), domain=Domain("user", 9)),
    ...     Column("item", "int64", ("item", "id"), domain=Domain("item", 20)),
    ...     Column("click", "float32", ("target", "binary")),
    ... ])
    >>> NeuMF(schema, dim=4, hidden=(8,)).score(Batch({"user": np.array([5]), "item": np.array([3])})).shape
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
        options: RankerOptions | None = None,
    ) -> None:
        super().__init__(schema, dim=dim, weights=dim, seed=seed, options=options)
        self._user = self.query_side.names.index(schema.user.name)
        self._item = self.candidate_side.names.index(schema.item.name)
        self.deep = hidden_layers(
            self.flat_width, hidden, dropout=dropout, options=self.options, seed=derive(seed, "deep")
        )
        self.width = dim + self.deep.output_dim
        self.head = linear(self.width, self.logits, derive(seed, "head"))

    def represent(self, rows: Rows) -> Tensor:
        """The product of the ids' vectors, and the last hidden layer."""
        assert rows.query is not None
        assert rows.candidate is not None
        user, item = rows.query.weights[:, self._user], rows.candidate.weights[:, self._item]
        if rows.query_of is not None:
            user = user.index_select(0, rows.query_of)
        return torch.cat([user * item, rows.through(self.deep).float()], dim=1)
