"""The query side of a sequence model."""

from typing import Any, Protocol

import torch
from torch import Tensor, nn

from shortlist.models._arrays import Columns
from shortlist.models._features import rectangle
from shortlist.nn import EmbeddingTables, l2_normalize
from shortlist.schema import Column, Schema

__all__ = ["HistoryTower", "PositionEncoder"]


class PositionEncoder(Protocol):
    """For type-checking only: a history encoder that gives a vector at each event too."""

    causal: bool

    def positions(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """``[B, L, D]`` and a mask ``[B, L]`` of the events, to ``[B, L, D]``."""

    def __call__(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """The same, to ``[B, D]``."""


class HistoryTower(nn.Module):
    """A list of item codes, oldest first, to one vector: ``encoder(embeddings)``.

    Args:
        history: the list column.
        ages: list column of the days from each event to the query, for encoders that read them, or None.
        tables: the embedding tables, shared with the item side.
        table: name of the table of the history.
        encoder: makes vectors of width ``tables.dim`` of the embeddings, as long.
        blank: the vector of a slot whose item is to be told, which is put at the end of every history; None
            for encoders that look back only.
        normalize: scale vectors to length 1.
    """

    def __init__(
        self,
        history: Column,
        ages: Column | None,
        tables: EmbeddingTables,
        encoder: nn.Module,
        *,
        table: str,
        blank: Tensor | None,
        normalize: bool,
    ) -> None:
        super().__init__()
        self.inputs = Schema([history, *([] if ages is None else [ages])])
        self._shared, self._table, self._normalize = (tables,), table, normalize
        self.encoders = nn.ModuleList([encoder])
        self.blank = None if blank is None else nn.Parameter(blank)

    def forward(self, columns: Columns) -> Tensor:
        """Vectors ``[B, D]`` of lists: (values ``[T]``, offsets ``[B + 1]``) or ``[B, L]`` filled with 0."""
        codes, *ages = (rectangle(columns[name]) for name in self.inputs.names)
        vectors, mask = self.embed(codes), codes != 0
        if self.blank is not None:
            end = self.blank.expand(vectors.shape[0], 1, vectors.shape[2])
            vectors = torch.cat([vectors, end], dim=1)
            mask = torch.cat([mask, mask.new_ones(mask.shape[0], 1)], dim=1)
        encoded: Tensor = self._encoder(vectors, mask, *(_as_long(age, codes) for age in ages))
        return self._scaled(encoded)

    def padded(self, *tensors: Tensor) -> Tensor:
        """The same for one tensor per input, lists as ``[B, L]`` with 0s."""
        vectors: Tensor = self(dict(zip(self.inputs.names, tensors, strict=True)))
        return vectors

    def embed(self, codes: Tensor) -> Tensor:
        """Embeddings ``[*, D]`` of codes of any shape."""
        (tables,) = self._shared
        return tables.lookup(self._table, codes)

    def positions(self, vectors: Tensor, mask: Tensor, ages: Tensor | None = None) -> Tensor:
        """What the encoder gives at each event: ``[B, L, D]``, to compare with item vectors.

        Args:
            vectors: ``[B, L, D]`` embeddings.
            mask: ``[B, L]``, True at events.
            ages: ``[B, L]`` days, for encoders that read them.
        """
        given = () if ages is None else (ages,)
        return self._scaled(self._encoder.positions(vectors, mask, *given))

    @property
    def causal(self) -> bool:
        """Whether each event is encoded from itself and earlier ones alone."""
        return bool(self._encoder.causal)

    @property
    def _encoder(self) -> Any:
        return self.encoders[0]

    def _scaled(self, vectors: Tensor) -> Tensor:
        return l2_normalize(vectors) if self._normalize else vectors.float()


def _as_long(ages: Tensor, codes: Tensor) -> Tensor:
    """Ages of the events there are; those that are not told are 0."""
    room = ages.new_zeros(codes.shape[0], codes.shape[1])
    return torch.cat([ages, room], dim=1)[:, : codes.shape[1]].float()
