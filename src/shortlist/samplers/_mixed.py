"""Sums of sources."""

from dataclasses import dataclass

import numpy as np

from shortlist.errors import ArgumentError
from shortlist.samplers._population import Codes, Floats, Population
from shortlist.samplers._source import AnySource, OwnSource, Rows, Source

__all__ = ["Mixed", "mix", "own_sources", "shared_sources"]


@dataclass(frozen=True)
class Mixed:
    """Negatives of several sources at once; the expected counts of those that rows share add up.

    Source: Yang et al., "Mixed negative sampling for learning two-tower neural networks in
    recommendations", WWW 2020 companion.
    """

    sources: tuple[Source, ...]
    """The sources of negatives that all rows share, in the order of their negatives."""
    own: tuple[OwnSource, ...] = ()
    """The sources of negatives of each row alone."""

    @property
    def in_batch(self) -> bool:
        """Whether the batch's own positives serve as negatives."""
        return any(source.in_batch for source in self.sources)

    def draw(self, population: Population, rng: np.random.Generator) -> Codes:
        """The draws of each shared source, one after another."""
        return np.concatenate([source.draw(population, rng) for source in self.sources])

    def expected(self, population: Population, codes: Codes, rows: Rows) -> Floats:
        """The sum over the shared sources."""
        counts = [source.expected(population, codes, rows) for source in self.sources]
        total: Floats = np.stack(counts).sum(0)
        return total

    def __add__(self, other: AnySource) -> "Mixed":
        """Negatives of all."""
        return mix(self, other)


def shared_sources(source: AnySource) -> tuple[Source, ...]:
    """The parts of a sum whose negatives all rows share."""
    if isinstance(source, Mixed):
        return source.sources
    return () if isinstance(source, OwnSource) else (source,)


def own_sources(source: AnySource) -> tuple[OwnSource, ...]:
    """The parts of a sum that give negatives to each row alone."""
    if isinstance(source, Mixed):
        return source.own
    return (source,) if isinstance(source, OwnSource) else ()


def mix(left: AnySource, right: AnySource) -> Mixed:
    """The sum of two sources.

    Raises:
        ArgumentError: the batch or the queue would be there twice.
    """
    sources = (*shared_sources(left), *shared_sources(right))
    for name in ("InBatch", "Queue"):
        if sum(type(source).__name__ == name for source in sources) > 1:
            raise ArgumentError(
                name, received=f"{name}() twice", expected=f"{name}() once in a sum of sources"
            )
    return Mixed(sources, (*own_sources(left), *own_sources(right)))
