"""Places given to chance, with a record of how likely each was."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar, final

import numpy as np

from shortlist.data import Candidates, Requests
from shortlist.errors import ArgumentError
from shortlist.pipeline._facts import column_of, rules_of
from shortlist.pipeline._stage import CANDIDATES, PROPENSITY, WritePart, count_of
from shortlist.pipeline._state import State
from shortlist.rng import derive, request_seeds, uniforms

__all__ = ["Explore"]


@final
@dataclass(frozen=True)
class Explore:
    """Epsilon-greedy: each place goes by a small chance to any candidate of a pool, else to the best.

    The pool is what one source found, or what meets a condition, or all candidates; what earlier stages
    dropped is in no pool. Gives two columns: ``propensity``, the chance that the candidate came to its place,
    given those before it, and ``explored``, 1.0 where chance put it there. The draw follows from the seed,
    the id of the request and the user alone, as in `Sample`.

    Attributes:
        epsilon: chance of a place to be given away, from 0 to 1.
        source: name of the source whose candidates are the pool, such as one of new items.
        where: condition on a column that the pool meets, such as ``"age_days < 7"``.
        places: first places of the list that may be given away; behind them the order stays.
        start: first places that stay as they are; their propensity is 1.
        seed: of the draws.
        name: what traces call it.

    Raises:
        ArgumentError: a number is out of range, or the condition cannot be read.
    """

    epsilon: float = 0.1
    source: str | None = None
    where: str | None = None
    places: int = 10
    start: int = 0
    seed: int = 0
    name: str = "explore"
    gives: ClassVar[tuple[str, ...]] = (PROPENSITY, "explored")

    def __post_init__(self) -> None:
        if not 0 <= self.epsilon <= 1:
            raise ArgumentError("Explore.epsilon", received=self.epsilon, expected="a number from 0 to 1")
        count_of(self.places, "Explore.places")
        count_of(self.start, "Explore.start", least=0)
        rules_of(self.where)

    @property
    def needs(self) -> tuple[str, ...]:
        """Candidates, and the column of the condition."""
        return CANDIDATES, *(rule.column for rule in rules_of(self.where))

    def limited(self, k: int) -> "Explore":
        """The same for no more places than are shown."""
        return replace(self, places=min(self.places, k))

    def run(self, requests: Requests, candidates: Candidates, state: State) -> Candidates:
        """Fill the places of each request, one after the other."""
        pool = np.ones(len(candidates.items), dtype=np.bool_)
        if self.source is not None:
            named = candidates.sources.index(self.source) if self.source in candidates.sources else -1
            pool &= candidates.source == named
        for rule in rules_of(self.where):
            pool &= rule.holds(column_of(rule.column, candidates, state))
        seeds = request_seeds(derive(self.seed, "explore"), requests.ids, requests.users)
        draws = uniforms(np.repeat(seeds, 2 * self.places), np.tile(np.arange(2 * self.places), len(seeds)))
        draws = draws.reshape(len(seeds), self.places, 2)
        places, chance = candidates.places.copy(), np.ones(len(pool), dtype=np.float32)
        explored = np.zeros(len(pool), dtype=np.float32)
        bounds = zip(candidates.offsets[:-1].tolist(), candidates.offsets[1:].tolist(), draws, strict=True)
        for low, high, own in bounds:
            for place, (at, likely, by_chance) in enumerate(self._filled(pool[low:high], own), self.start):
                places[low + at] = place - (1 << 32)
                chance[low + at], explored[low + at] = likely, by_chance
        places[candidates.places < self.start] -= 1 << 33
        return candidates.with_columns({PROPENSITY: chance, "explored": explored}).placed(places)

    def told(self, before: Candidates, after: Candidates) -> tuple[str, ...]:  # noqa: ARG002
        """How many places were given away."""
        return (f"gave {int(after.columns['explored'].sum())} places to chance",)

    def _filled(self, pool: Any, draws: Any) -> list[tuple[int, float, bool]]:
        """For each place from ``start`` on: the candidate, its chance, and whether it was drawn."""
        left = list(range(self.start, len(pool)))
        open_ = [at for at in left if pool[at]]
        filled = []
        for place in range(self.start, min(self.places, len(pool))):
            first, second = draws[place]
            best = left[0]
            drawn = bool(first < self.epsilon) and bool(open_)
            at = open_[min(int(second * len(open_)), len(open_) - 1)] if drawn else best
            by_chance = self.epsilon if open_ else 0.0
            likely = (1 - by_chance) * (at == best) + (by_chance / len(open_) if pool[at] else 0.0)
            left.remove(at)
            if pool[at]:
                open_.remove(at)
            filled.append((at, likely, drawn))
        return filled

    def to_plain(self, write_part: WritePart) -> dict[str, Any]:  # noqa: ARG002
        """See `PlainStage`."""
        return {
            "kind": "explore",
            "epsilon": self.epsilon,
            "source": self.source,
            "where": self.where,
            "places": self.places,
            "start": self.start,
            "seed": self.seed,
            "name": self.name,
        }
