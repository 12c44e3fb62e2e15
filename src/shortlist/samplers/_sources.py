"""Where negatives come from; sources are added with ``+``."""

from dataclasses import dataclass

import numpy as np

from shortlist.errors import ArgumentError
from shortlist.samplers._mixed import Mixed, mix
from shortlist.samplers._population import Codes, Floats, Population
from shortlist.samplers._source import AnySource, Rows

__all__ = ["Everything", "InBatch", "Nothing", "Uniform"]


@dataclass(frozen=True)
class InBatch:
    """Every row's positive is a negative of the other rows: the expected count is B times the train share.

    >>> InBatch() + Uniform(1024)
    Mixed(sources=(InBatch(), Uniform(n=1024)), own=())
    """

    @property
    def in_batch(self) -> bool:
        """The batch's own positives serve as negatives."""
        return True

    def draw(self, population: Population, rng: np.random.Generator) -> Codes:  # noqa: ARG002
        """Nothing beside the batch."""
        return np.empty(0, np.int64)

    def expected(self, population: Population, codes: Codes, rows: Rows) -> Floats:
        """B times each item's share of the training rows; an item never seen counts as seen once."""
        return population.share(codes) * rows.batch

    def __add__(self, other: AnySource) -> "Mixed":
        """Negatives of both."""
        return mix(self, other)


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

    def expected(self, population: Population, codes: Codes, rows: Rows) -> Floats:  # noqa: ARG002
        """The same for every item."""
        return np.full(len(codes), self.n / max(len(population.catalogue), 1))

    def __add__(self, other: AnySource) -> "Mixed":
        """Negatives of both."""
        return mix(self, other)


@dataclass(frozen=True)
class Everything:
    """Every item of the catalogue once: nothing is left to chance.

    >>> log = Population.from_log([0], [1], users_total=1, items_total=3)
    >>> Everything().draw(log, np.random.default_rng(0)).tolist()
    [0, 1, 2]
    """

    @property
    def in_batch(self) -> bool:
        """The batch's own positives do not serve as negatives once more."""
        return False

    def draw(self, population: Population, rng: np.random.Generator) -> Codes:  # noqa: ARG002
        """The catalogue."""
        return population.catalogue

    def expected(self, population: Population, codes: Codes, rows: Rows) -> Floats:  # noqa: ARG002
        """One for every item."""
        return np.ones(len(codes))

    def __add__(self, other: AnySource) -> "Mixed":
        """Negatives of both."""
        return mix(self, other)


@dataclass(frozen=True)
class Nothing:
    """No negatives that all rows share."""

    @property
    def in_batch(self) -> bool:
        """The batch's own positives do not serve as negatives."""
        return False

    def draw(self, population: Population, rng: np.random.Generator) -> Codes:  # noqa: ARG002
        """No codes."""
        return np.empty(0, np.int64)

    def expected(self, population: Population, codes: Codes, rows: Rows) -> Floats:  # noqa: ARG002
        """Nothing is drawn: one for every item, whose logarithm is finite."""
        return np.ones(len(codes))
