"""Draws the negatives of each batch."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from shortlist.errors import ArgumentError
from shortlist.rng import generator
from shortlist.samplers._exclusions import Exclusions
from shortlist.samplers._negatives import Negatives
from shortlist.samplers._population import Codes, Population
from shortlist.samplers._sources import Source

__all__ = ["Sampler"]

_COLUMN_MULTIPLE = 128


class Sampler:
    """Draws the negatives of each batch from a source, for one training log.

    The probability that one draw gives item j is, over the sources, the sum of their expected counts of j,
    divided by the number of draws: with B in-batch and n uniform negatives
    ``(B * share_j + n / catalogue) / (B + n)``. Excluded for a row are its own item and all known positives
    of its user. An item drawn more than once is one column with a count, which costs less and is the same.

    Args:
        source: ``InBatch()``, ``Uniform(n)`` or a sum of sources.
        population: the training log's counts.
        seed: of the draws; the same seed and calls give the same negatives.

    >>> from shortlist.samplers import InBatch
    >>> log = Population.from_log([0, 0, 1], [1, 2, 2], users_total=2, items_total=3)
    >>> negatives = Sampler(InBatch(), log, seed=0).sample(torch.tensor([2, 1, 2]), torch.tensor([0, 0, 1]))
    >>> [part[:2].tolist() for part in (negatives.codes, negatives.counts, negatives.log_q.exp())]
    [[1, 2], [1.0, 2.0], [0.33..., 0.66...]]
    >>> [pair.tolist() for pair in negatives.exclude]
    [[0, 0, 1, 1, 2], [0, 1, 0, 1, 1]]
    """

    def __init__(self, source: Source, population: Population, *, seed: int) -> None:
        self.source = source
        self.population = population
        self._rng = generator(seed, "negatives")
        self._exclusions = Exclusions(population)

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
        drawn = self.source.draw(self.population, self._rng)
        drawn = np.concatenate([item_codes, drawn]) if self.source.in_batch else drawn
        codes, places = np.unique(np.concatenate([item_codes, drawn]), return_inverse=True)
        positives, draws = places[: len(item_codes)], places[len(places) - len(drawn) :]
        pairs = self._exclusions.find(codes, positives, user_codes)
        filling = np.repeat(codes[:1], -len(codes) % _COLUMN_MULTIPLE)
        columns = np.concatenate([codes, filling])
        return Negatives(
            codes=torch.from_numpy(columns),
            positives=torch.from_numpy(positives),
            counts=torch.from_numpy(np.bincount(draws, minlength=len(columns)).astype(np.float32)),
            log_q=self._log_q(columns, len(item_codes), len(drawn)),
            positive_log_q=self._log_q(item_codes, len(item_codes), len(drawn)),
            exclude=(torch.from_numpy(pairs[0]), torch.from_numpy(pairs[1])),
        )

    def state_dict(self) -> dict[str, Any]:
        """Where the draws stand: plain numbers and text, for an exact resume."""
        return dict(self._rng.bit_generator.state)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from where ``state_dict`` was taken."""
        self._rng.bit_generator.state = state

    def _log_q(self, codes: Codes, batch_size: int, draws: int) -> Tensor:
        expected = self.source.expected(self.population, codes, batch_size)
        return torch.from_numpy(np.log(expected / max(draws, 1)).astype(np.float32))


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
