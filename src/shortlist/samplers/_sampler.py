"""Draws the negatives of each batch."""

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from shortlist.errors import ArgumentError
from shortlist.rng import generator
from shortlist.samplers._exclusions import Exclusions
from shortlist.samplers._negatives import Negatives
from shortlist.samplers._population import Codes, Population
from shortlist.samplers._queue import Memory, queue_of
from shortlist.samplers._source import Rows, Source
from shortlist.samplers._streaming import StreamedShares, Streaming

__all__ = ["Sampler"]

_COLUMN_MULTIPLE = 128


class Sampler:
    """Draws the negatives of each batch from a source, for one training log.

    The probability that one draw gives item j is, over the sources, the sum of their expected counts of j,
    divided by the number of draws: with B in-batch and n uniform negatives
    ``(B * share_j + n / catalogue) / (B + n)``. Excluded for a row are its own item and all known positives
    of its user. An item drawn more than once is one column with a count, which costs less and is the same.

    Args:
        source: ``InBatch()``, ``Uniform(n)`` or another, or a sum of sources that rows share.
        population: the training log's counts.
        seed: of the draws; the same seed and calls give the same negatives.
        streaming: estimate the shares of the items from the batches; None takes them from ``population``.

    >>> from shortlist.samplers import InBatch
    >>> log = Population.from_log([0, 0, 1], [1, 2, 2], users_total=2, items_total=3)
    >>> negatives = Sampler(InBatch(), log, seed=0).sample(torch.tensor([2, 1, 2]), torch.tensor([0, 0, 1]))
    >>> [part[:2].tolist() for part in (negatives.codes, negatives.counts, negatives.log_q.exp())]
    [[1, 2], [1.0, 2.0], [0.33..., 0.66...]]
    >>> [pair.tolist() for pair in negatives.exclude]
    [[0, 0, 1, 1, 2], [0, 1, 0, 1, 1]]
    """

    def __init__(
        self, source: Source, population: Population, *, seed: int, streaming: Streaming | None = None
    ) -> None:
        self.source = source
        self.population = population
        self._rng = generator(seed, "negatives")
        self._exclusions = Exclusions(population)
        queue = queue_of(source)
        self._memory = None if queue is None else Memory(queue.batches)
        self._streamed = (
            None
            if streaming is None
            else StreamedShares(streaming, items=len(population.counts), catalogue=len(population.catalogue))
        )
        # Shares are read from here; counts, and so the laws of the draws, stay those of the log.
        self._shares = (
            population if self._streamed is None else replace(population, estimate=self._streamed.share)
        )

    def sample(self, items: Tensor, users: Tensor | None = None) -> Negatives:
        """Negatives for one batch.

        Args:
            items: ``[B]`` item code of each row's positive, on the CPU.
            users: ``[B]`` user code of each row, on the CPU; None excludes no known positives.

        Raises:
            ArgumentError: lengths differ, or a code that the population does not have.
        """
        item_codes = _codes("items", items, len(items), len(self.population.counts))
        user_codes = (
            None
            if users is None
            else _codes("users", users, len(items), len(self.population.known_starts) - 1)
        )
        queue = np.empty(0, np.int64) if self._memory is None else self._memory.codes()
        if self._streamed is not None:
            self._streamed.update(item_codes)
        drawn = self.source.draw(self.population, self._rng)
        negatives = self._negatives(item_codes, user_codes, drawn, queue)
        if self._memory is not None:
            self._memory.add(item_codes)
        return negatives

    def state_dict(self) -> dict[str, Any]:
        """Where the draws stand: plain numbers and text, for an exact resume."""
        return {
            "rng": dict(self._rng.bit_generator.state),
            "queue": None if self._memory is None else self._memory.state_dict(),
            "streamed": None if self._streamed is None else self._streamed.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from where ``state_dict`` was taken."""
        self._rng.bit_generator.state = state["rng"]
        if self._memory is not None:
            self._memory.load_state_dict(state["queue"])
        if self._streamed is not None:
            self._streamed.load_state_dict(state["streamed"])

    def _negatives(self, items: Codes, users: Codes | None, drawn: Codes, queue: Codes) -> Negatives:
        taken = np.concatenate([items, drawn, queue])
        codes, places = np.unique(taken, return_inverse=True)
        draws = places if self.source.in_batch else places[len(items) :]
        columns = np.concatenate([codes, np.repeat(codes[:1], -len(codes) % _COLUMN_MULTIPLE)])
        counts = np.bincount(draws, minlength=len(columns)).astype(np.float32)
        positives = places[: len(items)]
        pairs = self._exclusions.find(codes, counts[: len(codes)] > 0, positives, users)
        rows = Rows(len(items), len(queue))
        return Negatives(
            codes=torch.from_numpy(columns),
            positives=torch.from_numpy(positives),
            counts=torch.from_numpy(counts),
            log_q=self._log_q(columns, rows, len(draws)),
            positive_log_q=self._log_q(items, rows, len(draws)),
            exclude=(torch.from_numpy(pairs[0]), torch.from_numpy(pairs[1])),
            queued=None
            if self._memory is None
            else _only_queued(len(columns), places[: len(items) + len(drawn)], len(codes)),
        )

    def _log_q(self, codes: Codes, rows: Rows, draws: int) -> Tensor:
        if draws == 0:
            return torch.zeros(len(codes))
        expected = self.source.expected(self._shares, codes, rows)
        return torch.from_numpy(np.log(expected / draws).astype(np.float32))


def _only_queued(columns: int, others: Codes, distinct: int) -> Tensor:
    queued = np.arange(columns) < distinct
    queued[others] = False
    queued[distinct:] = queued[:1]  # filled up with the first column again
    return torch.from_numpy(queued)


def _codes(name: str, codes: Tensor, length: int, total: int) -> Codes:
    if codes.shape != (length,):
        raise ArgumentError(
            f"Sampler.sample.{name}", received=tuple(codes.shape), expected=f"[B] = ({length},)"
        )
    if length > 0 and (int(codes.min()) < 0 or int(codes.max()) >= total):
        raise ArgumentError(
            f"Sampler.sample.{name}",
            received=f"codes from {int(codes.min())} to {int(codes.max())}",
            expected=f"codes from 0 to {total - 1}",
        )
    return codes.numpy().astype(np.int64, copy=False)
