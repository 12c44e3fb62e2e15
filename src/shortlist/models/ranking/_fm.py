"""The factorization machine."""

import torch
from torch import Tensor

from shortlist.models.ranking._cells import Rows
from shortlist.models.ranking._columns_model import ColumnsModel
from shortlist.models.ranking._fields import Fields, FirstOrder
from shortlist.models.ranking._heads import AddedHead
from shortlist.models.ranking._options import RankerOptions
from shortlist.models.ranking._outputs import outputs_of
from shortlist.rng import derive
from shortlist.schema import Schema

__all__ = ["FM"]


class FM(ColumnsModel):
    """The factorization machine: a linear term and the inner products of all pairs of columns' vectors.

    ``logit = b + sum_i w_i x_i + sum_{i<j} (v_i x_i) . (v_j x_j)``; of a code, x is 1. Several targets have
    linear terms of their own and one second-order term, each times a weight of its own that starts at 1.

    Args:
        schema: encoded columns with at least one TARGET.
        dim: width of the vectors.
        seed: of the initial weights.
        options: of the tables, which hold a vector and one weight a target of each code.

    Raises:
        SchemaError: no target, no input, or a column that is not encoded.

    Source: Rendle, "Factorization machines", ICDM 2010.

    >>> import numpy as np
    >>> from shortlist.data import Batch
    >>> from shortlist.schema import Column, Domain
    >>> schema = Schema([
    ...     Column("user", "int64", ("user", "id"), domain=Domain("user", 9)),
    ...     Column("item", "int64", ("item", "id"), domain=Domain("item", 20)),
    ...     Column("click", "float32", ("target", "binary")),
    ... ])
    >>> FM(schema, dim=4).score(Batch({"user": np.array([5]), "item": np.array([3])})).shape
    (1,)
    """

    def __init__(
        self, schema: Schema, *, dim: int = 16, seed: int = 0, options: RankerOptions | None = None
    ) -> None:
        outputs = sum(output.width for output in outputs_of(schema))
        super().__init__(schema, dim=dim, weights=outputs, seed=seed, options=options)
        sides = (self.query_side, self.candidate_side)
        self.width = outputs
        self.first = FirstOrder(*sides, outputs, seed=derive(seed, "first"))
        self.fields = Fields(*sides, seed=derive(seed, "fields"))
        self.scale = torch.nn.Parameter(torch.ones(outputs)) if outputs > 1 else None
        self.head = AddedHead(outputs, outputs)

    def represent(self, rows: Rows) -> Tensor:
        """The logits."""
        pairs = self.fields.pairwise(rows).unsqueeze(1)
        linear: Tensor = self.first(rows)
        return linear + (pairs if self.scale is None else pairs * self.scale)
