"""Negatives from an index of the model's own vectors."""

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from shortlist.index import VectorIndex, build
from shortlist.rng import generator
from shortlist.samplers import Mined
from shortlist.train._binding import Binding
from shortlist.train._forbidden import Forbidden

__all__ = ["MinedItems"]

Codes = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_ITEMS_AT_ONCE = 65_536
_SCORES = 2**23  # held at a time: 32 MB of float32
# Known positives stand before the band; of users with more of them, the band is cut short.
_MOST_KNOWN = 1_000


class MinedItems(nn.Module):
    """An index of item vectors that is built anew on a schedule, and bands of ranks in it.

    The vectors it was built from are a buffer, so that a resumed run searches the index it would have had.

    Args:
        source: how many, from which ranks, and how often the index is built.
        binding: the model and its catalogue.
        seed: of what is drawn from the band.
    """

    def __init__(self, source: Mined, binding: Binding, seed: int) -> None:
        super().__init__()
        self.vectors: Tensor
        self.window: Tensor
        self._source, self._binding, self._seed = source, binding, seed
        self._index: VectorIndex | None = None
        self._index_of = -1
        codes = binding.catalogue.codes
        self.register_buffer("vectors", torch.zeros(len(codes), binding.dim, device=binding.device))
        self.register_buffer("window", torch.full((1,), -1))
        known = np.diff(binding.catalogue.population.known_starts)
        self._most_known = min(int(known.max(initial=0)), _MOST_KNOWN)

    def pick(self, queries: Tensor, forbidden: Forbidden) -> Codes:
        """Items of the band for each query.

        Args:
            queries: ``[B, D]``, without gradient.
            forbidden: which items are no negatives of a row.

        Returns:
            ``[B, n]`` item codes, -1 where there are fewer.
        """
        first, last = self._source.ranks
        index = self._live_index()
        search = self._exact if index.kind == "exact" else self._approximate
        codes, allowed = search(queries, forbidden, last)
        ranks = allowed.cumsum(1)
        inside = allowed & (ranks >= first) & (ranks <= last)
        chance = generator(self._seed, "mined", self._binding.step).random(codes.shape, np.float32)
        chance[~inside] = 2.0
        n = min(self._source.n, codes.shape[1])
        places = np.argpartition(chance, n - 1, axis=1)[:, :n]
        picked = np.where(np.take_along_axis(inside, places, 1), np.take_along_axis(codes, places, 1), -1)
        return np.pad(picked, ((0, 0), (0, self._source.n - n)), constant_values=-1)

    def _exact(self, queries: Tensor, forbidden: Forbidden, last: int) -> tuple[Codes, Mask]:
        """The best allowed items, from all scores, made where the model is: cheaper than a longer search."""
        codes = self._binding.catalogue.codes
        rows, columns = (torch.from_numpy(part).to(queries.device) for part in forbidden.among(codes))
        order = rows.argsort(stable=True)
        rows, columns = rows[order], columns[order]
        step = max(1, _SCORES // len(codes))
        found = []
        for start in range(0, len(queries), step):
            with torch.autocast(queries.device.type, enabled=False):
                scores = torch.mm(queries[start : start + step].float(), self.vectors.T)
            inside = slice(*torch.searchsorted(rows, rows.new_tensor([start, start + step])).tolist())
            scores[rows[inside] - start, columns[inside]] = -torch.inf
            top = scores.topk(min(last, len(codes)), dim=1)
            found.append((top.indices.cpu().numpy(), ~np.isneginf(top.values.cpu().numpy())))
        places, allowed = (np.concatenate(part) for part in zip(*found, strict=True))
        return np.where(allowed, codes[places], -1), allowed

    def _approximate(self, queries: Tensor, forbidden: Forbidden, last: int) -> tuple[Codes, Mask]:
        """The best items, and which of them are allowed: the search goes on past what is forbidden."""
        index = self._live_index()
        k = min(last + self._most_known + 1, len(index))
        rows, _ = index.search(queries.float().cpu().numpy(), k)
        codes = np.where(rows >= 0, self._binding.catalogue.codes[rows], -1)
        return codes, (rows >= 0) & ~forbidden(codes)

    def _live_index(self) -> VectorIndex:
        every = self._source.every
        window = self._binding.epoch if every is None else self._binding.step // every
        if int(self.window) != window:
            self._encode()
            self.window.fill_(window)
        if self._index is None or self._index_of != window:
            codes = self._binding.catalogue.codes
            self._index = build(self.vectors.cpu().numpy(), codes, seed=self._seed)
            self._index_of = window
        return self._index

    def _encode(self) -> None:
        model: Any = self._binding.model
        codes = torch.from_numpy(self._binding.catalogue.codes)
        training = model.training
        model.eval()
        with torch.no_grad():
            for start in range(0, len(codes), _ITEMS_AT_ONCE):
                part = codes[start : start + _ITEMS_AT_ONCE]
                self.vectors[start : start + len(part)] = self._binding.vectors_of(part).to(self.vectors)
        model.train(training)
