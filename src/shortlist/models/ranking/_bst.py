"""The behaviour sequence transformer."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from shortlist.models.ranking._cells import Rows, joined
from shortlist.models.ranking._columns_model import ColumnsModel
from shortlist.models.ranking._histories import histories_of
from shortlist.models.ranking._options import RankerOptions, hidden_layers
from shortlist.nn import TransformerEncoder
from shortlist.nn._seeded import linear
from shortlist.rng import derive
from shortlist.schema import Schema

__all__ = ["BST", "BSTOptions"]


@dataclass(frozen=True)
class BSTOptions:
    """The transformer of a `BST`.

    >>> BSTOptions(heads=2).max_length
    20
    """

    blocks: int = 1
    """Number of transformer blocks."""
    heads: int = 1
    """Attention heads in each; the width of the embeddings is a multiple of it."""
    max_length: int = 20
    """Longest history that is read; of longer ones, the newest events."""


class BST(ColumnsModel):
    """The behaviour sequence transformer: the candidate is the last event of the history.

    Each list of the query that shares its codes with a column of the candidate (tag SEQUENCE) is followed by
    the candidate's embedding; a transformer with learned positions, counted back from the candidate, reads
    them, and what it makes of the candidate goes into a deep network beside the other columns. The source
    puts the outputs at all places side by side, which needs lists of one length.

    Args:
        schema: encoded columns with at least one TARGET.
        dim: width of the embeddings.
        hidden: widths of the hidden layers.
        dropout: share of hidden activations set to zero in training, in [0, 1).
        seed: of the initial weights.
        sequence: the transformer.
        options: of tables and hidden layers.

    Raises:
        SchemaError: no target, no input, or a column that is not encoded, or no list
            of the query that shares its codes with a column of the candidate.
        ArgumentError: an option is out of range.

    Source: Chen et al., "Behavior sequence transformer for e-commerce recommendation in Alibaba", DLP-KDD
    2019 (arXiv 1905.06874).

    >>> import numpy as np
    >>> from shortlist.data import Batch, Ragged
    >>> from shortlist.schema import LIST, Column, Domain
    >>> schema = Schema([
    ...     Column("taken", "int64", ("user", "sequence"), LIST, Domain("item", 20)),
    ...     Column("item", "int64", ("item", "id"), domain=Domain("item", 20)),
    ...     Column("click", "float32", ("target", "binary")),
    ... ])
    >>> batch = Batch({"taken": Ragged.of([[7, 5], []]), "item": np.array([3, 4])})
    >>> BST(schema, dim=4, hidden=(8,)).score(batch).shape
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
        sequence: BSTOptions | None = None,
        options: RankerOptions | None = None,
    ) -> None:
        pairs = histories_of("BST", schema)
        super().__init__(schema, dim=dim, events=list(pairs), seed=seed, options=options)
        sequence = BSTOptions() if sequence is None else sequence
        self._targets = [self.candidate_side.names.index(name) for name in pairs.values()]
        self.encoders = nn.ModuleList(
            TransformerEncoder(
                dim,
                max_length=sequence.max_length + 1,
                blocks=sequence.blocks,
                heads=sequence.heads,
                dropout=dropout,
                causal=False,
                seed=derive(seed, "sequence", name),
            )
            for name in pairs
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
        parts = [rows.candidate.flat()]
        query = rows.query if rows.query_of is None else rows.query.take(rows.query_of)
        for encoder, (events, mask), place in zip(self.encoders, query.events, self._targets, strict=True):
            target = rows.candidate.vectors[:, place : place + 1]
            always = torch.ones_like(target[:, :, 0], dtype=torch.bool)
            parts.append(
                encoder(torch.cat([events, target], dim=1), torch.cat([mask, always], dim=1)).float()
            )
        return rows.through(self.deep, [rows.query.flat(), joined(parts, dim=1)])
