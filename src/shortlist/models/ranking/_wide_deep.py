"""Wide & Deep."""

from collections.abc import Sequence

import torch
from torch import Tensor

from shortlist.errors import ArgumentError, near
from shortlist.models._inputs import is_categorical
from shortlist.models.ranking._cells import Rows
from shortlist.models.ranking._columns_model import ColumnsModel
from shortlist.models.ranking._fields import FirstOrder
from shortlist.models.ranking._heads import AddedHead
from shortlist.models.ranking._options import RankerOptions, hidden_layers
from shortlist.models.ranking._outputs import outputs_of
from shortlist.rng import derive
from shortlist.schema import Schema

__all__ = ["WideDeep"]


class WideDeep(ColumnsModel):
    """Wide & Deep: a linear model, which remembers, beside a deep network, which generalises.

    ``logit = b + sum of a weight for each wide code + w . numbers + u . relu(MLP(x))`` with x embeddings and
    numbers side by side. Crossed columns, as ``ops.HashedCross`` makes them, are what the wide part is for.

    Args:
        schema: encoded columns with at least one TARGET.
        dim: width of the embeddings.
        hidden: widths of the hidden layers.
        dropout: share of hidden activations set to zero in training, in [0, 1).
        seed: of the initial weights.
        wide: names of the columns of codes that the wide part reads; None is all.
        options: of tables and hidden layers.

    Raises:
        SchemaError: no target, no input, or a column that is not encoded.
        ArgumentError: ``wide`` names a column that holds no codes, or an option is out of range.

    Source: Cheng et al., "Wide & deep learning for recommender systems", DLRS 2016 (arXiv 1606.07792).

    >>> import numpy as np
    >>> from shortlist.data import Batch
    >>> from shortlist.schema import Column, Domain
    >>> schema = Schema([
    ...     Column("item", "int64", ("item", "id"), domain=Domain("item", 20)),
    ...     Column("click", "float32", ("target", "binary")),
    ... ])
    >>> WideDeep(schema, hidden=(8,)).score(Batch({"item": np.array([3, 4])})).shape
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
        wide: Sequence[str] | None = None,
        options: RankerOptions | None = None,
    ) -> None:
        outputs = sum(output.width for output in outputs_of(schema))
        super().__init__(schema, dim=dim, weights=outputs, seed=seed, options=options)
        _check_wide(self.inputs, wide)
        self.first = FirstOrder(
            self.query_side,
            self.candidate_side,
            outputs,
            only=None if wide is None else tuple(wide),
            seed=derive(seed, "first"),
        )
        self.deep = hidden_layers(
            self.flat_width, hidden, dropout=dropout, options=self.options, seed=derive(seed, "deep")
        )
        self.width = outputs + self.deep.output_dim
        self.head = AddedHead(self.width, outputs, seed=derive(seed, "head"))

    def represent(self, rows: Rows) -> Tensor:
        """The linear terms and the last hidden layer."""
        return torch.cat([self.first(rows), rows.through(self.deep).float()], dim=1)


def _check_wide(inputs: Schema, wide: Sequence[str] | None) -> None:
    coded = [column.name for column in inputs if is_categorical(column)]
    for name in wide or ():
        if name not in coded:
            raise ArgumentError(
                "WideDeep.wide", received=name, expected="a column of codes", remedy=near(name, coded)
            )
