"""Logistic regression."""

from torch import Tensor

from shortlist.models.ranking._cells import Rows
from shortlist.models.ranking._columns_model import ColumnsModel
from shortlist.models.ranking._fields import FirstOrder
from shortlist.models.ranking._heads import AddedHead
from shortlist.models.ranking._options import RankerOptions
from shortlist.models.ranking._outputs import outputs_of
from shortlist.rng import derive
from shortlist.schema import Schema

__all__ = ["LR"]


class LR(ColumnsModel):
    """Logistic regression: ``logit = b + sum of a weight for each code + w . numbers``; no interactions.

    A list counts by the mean of its codes' weights. Several targets have weights of their own.

    Args:
        schema: encoded columns with at least one TARGET.
        seed: of the initial weights.
        options: of the tables, which hold one number a target of each code.

    Raises:
        SchemaError: no target, no input, or a column that is not encoded.

    >>> import numpy as np
    >>> from shortlist.data import Batch
    >>> from shortlist.schema import Column, Domain
    >>> schema = Schema([
    ...     Column("item", "int64", ("item", "id"), domain=Domain("item", 20)),
    ...     Column("click", "float32", ("target", "binary")),
    ... ])
    >>> LR(schema).score(Batch({"item": np.array([3, 4])})).shape
    (2,)
    """

    def __init__(self, schema: Schema, *, seed: int = 0, options: RankerOptions | None = None) -> None:
        outputs = sum(output.width for output in outputs_of(schema))
        super().__init__(schema, dim=0, weights=outputs, seed=seed, options=options)
        self.width = outputs
        self.first = FirstOrder(self.query_side, self.candidate_side, outputs, seed=derive(seed, "first"))
        self.head = AddedHead(outputs, outputs)

    def represent(self, rows: Rows) -> Tensor:
        """The logits."""
        linear: Tensor = self.first(rows)
        return linear
