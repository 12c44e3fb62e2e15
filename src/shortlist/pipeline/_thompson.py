"""Items tried in proportion to the chance that they are the best."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Literal, final, get_args

import numpy as np
import numpy.typing as npt

from shortlist.data import Candidates, Requests, duration_us
from shortlist.errors import ArgumentError
from shortlist.pipeline._stage import CANDIDATES, SCORES, WritePart
from shortlist.pipeline._state import EVER, State
from shortlist.rng import derive, request_seeds, uniforms

__all__ = ["Belief", "Thompson"]

Belief = Literal["beta", "gaussian"]
Floats = npt.NDArray[np.float64]


@final
@dataclass(frozen=True)
class Thompson:
    """Thompson sampling: each candidate's score is a draw from what its past outcomes say of its worth.

    The store's events have a column of outcomes, such as 1 for a click and 0 for what was shown and not
    clicked. Of the n outcomes of an item before the request, with sum s, and a prior worth m that counts for
    ``prior`` outcomes:

    - ``"beta"``: a chance between 0 and 1, drawn from ``Beta(prior m + s, prior (1 - m) + n - s)``;
    - ``"gaussian"``: any number, drawn from the normal distribution with the mean
      ``(prior m + s) / (prior + n)`` and the deviation ``spread / sqrt(prior + n)``.

    Items without outcomes are drawn from the prior alone, and so are tried. No propensity is recorded: for
    off-policy estimates use `Sample` or `Explore`. The draw follows from the seed, the id of the request and
    the user, as in `Sample`.

    Attributes:
        column: column of the events that holds the outcomes (``State(..., columns=("clicked",))``).
        belief: which of the two.
        prior: how many outcomes the prior worth counts for, above 0.
        mean: the prior worth; None takes each candidate's score, such as a ranker's probability.
        spread: deviation of one outcome, in its unit; for ``"gaussian"`` only.
        window: how far to look back, such as ``"30d"``; None for all time.
        seed: of the draws.
        name: what traces call it.

    Raises:
        ArgumentError: a number is out of range, or the window is not a length of time.
    """

    column: str
    belief: Belief = "beta"
    prior: float = 2.0
    mean: float | None = 0.5
    spread: float = 1.0
    window: str | None = None
    seed: int = 0
    name: str = "thompson"
    gives: ClassVar[tuple[str, ...]] = (SCORES,)

    def __post_init__(self) -> None:
        if self.belief not in get_args(Belief):
            raise ArgumentError("Thompson.belief", received=self.belief, expected="'beta' or 'gaussian'")
        for name in ("prior", "spread"):
            if not 0 < getattr(self, name) < np.inf:
                raise ArgumentError(
                    f"Thompson.{name}", received=getattr(self, name), expected="a number above 0"
                )
        if self.belief == "beta" and self.mean is not None and not 0 < self.mean < 1:
            raise ArgumentError("Thompson.mean", received=self.mean, expected="a chance between 0 and 1")
        _ = self.span

    @cached_property
    def span(self) -> int | None:
        """The window in microseconds."""
        return None if self.window is None else duration_us(self.window, where="Thompson.window")

    @property
    def needs(self) -> tuple[str, ...]:
        """Candidates, with scores where they are the prior."""
        return (CANDIDATES,) if self.mean is not None else (CANDIDATES, SCORES)

    def run(self, requests: Requests, candidates: Candidates, state: State) -> Candidates:
        """Count outcomes as of each request, and draw.

        Raises:
            SchemaError: the events have no such column.
        """
        query_of, items = candidates.query_of, candidates.items
        before = state.times(requests)[query_of]
        since = np.full(len(before), EVER) if self.span is None else before - self.span
        nobody = np.full(len(items), -1)
        _ = state.store.event_column(self.column)
        counts, sums = state.store.totals("item", nobody, items, since, before, name=self.column)
        seeds = request_seeds(derive(self.seed, "thompson"), requests.ids, requests.users)
        draws = uniforms(seeds[query_of], items)
        given = candidates.scores.astype(np.float64) if self.mean is None else self.mean
        scores = self._drawn(draws, counts.astype(np.float64), sums, np.broadcast_to(given, len(items)))
        return candidates.with_scores(scores.astype(np.float32))

    def _drawn(self, draws: Floats, counts: Floats, sums: Floats, mean: Floats) -> Floats:
        # Every server loads this module, few need SciPy.
        from scipy.special import betaincinv, ndtri

        if self.belief == "gaussian":
            weight = self.prior + counts
            found: Floats = (self.prior * mean + sums) / weight + self.spread / np.sqrt(weight) * ndtri(draws)
            return found
        chance = np.clip(np.nan_to_num(mean, nan=0.5), 1e-6, 1 - 1e-6)
        won = np.clip(sums, 0, counts)
        drawn: Floats = betaincinv(self.prior * chance + won, self.prior * (1 - chance) + counts - won, draws)
        return drawn

    def to_plain(self, write_part: WritePart) -> dict[str, Any]:  # noqa: ARG002
        """See `PlainStage`."""
        return {
            "kind": "thompson",
            "column": self.column,
            "belief": self.belief,
            "prior": self.prior,
            "mean": self.mean,
            "spread": self.spread,
            "window": self.window,
            "seed": self.seed,
            "name": self.name,
        }
