"""The positives of earlier batches as negatives."""

from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np

from shortlist.errors import ArgumentError
from shortlist.samplers._mixed import Mixed, mix, shared_sources
from shortlist.samplers._packed import pack, unpack
from shortlist.samplers._population import Codes, Floats, Population
from shortlist.samplers._source import AnySource, Rows

__all__ = ["Memory", "Queue", "queue_of"]


@dataclass(frozen=True)
class Queue:
    """The positives of the last batches are negatives too: as many as there are remembered rows.

    The queue is a first-in first-out memory of codes; a row is forgotten once it is older than ``batches``
    steps. The expected count of an item is the number of remembered rows times its share of the training
    rows, which is right when rows are shuffled. The queue is empty at the first step.

    Source: Wang et al., "Cross-batch negative sampling for training two-tower recommenders", SIGIR 2021.

    Raises:
        ArgumentError: ``batches`` is below 1.
    """

    batches: int = 4
    """Greatest age in steps: the positives of so many batches before this one are negatives."""
    cached: bool = True
    """Whether the vectors are those of the last step that encoded them, kept without gradient, which costs
    no encoding and is up to ``batches`` steps out of date; False encodes the items again."""

    def __post_init__(self) -> None:
        if self.batches < 1:
            raise ArgumentError("Queue.batches", received=self.batches, expected="an integer >= 1")

    @property
    def in_batch(self) -> bool:
        """The batch's own positives do not serve as negatives."""
        return False

    def draw(self, population: Population, rng: np.random.Generator) -> Codes:  # noqa: ARG002
        """Nothing beside what is remembered."""
        return np.empty(0, np.int64)

    def expected(self, population: Population, codes: Codes, rows: Rows) -> Floats:
        """The number of remembered rows times each item's share of the training rows."""
        return population.share(codes) * rows.queue

    def __add__(self, other: AnySource) -> "Mixed":
        """Negatives of both."""
        return mix(self, other)


def queue_of(source: AnySource) -> Queue | None:
    """The queue in a sum of sources, if there is one."""
    return next((part for part in shared_sources(source) if isinstance(part, Queue)), None)


class Memory:
    """The codes that a queue remembers: those of the last ``batches`` batches.

    >>> memory = Memory(2)
    >>> for codes in ([1], [2, 3], [4]):
    ...     memory.add(np.array(codes))
    >>> memory.codes().tolist()
    [2, 3, 4]
    """

    def __init__(self, batches: int) -> None:
        self._held: deque[Codes] = deque(maxlen=batches)

    def codes(self) -> Codes:
        """``[Q]``, oldest first."""
        return np.concatenate([np.empty(0, np.int64), *self._held])

    def add(self, codes: Codes) -> None:
        """Remember a batch; the oldest is forgotten when there are too many."""
        self._held.append(codes.copy())

    def state_dict(self) -> list[dict[str, Any]]:
        """The codes, as text."""
        return [pack(codes) for codes in self._held]

    def load_state_dict(self, state: list[dict[str, Any]]) -> None:
        """Take back what ``state_dict`` gave."""
        self._held.clear()
        self._held.extend(unpack(one) for one in state)
