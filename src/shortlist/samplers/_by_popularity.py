"""Negatives drawn by how popular an item is."""

from dataclasses import dataclass

import numpy as np

from shortlist.errors import ArgumentError
from shortlist.samplers._mixed import Mixed, mix
from shortlist.samplers._population import Codes, Floats, Population
from shortlist.samplers._source import AnySource, Rows

__all__ = ["LogUniform", "Unigram"]


@dataclass(frozen=True)
class Unigram:
    """``n`` items drawn with replacement, with probability proportional to ``count ** alpha``.

    ``q_j = max(count_j, 1) ** alpha / sum over the catalogue of max(count_i, 1) ** alpha``

    Source: Mikolov et al., "Distributed representations of words and phrases", NIPS 2013 (alpha 0.75).

    Raises:
        ArgumentError: ``n`` is below 1, ``alpha`` is not finite, or nothing can be drawn.

    >>> log = Population.from_log([0] * 5, [0, 1, 1, 1, 1], users_total=1, items_total=2)
    >>> Unigram(6, alpha=0.5).expected(log, np.array([0, 1]), Rows(0)).tolist()
    [2.0, 4.0]
    """

    n: int
    """Negatives drawn per batch, shared by all its rows."""
    alpha: float = 0.75
    """Exponent of the count: 1 is popularity, 0 uniform, below 0 favours rare items."""

    def __post_init__(self) -> None:
        if self.n < 1:
            raise ArgumentError("Unigram.n", received=self.n, expected="an integer >= 1")
        if not np.isfinite(self.alpha):
            raise ArgumentError("Unigram.alpha", received=self.alpha, expected="a finite number")

    @property
    def in_batch(self) -> bool:
        """The batch's own positives do not serve as negatives."""
        return False

    def draw(self, population: Population, rng: np.random.Generator) -> Codes:
        """``[n]`` item codes of the catalogue."""
        _something("Unigram.draw", population)
        sums = self._sums(population)
        places = np.searchsorted(sums, rng.random(self.n) * sums[-1], side="right")
        codes: Codes = population.catalogue[np.minimum(places, len(sums) - 1)]
        return codes

    def expected(self, population: Population, codes: Codes, rows: Rows) -> Floats:  # noqa: ARG002
        """N times the probability."""
        sums = self._sums(population)
        total = sums[-1] if len(sums) > 0 else 1.0
        expected: Floats = self.n * self._weights(population, codes) / total
        return expected

    def _weights(self, population: Population, codes: Codes) -> Floats:
        weights: Floats = np.maximum(population.counts[codes], 1).astype(np.float64) ** self.alpha
        return weights

    def _sums(self, population: Population) -> Floats:
        def make() -> Floats:
            return self._weights(population, population.catalogue).cumsum()

        sums: Floats = population.remembered(("unigram", self.alpha), make)
        return sums

    def __add__(self, other: AnySource) -> Mixed:
        """Negatives of both."""
        return mix(self, other)


@dataclass(frozen=True)
class LogUniform:
    """``n`` items drawn with replacement by their rank in popularity, about inversely to it (Zipf).

    With rank k from 0, most popular first and equal counts by code, of n_I items:
    ``q = (log(k + 2) - log(k + 1)) / log(n_I + 1)``, as TensorFlow's ``log_uniform_candidate_sampler``.

    Raises:
        ArgumentError: ``n`` is below 1, or nothing can be drawn.

    >>> log = Population.from_log([0] * 3, [1, 1, 0], users_total=1, items_total=2)
    >>> LogUniform(1).expected(log, np.array([1, 0]), Rows(0)).round(4).tolist()  # log 2 / log 3, the rest
    [0.6309, 0.3691]
    """

    n: int
    """Negatives drawn per batch, shared by all its rows."""

    def __post_init__(self) -> None:
        if self.n < 1:
            raise ArgumentError("LogUniform.n", received=self.n, expected="an integer >= 1")

    @property
    def in_batch(self) -> bool:
        """The batch's own positives do not serve as negatives."""
        return False

    def draw(self, population: Population, rng: np.random.Generator) -> Codes:
        """``[n]`` item codes of the catalogue."""
        _something("LogUniform.draw", population)
        size = len(population.catalogue)
        ranks = np.exp(rng.random(self.n) * np.log(size + 1.0)).astype(np.int64) - 1
        codes: Codes = _by_rank(population)[np.minimum(ranks, size - 1)]
        return codes

    def expected(self, population: Population, codes: Codes, rows: Rows) -> Floats:  # noqa: ARG002
        """N times the probability; what is not in the catalogue is taken for the least popular item."""
        size = max(len(population.catalogue), 1)
        ranks = np.minimum(_rank_of(population)[codes], size - 1).astype(np.float64)
        expected: Floats = self.n * (np.log(ranks + 2) - np.log(ranks + 1)) / np.log(size + 1.0)
        return expected

    def __add__(self, other: AnySource) -> Mixed:
        """Negatives of both."""
        return mix(self, other)


def _by_rank(population: Population) -> Codes:
    def make() -> Codes:
        catalogue = np.sort(population.catalogue)
        return catalogue[np.argsort(-population.counts[catalogue], kind="stable")]

    codes: Codes = population.remembered("by rank", make)
    return codes


def _rank_of(population: Population) -> Codes:
    def make() -> Codes:
        codes = _by_rank(population)
        ranks = np.full(len(population.counts), len(codes), np.int64)
        ranks[codes] = np.arange(len(codes))
        return ranks

    ranks: Codes = population.remembered("rank of", make)
    return ranks


def _something(where: str, population: Population) -> None:
    if len(population.catalogue) == 0:
        raise ArgumentError(where, received="an empty catalogue", expected="at least one item")
