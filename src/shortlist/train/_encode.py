"""Vectors of a batch, one piece of it at a time."""

from collections.abc import Callable
from typing import Any, TypeAlias

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from shortlist.data import Batch
from shortlist.loader import cut

__all__ = ["Encode", "in_pieces"]

Encode: TypeAlias = Callable[[Batch], Any]


def in_pieces(encode: Encode, batch: Batch, pieces: int) -> Tensor:
    """``encode(batch)`` that holds the activations of one piece at a time.

    Only the vectors are kept in the forward pass. The backward pass encodes each piece again, with the same
    dropout, before it goes through it: the gradients are those of the whole batch, whatever the loss between
    the rows, for one more forward pass.

    Source: Gao et al., "Scaling deep contrastive learning batch size under memory limited setup", 2021
    (arXiv 2101.06983).

    >>> layer = torch.nn.Linear(1, 2)
    >>> batch = Batch({"x": torch.arange(4.0).unsqueeze(1)})
    >>> vectors = in_pieces(lambda part: layer(part["x"]), batch, 3)
    >>> torch.equal(vectors, layer(batch["x"]))
    True
    """
    parts = cut(batch, pieces) if torch.is_grad_enabled() else [batch]
    if len(parts) == 1:
        vectors: Tensor = encode(batch)
        return vectors
    return torch.cat([checkpoint(encode, part, use_reentrant=False) for part in parts])
