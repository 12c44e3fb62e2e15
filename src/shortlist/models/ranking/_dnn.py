"""The plain deep ranker."""

from collections.abc import Sequence

from torch import Tensor

from shortlist.models.ranking._cells import Rows
from shortlist.models.ranking._columns_model import ColumnsModel
from shortlist.models.ranking._options import RankerOptions, hidden_layers
from shortlist.nn._seeded import linear
from shortlist.rng import derive
from shortlist.schema import Schema

__all__ = ["DNN"]


class DNN(ColumnsModel):
    """A deep network on embeddings and numbers side by side: ``logit = w . relu(... relu(W1 x + b1)) + b``.

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

    >>> import numpy as np
    >>> from shortlist.data import Batch
    >>> from shortlist.schema import Column, Domain
    >>> schema = Schema([
    ...     Column("item", "int64", ("item", "id"), domain=Domain("item", 20)),
    ...     Column("click", "float32", ("target", "binary")),
    ... ])
    >>> DNN(schema, hidden=(8,)).score(Batch({"item": np.array([3, 4])})).shape
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
        options: RankerOptions | None = None,
    ) -> None:
        super().__init__(schema, dim=dim, seed=seed, options=options)
        self.deep = hidden_layers(
            self.flat_width, hidden, dropout=dropout, options=self.options, seed=derive(seed, "deep")
        )
        self.width = self.deep.output_dim
        self.head = linear(self.width, self.logits, derive(seed, "head"))

    def represent(self, rows: Rows) -> Tensor:
        """The last hidden layer."""
        return rows.through(self.deep)
