"""DeepFM."""

from collections.abc import Sequence

import torch
from torch import Tensor

from shortlist.models.ranking._cells import Rows
from shortlist.models.ranking._columns_model import ColumnsModel
from shortlist.models.ranking._fields import Fields, FirstOrder
from shortlist.models.ranking._heads import AddedHead
from shortlist.models.ranking._options import RankerOptions, hidden_layers
from shortlist.models.ranking._outputs import outputs_of
from shortlist.rng import derive
from shortlist.schema import Schema

__all__ = ["DeepFM"]


class DeepFM(ColumnsModel):
    """A factorization machine beside a deep network on the same embeddings.

    ``logit = b + sum_i w_i x_i + sum_{i<j} (v_i x_i) . (v_j x_j) + u . relu(MLP(x))``, with x the embeddings
    and numbers side by side. Numbers have vectors v of their own in the second-order term. Several targets
    have linear terms and u of their own; the second-order term is one of all.

    Args:
        schema: encoded columns with at least one TARGET.
        dim: width of the embeddings.
        hidden: widths of the hidden layers.
        dropout: share of hidden activations set to zero in training, in [0, 1).
        seed: of the initial weights.
        options: of tables and hidden layers.

    Raises:
        SchemaError: no target, no input, or a column that is not encoded.
        ArgumentError: no hidden layer, or an option out of range.

    Source: Guo et al., "DeepFM", IJCAI 2017 (arXiv 1703.04247).

    >>> import numpy as np
    >>> from shortlist.data import Batch
    >>> from shortlist.schema import Column, Domain
    >>> schema = Schema([
    ...     Column("user", "int64", ("user", "id"), domain=Domain("user", 9)),
    ...     Column("item", "int64", ("item", "id"), domain=Domain("item", 20)),
    ...     Column("click", "float32", ("target", "binary")),
    ... ])
    >>> DeepFM(schema, dim=4, hidden=(8,)).score(Batch({"user": np.array([5]), "item": np.array([3])})).shape
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
        outputs = sum(output.width for output in outputs_of(schema))
        super().__init__(schema, dim=dim, weights=outputs, seed=seed, options=options)
        sides = (self.query_side, self.candidate_side)
        self.first = FirstOrder(*sides, outputs, seed=derive(seed, "first"))
        self.fields = Fields(*sides, seed=derive(seed, "fields"))
        self.deep = hidden_layers(
            self.flat_width, hidden, dropout=dropout, options=self.options, seed=derive(seed, "deep")
        )
        self.width = outputs + self.deep.output_dim
        self.head = AddedHead(self.width, outputs, seed=derive(seed, "head"))

    def represent(self, rows: Rows) -> Tensor:
        """The terms of first and second order, and the last hidden layer."""
        machine = self.first(rows) + self.fields.pairwise(rows).unsqueeze(1)
        return torch.cat([machine, rows.through(self.deep).float()], dim=1)
