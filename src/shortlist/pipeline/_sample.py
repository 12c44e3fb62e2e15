"""Orders drawn by chance."""

from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np
import numpy.typing as npt

from shortlist.data import Candidates, Requests
from shortlist.errors import ArgumentError
from shortlist.pipeline._stage import CANDIDATES, PROPENSITY, SCORES, WritePart, count_of
from shortlist.pipeline._state import State
from shortlist.rng import derive, request_seeds, uniforms

__all__ = ["Sample"]


@final
@dataclass(frozen=True)
class Sample:
    """Draws the order of the candidates: each place to one of those left, by the softmax of their scores.

    That is sorting by ``score / temperature + g`` with g from the Gumbel distribution (Yellott, 1977). Scores
    stay as they are. Gives the column ``propensity``: the chance that the candidate came to its place, given
    those before it; the product of the first k is the chance of that list. Candidates with a score of
    minus infinity or NaN stand behind all others in their order.

    The draw follows from the seed, the id of the request and the user alone, whichever requests share the
    batch. Requests without ids are told apart by their users: the same user gets the same order every time.

    Attributes:
        temperature: in the unit of the scores: near 0 the order is that of the scores, far above their
            differences every order is as likely.
        start: first places that stay as they are, such as those of `Pin`; their propensity is 1.
        seed: of the draws.
        name: what traces call it.

    Raises:
        ArgumentError: the temperature is not above 0, or ``start`` below 0.
    """

    temperature: float = 1.0
    start: int = 0
    seed: int = 0
    name: str = "sample"
    needs: ClassVar[tuple[str, ...]] = (CANDIDATES, SCORES)
    gives: ClassVar[tuple[str, ...]] = (PROPENSITY,)

    def __post_init__(self) -> None:
        count_of(self.start, "Sample.start", least=0)
        if not 0 < self.temperature < np.inf:
            raise ArgumentError("Sample.temperature", received=self.temperature, expected="a number above 0")

    def run(self, requests: Requests, candidates: Candidates, state: State) -> Candidates:  # noqa: ARG002
        """Add noise to the scores and sort."""
        query_of, places = candidates.query_of, candidates.places
        seeds = request_seeds(derive(self.seed, "sample"), requests.ids, requests.users)
        draws = uniforms(seeds[query_of], candidates.items)
        scores = candidates.scores.astype(np.float64) / self.temperature
        scores = np.where(np.isnan(scores), -np.inf, scores)
        noisy = scores - np.log(-np.log(draws))
        kept = places < self.start
        order = np.lexsort((np.where(kept, places, self.start), np.where(kept, -np.inf, -noisy), query_of))
        rank = np.empty(len(order), dtype=np.int64)
        rank[order] = np.arange(len(order))
        chance = _chances(np.where(kept, -np.inf, scores)[order], candidates.offsets)
        return candidates.placed(rank).with_columns({PROPENSITY: chance})

    def to_plain(self, write_part: WritePart) -> dict[str, Any]:  # noqa: ARG002
        """See `PlainStage`."""
        return {
            "kind": "sample",
            "temperature": self.temperature,
            "start": self.start,
            "seed": self.seed,
            "name": self.name,
        }


def _chances(logits: npt.NDArray[np.float64], offsets: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    """Float32 [N]: softmax of each logit among itself and those behind it in its list; 1 for -inf."""
    lengths = np.diff(offsets)
    width = int(lengths.max(initial=0))
    place = np.arange(width)
    real = place < lengths[:, None]
    at = np.where(real, offsets[:-1, None] + place, 0)
    table = np.where(real, logits[at], -np.inf) if len(logits) else np.zeros(real.shape)
    left = np.logaddexp.accumulate(table[:, ::-1], axis=1)[:, ::-1] if width else table
    behind = np.zeros(table.shape)
    np.subtract(table, left, out=behind, where=table > -np.inf)
    return np.exp(behind)[real].astype(np.float32)
