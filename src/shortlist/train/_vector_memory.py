"""The item vectors of the last batches, for a queue of negatives."""

import torch
from torch import Tensor, nn

__all__ = ["VectorMemory"]


class VectorMemory(nn.Module):
    """The newest vector of every item of the last batches, without gradient.

    Buffers, so that a run that is resumed finds them: ``batches * batch_size`` vectors and one number an item
    code.

    Args:
        batches: how many batches are kept.
        batch_size: most distinct items of one.
        items: number of item codes V.
        dim: width D.

    >>> memory = VectorMemory(2, 3, items=9, dim=1)
    >>> memory.write(torch.tensor([4, 7]), torch.tensor([[0.5], [0.25]]))
    >>> memory.read(torch.tensor([7])).tolist()
    [[0.25]]
    """

    def __init__(self, batches: int, batch_size: int, *, items: int, dim: int) -> None:
        super().__init__()
        self.vectors: Tensor
        self.places: Tensor
        self.turn: Tensor
        self._batch_size = batch_size
        self.register_buffer("vectors", torch.zeros(batches * batch_size, dim))
        self.register_buffer("places", torch.zeros(items, dtype=torch.int64))
        self.register_buffer("turn", torch.zeros(1, dtype=torch.int64))

    def read(self, codes: Tensor) -> Tensor:
        """``[M, D]`` of items that were in one of the last batches."""
        return self.vectors[self.places[codes.to(self.places.device)]]

    def write(self, codes: Tensor, vectors: Tensor) -> None:
        """Remember a batch in the place of the oldest.

        Args:
            codes: ``[M]`` distinct item codes, at most ``batch_size``.
            vectors: ``[M, D]``.
        """
        start = int(self.turn) * self._batch_size
        places = torch.arange(start, start + len(codes), device=self.places.device)
        self.vectors[places] = vectors.detach().to(self.vectors)
        self.places[codes.to(self.places.device)] = places
        self.turn.add_(1).remainder_(len(self.vectors) // self._batch_size)
