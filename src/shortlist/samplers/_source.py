"""What a sampler asks of a source of negatives."""

from typing import NamedTuple, Protocol, TypeAlias, runtime_checkable

import numpy as np

from shortlist.samplers._population import Codes, Floats, Population
from shortlist.schedules import Scheduled

__all__ = ["AnySource", "OwnSource", "Rows", "Source"]


class Rows(NamedTuple):
    """How many positives serve as negatives."""

    batch: int
    """Rows of the batch."""
    queue: int = 0
    """Rows of earlier batches that are remembered."""


class Source(Protocol):
    """For type-checking only: a source of negatives that all rows of a batch share."""

    @property
    def in_batch(self) -> bool:
        """Whether the batch's own positives serve as negatives."""

    def draw(self, population: Population, rng: np.random.Generator) -> Codes:
        """Item codes drawn for one batch ``[n]``, beside those of the batch and the queue."""

    def expected(self, population: Population, codes: Codes, rows: Rows) -> Floats:
        """How many times each of ``codes`` is expected among this source's negatives."""


@runtime_checkable
class OwnSource(Protocol):
    """A source of negatives that each row has for itself: which ones depends on the row."""

    @property
    def n(self) -> int:
        """Most negatives of one row."""

    @property
    def share(self) -> Scheduled:
        """What share of the weight of all its negatives a row gives to these."""


AnySource: TypeAlias = Source | OwnSource
