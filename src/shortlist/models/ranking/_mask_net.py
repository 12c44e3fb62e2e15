"""MaskNet."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from shortlist.errors import ArgumentError
from shortlist.models.ranking._cells import Rows
from shortlist.models.ranking._columns_model import ColumnsModel
from shortlist.models.ranking._fields import FieldNorm, Fields
from shortlist.models.ranking._options import RankerOptions, hidden_layers
from shortlist.nn import MaskBlock
from shortlist.nn._dropout import Dropout
from shortlist.nn._seeded import linear
from shortlist.rng import derive
from shortlist.schema import Schema

__all__ = ["MaskNet", "MaskOptions"]


@dataclass(frozen=True)
class MaskOptions:
    """How the blocks of a `MaskNet` are put together.

    >>> MaskOptions(structure="parallel", blocks=2).reduction
    0.2

    Raises:
        ArgumentError: an option is out of range.
    """

    structure: Literal["serial", "parallel"] = "serial"
    """Whether each block reads the last, or all read the features."""
    blocks: int = 3
    """Number of parallel blocks; serial ones are as many as ``hidden`` has widths."""
    reduction: float = 0.2
    """Width of the hidden layer that makes a mask, in times the width of the features."""

    def __post_init__(self) -> None:
        if self.structure not in ("serial", "parallel") or self.blocks < 1 or not self.reduction > 0.0:
            raise ArgumentError(
                "MaskOptions",
                received=self,
                expected="structure 'serial' or 'parallel', blocks >= 1 and a reduction above 0",
            )


class MaskNet(ColumnsModel):
    """MaskNet: layers whose input is weighed by a mask that the row's own features make.

    Serial, each `nn.MaskBlock` reads the last, the first the normalised features. In parallel, ``blocks``
    blocks of width ``hidden[0]`` read the features, and hidden layers of the widths that follow read them
    all. Numbers are fields by a vector of their own each; every field is normalised by itself.

    Args:
        schema: encoded columns with at least one TARGET.
        dim: width of the embeddings.
        hidden: widths of the blocks, or of the blocks and the hidden layers behind them.
        dropout: share of hidden activations set to zero in training, in [0, 1).
        seed: of the initial weights.
        masks: how blocks are put together.
        options: of tables and hidden layers.

    Raises:
        SchemaError: no target, no input, or a column that is not encoded.
        ArgumentError: an option is out of range.

    Source: Wang, She, Zhang, "MaskNet", DLP-KDD 2021 (arXiv 2102.07619).

    >>> import numpy as np
    >>> from shortlist.data import Batch
    >>> from shortlist.schema import Column, Domain
    >>> schema = Schema([
    ...     Column("user", "int64", ("user", "id"), domain=Domain("user", 9)),
    ...     Column("item", "int64", ("item", "id"), domain=Domain("item", 20)),
    ...     Column("click", "float32", ("target", "binary")),
    ... ])
    >>> MaskNet(schema, dim=4, hidden=(8,)).score(Batch({"user": np.array([5]), "item": np.array([3])})).shape
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
        masks: MaskOptions | None = None,
        options: RankerOptions | None = None,
    ) -> None:
        super().__init__(schema, dim=dim, seed=seed, options=options)
        masks = MaskOptions() if masks is None else masks
        if len(hidden) == 0:
            raise ArgumentError("MaskNet.hidden", received=(), expected="one or more widths")
        self.fields = Fields(self.query_side, self.candidate_side, seed=derive(seed, "fields"))
        self.norm = FieldNorm(self.fields.count, dim)
        self.dropout, width = Dropout(dropout), self.fields.count * dim
        self._serial = masks.structure == "serial"
        outputs = list(hidden) if self._serial else [hidden[0]] * masks.blocks
        inputs = [width, *outputs[:-1]] if self._serial else [width] * masks.blocks
        self.blocks = nn.ModuleList(
            MaskBlock(width, one, other, reduction=masks.reduction, seed=derive(seed, "block", place))
            for place, (one, other) in enumerate(zip(inputs, outputs, strict=True))
        )
        self.width = outputs[-1] if self._serial else sum(outputs)
        self.deep = None
        if not self._serial and len(hidden) > 1:
            own = derive(seed, "deep")
            self.deep = hidden_layers(self.width, hidden[1:], dropout=dropout, options=self.options, seed=own)
            self.width = self.deep.output_dim
        self.head = linear(self.width, self.logits, derive(seed, "head"))

    def represent(self, rows: Rows) -> Tensor:
        """The last block, or the last hidden layer."""
        fields = self.fields(rows)
        guide, x = fields.flatten(1), self.norm(fields).flatten(1)
        if not self._serial:
            x = torch.cat([self.dropout(block(guide, x)) for block in self.blocks], dim=1)
            deep: Tensor = x if self.deep is None else self.deep(x)
            return deep
        for block in self.blocks:
            x = self.dropout(block(guide, x))
        last: Tensor = x
        return last
