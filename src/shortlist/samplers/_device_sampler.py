"""The same negatives, drawn and looked up where the model is."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from shortlist.errors import ArgumentError
from shortlist.rng import derive
from shortlist.samplers._by_popularity import LogUniform, Unigram
from shortlist.samplers._mixed import shared_sources
from shortlist.samplers._negatives import Negatives
from shortlist.samplers._population import Population
from shortlist.samplers._sampler import Sampler
from shortlist.samplers._source import Rows, Source
from shortlist.samplers._sources import InBatch, Uniform
from shortlist.samplers._streaming import Streaming

__all__ = ["DeviceSampler", "sampler_for"]

_COLUMN_MULTIPLE = 128
_INDEPENDENT = (InBatch, Uniform, Unigram, LogUniform)


def sampler_for(
    source: Source,
    population: Population,
    *,
    seed: int,
    device: torch.device | str = "cpu",
    streaming: Streaming | None = None,
) -> "Sampler | DeviceSampler":
    """The sampler that suits a device: on an accelerator nothing goes by way of the processor, if it can.

    A queue, a whole catalogue and streamed shares are held by the processor.

    >>> log = Population.from_log([0], [1], users_total=1, items_total=3)
    >>> type(sampler_for(InBatch(), log, seed=0)).__name__
    'Sampler'
    """
    if torch.device(device).type != "cpu" and streaming is None and _is_independent(source):
        return DeviceSampler(source, population, seed=seed, device=device)
    return Sampler(source, population, seed=seed, streaming=streaming)


class DeviceSampler:
    """A `Sampler` whose draws, look-ups and exclusions are tensors on one device.

    It has the laws of `Sampler` and other random numbers: all draws of a batch come from one mixture, whose
    probabilities are the sources' expected counts over their sum.

    Args:
        source: a sum of ``InBatch``, ``Uniform``, ``Unigram`` and ``LogUniform``.
        population: the training log's counts.
        seed: of the draws; each call has a generator of its own, so the state is a number.
        device: where items and users are, and the negatives go.

    Raises:
        ArgumentError: another source, whose draws depend on one another.

    >>> from shortlist.samplers import InBatch
    >>> log = Population.from_log([0, 0, 1], [1, 2, 2], users_total=2, items_total=3)
    >>> negatives = DeviceSampler(InBatch(), log, seed=0).sample(torch.tensor([2, 1, 2]))
    >>> negatives.counts[:2].tolist()
    [1.0, 2.0]
    """

    def __init__(
        self, source: Source, population: Population, *, seed: int, device: torch.device | str = "cpu"
    ) -> None:
        if not _is_independent(source):
            raise ArgumentError(
                "DeviceSampler.source",
                received=source,
                expected="a sum of InBatch, Uniform, Unigram and LogUniform",
                remedy="sampler_for chooses the sampler",
            )
        self.source, self.population = source, population
        self._seed, self._calls, self._device = seed, 0, torch.device(device)
        self._n = len(source.draw(population, np.random.default_rng(0)))
        codes = np.arange(len(population.counts))
        drawn = source.expected(population, codes, Rows(0))
        # Expected counts are linear in the number of rows: a part of the draws, a part for each row.
        self._drawn = self._tensor(drawn)
        self._a_row = self._tensor(source.expected(population, codes, Rows(1)) - drawn)
        self._catalogue = self._tensor(population.catalogue)
        self._sums = self._drawn[self._catalogue].cumsum(0)
        self._starts, self._known = (
            self._tensor(population.known_starts),
            self._tensor(population.known_items),
        )
        self._columns = torch.full((len(codes),), -1, device=self._device)

    def sample(self, items: Tensor, users: Tensor | None = None) -> Negatives:
        """Negatives for one batch.

        Args:
            items: ``[B]`` item code of each row's positive, on the device.
            users: ``[B]`` user code of each row, on the device; None excludes no known positives.

        Raises:
            ArgumentError: lengths differ. Codes out of range are the device's to refuse.
        """
        if items.ndim != 1 or (users is not None and users.shape != items.shape):
            received = tuple(items.shape), None if users is None else tuple(users.shape)
            raise ArgumentError("DeviceSampler.sample", received=received, expected="items and users [B]")
        taken = torch.cat([items, self._draw()])
        codes, places = torch.unique(taken, return_inverse=True)
        draws = places if self.source.in_batch else places[len(items) :]
        columns = torch.cat([codes, codes[:1].repeat(-len(codes) % _COLUMN_MULTIPLE)])
        counts = torch.bincount(draws, minlength=len(columns)).float()
        positives = places[: len(items)]
        return Negatives(
            codes=columns,
            positives=positives,
            counts=counts,
            log_q=self._log_q(columns, len(items), len(draws)),
            positive_log_q=self._log_q(items, len(items), len(draws)),
            exclude=self._exclude(codes, counts[: len(codes)] > 0, positives, users),
        )

    def state_dict(self) -> dict[str, Any]:
        """Where the draws stand: the number of calls."""
        return {"calls": self._calls}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from where ``state_dict`` was taken."""
        self._calls = int(state["calls"])

    def _draw(self) -> Tensor:
        generator = torch.Generator(self._device).manual_seed(derive(self._seed, "draws", self._calls))
        self._calls += 1
        if self._n == 0:
            return self._catalogue[:0]
        chance = torch.rand(self._n, generator=generator, dtype=torch.float64, device=self._device)
        places = torch.searchsorted(self._sums, chance * self._sums[-1], right=True)
        return self._catalogue[places.clamp(max=len(self._catalogue) - 1)]

    def _log_q(self, codes: Tensor, rows: int, draws: int) -> Tensor:
        if draws == 0:
            return torch.zeros(len(codes), device=self._device)
        expected = self._drawn[codes] + rows * self._a_row[codes]
        return (expected / draws).log().float()

    def _exclude(
        self, codes: Tensor, drawn: Tensor, own: Tensor, users: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        rows = torch.arange(len(own), device=self._device)
        pairs = rows[drawn[own]], own[drawn[own]]
        if users is not None:
            known = self._known_pairs(codes, drawn, users)
            other = known[1] != own[known[0]]
            pairs = torch.cat([pairs[0], known[0][other]]), torch.cat([pairs[1], known[1][other]])
        order = (pairs[0] * len(codes) + pairs[1]).argsort()
        return pairs[0][order], pairs[1][order]

    def _known_pairs(self, codes: Tensor, drawn: Tensor, users: Tensor) -> tuple[Tensor, Tensor]:
        starts = self._starts[users]
        lengths = self._starts[users + 1] - starts
        rows = torch.repeat_interleave(torch.arange(len(users), device=self._device), lengths)
        shift = starts - (lengths.cumsum(0) - lengths)
        items = self._known[torch.arange(len(rows), device=self._device) + shift[rows]]
        columns = drawn.nonzero().squeeze(1)
        self._columns[codes[columns]] = columns
        found = self._columns[items]
        self._columns[codes[columns]] = -1
        inside = found >= 0
        return rows[inside], found[inside]

    def _tensor(self, values: Any) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values)).to(self._device)


def _is_independent(source: Source) -> bool:
    return all(type(part) in _INDEPENDENT for part in shared_sources(source))
