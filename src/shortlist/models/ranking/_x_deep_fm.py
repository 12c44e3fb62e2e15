"""xDeepFM."""

from collections.abc import Sequence

import torch
from torch import Tensor

from shortlist.models.ranking._cells import Rows
from shortlist.models.ranking._columns_model import ColumnsModel
from shortlist.models.ranking._fields import Fields, FirstOrder
from shortlist.models.ranking._heads import AddedHead
from shortlist.models.ranking._options import RankerOptions, hidden_layers
from shortlist.models.ranking._outputs import outputs_of
from shortlist.nn import CompressedInteractions
from shortlist.rng import derive
from shortlist.schema import Schema

__all__ = ["XDeepFM"]


class XDeepFM(ColumnsModel):
    """The extreme deep factorization machine, xDeepFM: compressed interactions beside a deep network.

    ``logit = b + sum_i w_i x_i + u . CIN(fields) + v . relu(MLP(x))``; see `nn.CompressedInteractions`.
    Numbers are fields by a vector of their own each.

    Args:
        schema: encoded columns with at least one TARGET.
        dim: width of the embeddings.
        hidden: widths of the hidden layers.
        dropout: share of hidden activations set to zero in training, in [0, 1).
        seed: of the initial weights.
        interactions: vectors in each layer of the interaction network.
        options: of tables and hidden layers.

    Raises:
        SchemaError: no target, no input, or a column that is not encoded.
        ArgumentError: an option is out of range.

    Source: Lian et al., "xDeepFM", KDD 2018 (arXiv 1803.05170).

    >>> import numpy as np
    >>> from shortlist.data import Batch
    >>> from shortlist.schema import Column, Domain
    >>> schema = Schema([
    ...     Column("user", "int64", ("user", "id"), domain=Domain("user", 9)),
    ...     Column("item", "int64", ("item", "id"), domain=Domain("item", 20)),
    ...     Column("click", "float32", ("target", "binary")),
    ... ])
    >>> XDeepFM(schema, dim=4, hidden=(8,)).score(Batch({"user": np.array([5]), "item": np.array([3])})).shape
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
        interactions: Sequence[int] = (32, 32),
        options: RankerOptions | None = None,
    ) -> None:
        outputs = sum(output.width for output in outputs_of(schema))
        super().__init__(schema, dim=dim, weights=outputs, seed=seed, options=options)
        sides = (self.query_side, self.candidate_side)
        self.first = FirstOrder(*sides, outputs, seed=derive(seed, "first"))
        self.fields = Fields(*sides, seed=derive(seed, "fields"))
        self.crosses = CompressedInteractions(
            self.fields.count, tuple(interactions), seed=derive(seed, "crosses")
        )
        self.deep = hidden_layers(
            self.flat_width, hidden, dropout=dropout, options=self.options, seed=derive(seed, "deep")
        )
        self.width = outputs + self.crosses.output_dim + self.deep.output_dim
        self.head = AddedHead(self.width, outputs, seed=derive(seed, "head"))

    def represent(self, rows: Rows) -> Tensor:
        """The linear terms, the interactions and the last hidden layer."""
        parts = [self.first(rows), self.crosses(self.fields(rows)), rows.through(self.deep)]
        return torch.cat([part.float() for part in parts], dim=1)
