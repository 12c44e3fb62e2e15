"""A text encoder as a part of a tower."""

from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor, nn

from shortlist.errors import ArgumentError
from shortlist.nn import MLP
from shortlist.rng import derive

__all__ = ["TextPooling", "TextTower"]

TextPooling: TypeAlias = Literal["mean", "cls", "max"]

_POOLINGS = ("mean", "cls", "max")
_LOWEST = -1e4


class TextTower(nn.Module):
    """Token codes to a vector: a transformer encoder, pooling over its tokens, and a linear map.

    A text without tokens gives the map of zeros. `shortlist.export.read_text_tower` makes one of a folder.

    Args:
        encoder: takes ``input_ids`` and ``attention_mask`` ``[B, L]`` to an object with ``last_hidden_state``
            ``[B, L, W]``, as the encoders of transformers do, and has a ``config`` with ``hidden_size``. It
            must have positions for one token more than the longest text.
        dim: width D of the vector.
        pooling: how the vectors of tokens become one: their mean, that of the first, or the largest of each
            number.
        layers: layers of the encoder that are trained, counted from the last: None trains all of it,
            embeddings included, 0 nothing, so that only the map is learned. What is not trained keeps its
            weights; with 0 the encoder has no dropout either.
        pad_id: token at places without one; the encoder does not look at it.
        seed: of the map's initial weights.

    Raises:
        ArgumentError: an option is out of range.
    """

    def __init__(
        self,
        encoder: nn.Module,
        dim: int,
        *,
        pooling: TextPooling = "mean",
        layers: int | None = None,
        pad_id: int = 0,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if pooling not in _POOLINGS:
            raise ArgumentError("TextTower.pooling", received=pooling, expected=f"one of {_POOLINGS}")
        self.encoder, self.pooling, self.pad_id = encoder, pooling, pad_id
        self._frozen = layers == 0
        _train(encoder, layers)
        config: Any = encoder.config
        self.map = MLP(int(config.hidden_size), (dim,), seed=derive(seed, "text"))
        with torch.no_grad():
            self.map[0].bias.zero_()  # type: ignore[operator]

    def forward(self, codes: Tensor) -> Tensor:
        """Vectors of texts.

        Args:
            codes: ``[B, L]`` token ids plus 1, filled with 0, L at least 1.

        Returns:
            ``[B, D]``.
        """
        rows = codes.shape[0]
        # Encoders refuse to have no rows: an exported one, whose rows are not known, gets one more.
        if torch.compiler.is_compiling() or rows == 0:
            codes = torch.cat([codes, codes.new_zeros(1, codes.shape[1])])
        mask = codes != 0
        tokens = torch.where(mask, codes - 1, self.pad_id)
        if self._frozen:
            self.encoder.eval()
            with torch.no_grad():
                vectors = self._vectors(tokens, mask)
        else:
            vectors = self._vectors(tokens, mask)
        out: Tensor = self.map(_pooled(vectors, mask, self.pooling)[:rows])
        return out

    def _vectors(self, tokens: Tensor, mask: Tensor) -> Tensor:
        # The first place is always looked at: attention over nothing is not a number. Pooling leaves it out.
        first = torch.arange(mask.shape[1], device=mask.device) == 0
        out: Tensor = self.encoder(input_ids=tokens, attention_mask=(mask | first).long()).last_hidden_state
        return out


def _pooled(vectors: Tensor, mask: Tensor, pooling: TextPooling) -> Tensor:
    present = mask.unsqueeze(2)
    some = mask.any(1, keepdim=True)
    if pooling == "cls":
        return vectors[:, 0] * some
    if pooling == "max":
        return vectors.masked_fill(~present, _LOWEST).amax(1) * some
    return (vectors * present).sum(1) / mask.sum(1, keepdim=True).clamp(min=1)


def _train(encoder: nn.Module, layers: int | None) -> None:
    """Leave gradients to the last layers alone."""
    if layers is None:
        return
    lists = [part for part in encoder.modules() if isinstance(part, nn.ModuleList)]
    stack = max(lists, key=len, default=nn.ModuleList())
    if not 0 <= layers <= len(stack):
        raise ArgumentError(
            "TextTower.layers",
            received=layers,
            expected=f"None, or a number from 0 to the {len(stack)} layers of the encoder",
        )
    trained = {id(p) for layer in list(stack)[len(stack) - layers :] for p in layer.parameters()}
    for parameter in encoder.parameters():
        parameter.requires_grad_(id(parameter) in trained)
