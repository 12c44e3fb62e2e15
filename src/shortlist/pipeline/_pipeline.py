"""Stages over a state."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from time import perf_counter
from typing import Any, Literal, final, overload

import polars as pl

from shortlist.data import Candidates, Requests, merge
from shortlist.errors import PipelineError
from shortlist.pipeline._answer import answer_frame
from shortlist.pipeline._ask import requests_of
from shortlist.pipeline._attempt import Attempts
from shortlist.pipeline._cache import lasting
from shortlist.pipeline._check import check_columns, check_order, check_table
from shortlist.pipeline._drop import drop_listed
from shortlist.pipeline._plan import filtered, planned
from shortlist.pipeline._popular import Popular
from shortlist.pipeline._remembered import Remembered
from shortlist.pipeline._stage import Stage, count_of, leaves
from shortlist.pipeline._state import State
from shortlist.pipeline._step import Note, Part, Step, Watch
from shortlist.pipeline._trace import Trace, trace_of
from shortlist.report import Table

__all__ = ["Pipeline"]

_PLANS = 64


@final
@dataclass(frozen=True)
class Pipeline:
    """Candidates of a source, put through stage after stage.

    The order of the stages is checked when the pipeline is made, the columns they need before the first
    request. A slice from the start is a pipeline too: ``pipe[:2]``. When only cuts follow a source, it is
    asked for no more than they leave. A request for many users gives exactly the lists of as many requests
    for one user.

    Requests that the first stage finds nothing for are answered by the fallback. In a live state
    (`State.live`), so are those whose sources fail or are late; in a frozen one time limits are off and
    errors are raised.

    Args:
        stages: a source, then stages that work on its candidates.
        state: the tables they read.
        fallback: a source for requests without candidates; None leaves them empty.

    Raises:
        PipelineError: the stages do not fit together.
    """

    stages: Sequence[Stage]
    state: State
    fallback: Stage | None = field(default_factory=Popular)
    _attempts: Attempts = field(default_factory=Attempts, repr=False, compare=False)
    _checked: list[bool] = field(default_factory=list, repr=False, compare=False)
    _plans: dict[int, tuple[Stage, ...]] = field(default_factory=dict, init=False, repr=False, compare=False)
    _answers: Remembered | None = field(default=None, repr=False, compare=False)
    _watch: Watch | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "stages", tuple(self.stages))
        check_order(self.stages)

    def __len__(self) -> int:
        return len(self.stages)

    def __getitem__(self, place: slice) -> "Pipeline":
        if not isinstance(place, slice):
            raise PipelineError(
                "Pipeline",
                received=f"pipe[{place!r}]",
                expected="a slice",
                remedy="write pipe[:2], or pipe.stages",
            )
        return replace(self, stages=self.stages[place], _checked=[], _answers=None)

    def with_state(self, state: State) -> "Pipeline":
        """The same stages over other tables, or the same at another moment."""
        return replace(self, state=state, _checked=[])

    def cached(self, size: int = 10_000, seconds: float = 60.0) -> "Pipeline":
        """The same pipeline that in a live state remembers its answers.

        An answer holds until the user's next event, and for at most ``seconds``: what others do and what
        changes in the catalogue shows after that. Answers in which a stage failed or was late are not
        remembered. Where a stage draws by chance, requests with different ids are different questions.
        Traced runs, narrowed pipelines and slices work everything out.

        Args:
            size: answers to remember, the most recently used ones.
            seconds: how long an answer holds at most.

        Raises:
            ArgumentError: a number is out of range.
        """
        count_of(size, "cached.size")
        lasting(seconds, "cached.seconds")
        draws = any(hasattr(part, "seed") for stage in self.stages for part in leaves(stage))
        return replace(self, _answers=Remembered(size, seconds, by_id=draws))

    def watched(self, watch: Watch) -> "Pipeline":
        """The same pipeline that tells of every run what each stage did and how long it took.

        Args:
            watch: called as ``watch(requests, steps)`` with the number of requests and a `Step` a stage, in
                the thread that answers.
        """
        return replace(self, _watch=watch)

    def check(self) -> Table:
        """What each stage needs and gives; printable.

        Raises:
            PipelineError: a column that a stage needs is not there.
        """
        check_columns(self.stages, self.state)
        return check_table(self.stages, self.state)

    @overload
    def run(self, requests: Requests, trace: Literal[False] = False) -> Candidates: ...
    @overload
    def run(self, requests: Requests, trace: Literal[True]) -> tuple[Candidates, Trace]: ...
    def run(self, requests: Requests, trace: bool = False) -> Candidates | tuple[Candidates, Trace]:
        """At most ``k`` candidates for each request, best first.

        Args:
            requests: Q requests; Q = 0, unknown users and empty histories are ordinary.
            trace: whether to say also what each stage did.
        """
        if not self._checked:
            check_columns(self.stages, self.state)
            self._checked.append(True)
        state = self.state.for_run()
        if trace:
            steps: list[Step] = []
            found, _ = self._run(requests, state, steps)
            return found, trace_of(len(requests), steps)
        if self._answers is None or not state.is_live:
            return self._run(requests, state)[0]
        return self._answers.answer(requests, state, lambda asked: self._run(asked, state))[0]

    def recommend(
        self,
        users: Sequence[Any],
        k: int = 10,
        *,
        context: Mapping[str, Sequence[Any]] | None = None,
        recent: Sequence[Sequence[Any]] | None = None,
        columns: Sequence[str] = (),
        time: datetime | int | Sequence[datetime | int] | None = None,
        exclude: Sequence[Sequence[Any]] | None = None,
        filters: Iterable[str] = (),
    ) -> pl.DataFrame:
        """Recommendations for users as a frame.

        Args:
            users: raw user ids; unknown ones and None (an anonymous visitor) are welcome.
            k: items wanted for each.
            context: name -> one raw value a user, known only now.
            recent: raw ids of the items each has just seen, oldest first, newer than the store's.
            columns: item columns to put beside the ids.
            time: when it is asked (UTC), one for all or one a user; None is the state's present.
            exclude: raw ids of items not to be shown, a list a user.
            filters: conditions on item columns, such as ``"price < 20"``.

        Returns:
            ``user, rank, item, score, source`` and the columns asked for; at most ``k`` rows a user.

        Raises:
            ArgumentError: an argument has a wrong value; nothing is looked up.
            PipelineError: a condition names an unknown column.
        """
        requests = requests_of(users, k, context=context, recent=recent, time=time, exclude=exclude)
        found = self.narrowed(filters).run(requests)
        return answer_frame(requests, found, self.state, columns)

    def narrowed(self, filters: Iterable[str]) -> "Pipeline":
        """The same pipeline for items that meet conditions such as ``"price < 20"``."""
        conditions = tuple(filters)
        if not conditions:
            return self
        return replace(self, stages=filtered(self.stages, conditions), _checked=[], _answers=None)

    def _run(
        self, requests: Requests, state: State, steps: list[Step] | None = None
    ) -> tuple[Candidates, bool]:
        """The candidates, and whether nothing failed or was late; ``steps`` gets what each stage did."""
        if steps is None and self._watch is not None:
            steps = []
        stages = self.stages if requests.exclude is not None else self._planned(requests.k)
        found, whole = Candidates.empty(len(requests)), True
        for place, stage in enumerate(stages):
            before, start, notes = found, perf_counter(), list[Note]()
            parts: list[Part] = []
            if place == 0:
                found, failed = self._find(stage, requests, state, notes, parts)
            else:
                found, failed = self._attempts.follow(stage, requests, found, state, notes)
            whole = whole and not failed
            if steps is not None:
                steps.append(Step(stage, perf_counter() - start, before, found, notes, parts))
        if self._watch is not None:
            self._watch(len(requests), steps or ())
        return found.first(requests.k), whole

    def _planned(self, k: int) -> tuple[Stage, ...]:
        """The stages for so many items, made once for each number."""
        known = self._plans.get(k)
        if known is None:
            if len(self._plans) >= _PLANS:
                self._plans.clear()
            known = self._plans[k] = planned(self.stages, k)
        return known

    def _find(
        self, source: Stage, requests: Requests, state: State, notes: list[Note], parts: list[Part]
    ) -> tuple[Candidates, bool]:
        found, failed = self._attempts.run(source, requests, state, notes, parts)
        found = self._filled(found, requests, state, notes)
        if requests.exclude is None:
            return found, failed
        unwanted = state.items.positions(requests.exclude.values)
        lists = requests.exclude.with_values(unwanted)
        return drop_listed(found, lists.keep(unwanted >= 0), len(state.items), "excluded"), failed

    def _filled(self, found: Candidates, requests: Requests, state: State, notes: list[Note]) -> Candidates:
        """Requests without candidates get those of the fallback."""
        empty = found.lengths == 0
        if self.fallback is None or not empty.any():
            return found
        count = int(empty.sum())
        text = f"{self.fallback.name} answers for {count} requests without candidates"
        notes.append(Note.of(text, self.fallback.name, "empty", count))
        others = self.fallback.run(requests, Candidates.empty(len(requests)), state)
        return merge([found, others.keep(empty[others.query_of])])
