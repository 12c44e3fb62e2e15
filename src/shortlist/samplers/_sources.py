"""Where negatives come from; sources are added with ``+``."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from shortlist.errors import ArgumentError
from shortlist.samplers._population import Codes, Population

__all__ = ["InBatch", "Mixed", "Source", "Uniform"]

Expected = npt.NDArray[np.float64]


class Source(Protocol):
    """For type-checking only: what a ``Sampler`` asks of a source of negatives."""

    @property
    def in_batch(self) -> bool:
        """Whether the batch's own positives serve as negatives."""

    def draw(self, population: Population, rng: np.random.Generator) -> Codes:
        """Item codes drawn for one batch ``[n]``, beside those of the batch."""

    def expected(self, population: Population, codes: Codes, batch_size: int) -> Expected:
        """How many times each of ``codes`` is expected among this source's negatives."""


@dataclass(frozen=True)
class InBatch:
    """Every row's positive is a negative of the other rows: the expected count is B times the train share.

    >>> InBatch() + Uniform(1024)
    Mixed(sources=(InBatch(), Uniform(n=1024)))
    """

    @property
    def in_batch(self) -> bool:
        """The batch's own positives serve as negatives."""
        return True

    def draw(self, population: Population, rng: np.random.Generator) -> Codes:  # noqa: ARG002
        """Nothing beside the batch."""
        return np.empty(0, np.int64)

    def expected(self, population: Population, codes: Codes, batch_size: int) -> Expected:
        """B times each item's share of the training rows; an item never seen counts as seen once."""
        return np.maximum(population.counts[codes], 1) * (batch_size / max(population.total, 1))

    def __add__(self, other: Source) -> "Mixed":
        """Negatives of both."""
        return _mix(self, other)


@dataclass(frozen=True)
class Uniform:
    """``n`` items drawn uniformly from the catalogue, with replacement: the expected count is n / catalogue.

    Raises:
        ArgumentError: ``n`` is below 1, or nothing can be drawn.
    """

    n: int
    """Negatives drawn per batch, shared by all its rows; more gives a better gradient and slower steps."""

    def __post_init__(self) -> None:
        if self.n < 1:
            raise ArgumentError("Uniform.n", received=self.n, expected="an integer >= 1")

    @property
    def in_batch(self) -> bool:
        """The batch's own positives do not serve as negatives."""
        return False

    def draw(self, population: Population, rng: np.random.Generator) -> Codes:
        """``[n]`` item codes of the catalogue."""
        if len(population.catalogue) == 0:
            raise ArgumentError("Uniform.draw", received="an empty catalogue", expected="at least one item")
        return population.catalogue[rng.integers(len(population.catalogue), size=self.n)]

    def expected(self, population: Population, codes: Codes, batch_size: int) -> Expected:  # noqa: ARG002
        """The same for every item."""
        return np.full(len(codes), self.n / max(len(population.catalogue), 1))

    def __add__(self, other: Source) -> "Mixed":
        """Negatives of both."""
        return _mix(self, other)


@dataclass(frozen=True)
class Mixed:
    """Negatives of several sources at once; their expected counts add up.

    Source: Yang et al., "Mixed negative sampling for learning two-tower neural networks in
    recommendations", WWW 2020 companion.
    """

    sources: tuple[Source, ...]
    """The sources, in the order of their negatives."""

    @property
    def in_batch(self) -> bool:
        """Whether the batch's own positives serve as negatives."""
        return any(source.in_batch for source in self.sources)

    def draw(self, population: Population, rng: np.random.Generator) -> Codes:
        """The draws of each source, one after another."""
        return np.concatenate([source.draw(population, rng) for source in self.sources])

    def expected(self, population: Population, codes: Codes, batch_size: int) -> Expected:
        """The sum over the sources."""
        counts = [source.expected(population, codes, batch_size) for source in self.sources]
        total: Expected = np.stack(counts).sum(0)
        return total

    def __add__(self, other: Source) -> "Mixed":
        """Negatives of all."""
        return _mix(self, other)


def _mix(left: Source, right: Source) -> Mixed:
    sources = [
        part for side in (left, right) for part in (side.sources if isinstance(side, Mixed) else (side,))
    ]
    if sum(source.in_batch for source in sources) > 1:
        raise ArgumentError(
            "InBatch", received="InBatch() twice", expected="InBatch() once in a sum of sources"
        )
    return Mixed(tuple(sources))
