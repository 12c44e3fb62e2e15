"""AutoInt."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from shortlist.errors import ArgumentError
from shortlist.models.ranking._cells import Rows
from shortlist.models.ranking._columns_model import ColumnsModel
from shortlist.models.ranking._fields import Fields
from shortlist.models.ranking._options import RankerOptions, hidden_layers
from shortlist.nn import FieldAttention
from shortlist.nn._seeded import linear
from shortlist.rng import derive
from shortlist.schema import Schema

__all__ = ["AutoInt"]


class AutoInt(ColumnsModel):
    """AutoInt: self-attention among the columns' vectors, beside a deep network.

    ``logit = w . [attention layers(fields), relu(MLP(x))] + b``; see `nn.FieldAttention`. Numbers are fields
    by a vector of their own each. With a deep network the source calls it AutoInt+.

    Args:
        schema: encoded columns with at least one TARGET.
        dim: width of the embeddings.
        hidden: widths of the hidden layers; () has no deep network.
        dropout: share of hidden activations set to zero in training, in [0, 1).
        seed: of the initial weights.
        layers: number of attention layers.
        heads: attention heads in each; ``dim`` is a multiple of it.
        options: of tables and hidden layers.

    Raises:
        SchemaError: no target, no input, or a column that is not encoded.
        ArgumentError: an option is out of range.

    Source: Song et al., "AutoInt", CIKM 2019 (arXiv 1810.11921).

    >>> import numpy as np
    >>> from shortlist.data import Batch
    >>> from shortlist.schema import Column, Domain
    >>> schema = Schema([
    ...     Column("user", "int64", ("user", "id"), domain=Domain("user", 9)),
    ...     Column("item", "int64", ("item", "id"), domain=Domain("item", 20)),
    ...     Column("click", "float32", ("target", "binary")),
    ... ])
    >>> AutoInt(schema, dim=4, hidden=(8,)).score(Batch({"user": np.array([5]), "item": np.array([3])})).shape
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
        layers: int = 2,
        heads: int = 2,
        options: RankerOptions | None = None,
    ) -> None:
        super().__init__(schema, dim=dim, seed=seed, options=options)
        if layers < 1:
            raise ArgumentError("AutoInt.layers", received=layers, expected="an integer >= 1")
        self.fields = Fields(self.query_side, self.candidate_side, seed=derive(seed, "fields"))
        self.attention = nn.Sequential(
            *(
                FieldAttention(dim, dim, heads=heads, dropout=dropout, seed=derive(seed, "layer", depth))
                for depth in range(layers)
            )
        )
        self.deep = None
        if len(hidden) > 0:
            own = derive(seed, "deep")
            self.deep = hidden_layers(
                self.flat_width, hidden, dropout=dropout, options=self.options, seed=own
            )
        self.width = self.fields.count * dim + (0 if self.deep is None else self.deep.output_dim)
        self.head = linear(self.width, self.logits, derive(seed, "head"))

    def represent(self, rows: Rows) -> Tensor:
        """The fields as attention leaves them, and the last hidden layer."""
        fields: Tensor = self.attention(self.fields(rows)).flatten(1)
        if self.deep is None:
            return fields
        return torch.cat([fields, rows.through(self.deep).to(fields.dtype)], dim=1)
