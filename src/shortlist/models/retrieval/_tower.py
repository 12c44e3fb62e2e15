"""One side of a two-tower model."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from shortlist.models._arrays import Columns
from shortlist.models._features import Features
from shortlist.nn import MLP, EmbeddingTables, l2_normalize
from shortlist.schema import Schema

__all__ = ["Tower"]


class Tower(nn.Module):
    """Features to one vector: ``MLP(concatenated features)``, scaled to length 1 if wanted.

    With one categorical input of width ``dim`` and no hidden layers the vector is its embedding. With
    several and no hidden layers it is a linear map that starts as the sum of the embeddings, so that what
    shares a table is comparable from the first step.

    Args:
        inputs: columns of this side.
        tables: embedding tables, shared with the other side.
        shortcut: domain whose embeddings are added to the output of the hidden layers when they are as wide.
        dim: width D of the vector.
        hidden: widths of the hidden layers.
        normalize: scale vectors to length 1.
        dropout: share of hidden activations set to zero in training.
        seed: of the initial weights.
    """

    def __init__(
        self,
        inputs: Schema,
        tables: EmbeddingTables,
        *,
        shortcut: str,
        dim: int,
        hidden: Sequence[int] = (),
        normalize: bool = True,
        dropout: float = 0.0,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.inputs = inputs
        self.normalize = normalize
        self.features = Features(inputs, tables)
        self.mlp: nn.Module = nn.Identity()
        self._shortcuts: list[int] = []
        if len(hidden) > 0 or len(inputs) > 1 or self.features.width != dim:
            mlp = MLP(self.features.width, (*hidden, dim), dropout=dropout, seed=seed)
            _zero_biases(mlp)
            if len(hidden) == 0 and tables.dim == dim:
                _start_as_sum(mlp, self.features.embeddings)
            self.mlp = mlp
            if len(hidden) > 0 and tables.dim == dim:
                self._shortcuts = self.features.places(shortcut)

    def forward(self, columns: Columns) -> Tensor:
        """Vectors ``[B, D]`` of columns given as for ``Features``."""
        features: Tensor = self.features(columns)
        vectors: Tensor = self.mlp(features)
        for start in self._shortcuts:
            vectors = vectors + features[:, start : start + vectors.shape[1]]
        return l2_normalize(vectors) if self.normalize else vectors.float()

    def padded(self, *tensors: Tensor) -> Tensor:
        """The same for one tensor per input, in the order of ``inputs``; lists are ``[B, L]`` with 0s."""
        vectors: Tensor = self(dict(zip(self.inputs.names, tensors, strict=True)))
        return vectors


def _zero_biases(mlp: MLP) -> None:
    """Embeddings start small: beside them a random bias would give every row nearly one direction."""
    for layer in mlp:
        if isinstance(layer, nn.Linear):
            nn.init.zeros_(layer.bias)


def _start_as_sum(mlp: MLP, embeddings: int) -> None:
    layer = mlp[0]
    assert isinstance(layer, nn.Linear)
    dim = layer.out_features
    with torch.no_grad():
        layer.weight[:, : embeddings * dim] = torch.eye(dim).repeat(1, embeddings)
