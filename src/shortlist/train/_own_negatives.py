"""The negatives that each row of a batch has for itself."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from shortlist.data import Batch
from shortlist.errors import SchemaError
from shortlist.rng import generator
from shortlist.samplers import AnySource, Exposed, Hardest, KnownPairs, Mined, OwnSource, own_sources
from shortlist.schedules import value_at
from shortlist.train._binding import Binding
from shortlist.train._forbidden import Forbidden
from shortlist.train._mined import MinedItems

__all__ = ["Own", "OwnNegatives", "own_columns"]

Codes = npt.NDArray[np.int64]


class Own(NamedTuple):
    """Negatives of single rows."""

    vectors: Tensor
    """``[B, H, D]``."""
    log_weights: Tensor
    """``[B, H]``: log of how many items a negative stands for; minus infinity for none."""


class OwnNegatives(nn.Module):
    """Picks, encodes and weighs each row's own negatives.

    A source with share s, of shares that add up to S, weighs ``s / (1 - S)`` times as much as all shared
    negatives together, in equal parts to those a row has of it. Beside no shared negatives each weighs 1.

    Args:
        sources: where they come from.
        binding: the model and its rows.
        mask_known: whether known positives of a row's user are left out.
        seed: of what is drawn.

    Raises:
        SchemaError: the column of an `Exposed` does not hold lists of item codes.
    """

    def __init__(
        self, sources: tuple[OwnSource, ...], binding: Binding, *, mask_known: bool, seed: int
    ) -> None:
        super().__init__()
        self._sources, self._binding, self._seed = sources, binding, seed
        _check_lists(sources, binding)
        self._known = KnownPairs(binding.catalogue.population) if mask_known else None
        self.mined = nn.ModuleDict(
            {
                str(place): MinedItems(source, binding, seed)
                for place, source in enumerate(sources)
                if isinstance(source, Mined)
            }
        )

    def forward(self, batch: Batch, queries: Tensor, items: Tensor, shared: float) -> Own | None:
        """The own negatives of a batch; None if there are none now.

        Args:
            batch: rows.
            queries: ``[B, D]`` their vectors.
            items: item codes of the rows of all processes.
            shared: weight of all negatives that the rows share; 0 for none.
        """
        shares = [value_at(source.share, self._binding.progress) for source in self._sources]
        picked = [
            (self._pick(place, batch, queries.detach(), items), share)
            for place, share in enumerate(shares)
            if share > 0.0
        ]
        if len(picked) == 0 or len(batch) == 0:
            return None
        weights = [_log_weights(codes, shared * share / (1.0 - sum(shares))) for codes, share in picked]
        codes = np.concatenate([codes for codes, _ in picked], 1)
        return Own(
            self._vectors(codes), torch.from_numpy(np.concatenate(weights, 1)).to(self._binding.device)
        )

    def _pick(self, place: int, batch: Batch, queries: Tensor, items: Tensor) -> Codes:
        """``[B, n]`` item codes, -1 for none."""
        source: Any = self._sources[place]
        forbidden = Forbidden(self._binding, self._known, batch)
        if isinstance(source, Mined):
            mined: Any = self.mined[str(place)]
            picked: Codes = mined.pick(queries, forbidden)
            return picked
        rng = generator(self._seed, "own", place, self._binding.step)
        if isinstance(source, Exposed):
            return self._exposed(source, batch, forbidden, rng)
        assert isinstance(source, Hardest)
        drawn = source.of.draw(self._binding.catalogue.population, rng)
        if source.of.in_batch:
            drawn = np.concatenate([drawn, items.cpu().numpy()])
        return self._hardest(source.n, drawn, queries, forbidden)

    def _exposed(
        self, source: Exposed, batch: Batch, forbidden: Forbidden, rng: np.random.Generator
    ) -> Codes:
        column: Any = batch.ragged(source.column)
        values, offsets = column.values.cpu().numpy(), column.offsets.cpu().numpy()
        rows = np.repeat(np.arange(len(batch)), np.diff(offsets))
        # An item that nobody took has no training row, and so no features to encode.
        kept = (self._binding.catalogue.row_of[values] >= 0) & ~forbidden.pairs(rows, values)
        rows, values = rows[kept], values[kept]
        order = np.lexsort((rng.random(len(rows)), rows))
        starts = np.searchsorted(rows, np.arange(len(batch)))
        places = np.arange(len(rows)) - starts[rows]
        inside = places < source.n
        picked = np.full((len(batch), source.n), -1, np.int64)
        picked[rows[inside], places[inside]] = values[order][inside]
        return picked

    def _hardest(self, n: int, drawn: Codes, queries: Tensor, forbidden: Forbidden) -> Codes:
        codes = np.unique(drawn)
        codes = codes[self._binding.catalogue.row_of[codes] >= 0]
        with torch.no_grad():
            scores = (queries @ self._binding.vectors_of(torch.from_numpy(codes)).T).float()
        rows, columns = (torch.from_numpy(part).to(scores.device) for part in forbidden.among(codes))
        scores[rows, columns] = -torch.inf
        top = scores.topk(min(n, len(codes)), dim=1)
        picked = np.where(np.isneginf(top.values.cpu().numpy()), -1, codes[top.indices.cpu().numpy()])
        return np.pad(picked, ((0, 0), (0, n - picked.shape[1])), constant_values=-1)

    def _vectors(self, codes: Codes) -> Tensor:
        # A code that can be encoded stands in the place of none.
        encoded = np.where(codes < 0, self._binding.catalogue.codes[0], codes)
        distinct, places = np.unique(encoded, return_inverse=True)
        vectors = self._binding.vectors_of(torch.from_numpy(distinct))
        return vectors[torch.from_numpy(places.reshape(codes.shape)).to(vectors.device)]


def own_columns(negatives: AnySource) -> list[str]:
    """Names of the columns that the sources of a sum read."""
    return [source.column for source in own_sources(negatives) if isinstance(source, Exposed)]


def _check_lists(sources: tuple[OwnSource, ...], binding: Binding) -> None:
    item = binding.model.item_schema.item
    for source in sources:
        if not isinstance(source, Exposed):
            continue
        column = binding.loader.schema[source.column]
        if not column.is_list or column.domain != item.domain:
            raise SchemaError(
                f"Exposed({source.column!r})",
                received=f"a column of {column.shape.kind}s in domain {column.domain}",
                expected=f"lists of item codes, of the domain {item.domain}",
                remedy=f"encode it with Categorify(like={item.name!r})",
            )


def _log_weights(codes: Codes, weight: float) -> npt.NDArray[np.float32]:
    """The weight in equal parts to the negatives that a row has; 1 each if it is 0."""
    there = codes >= 0
    parts = weight / np.maximum(there.sum(1, keepdims=True), 1) if weight > 0.0 else np.ones((len(codes), 1))
    return np.where(there, np.log(parts), -np.inf).astype(np.float32)
