"""The search itself, which Optuna draws and keeps."""

import json
import time
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shortlist.errors import ArgumentError, CheckpointError
from shortlist.extras import need
from shortlist.recipes._space import Choice, Floats, Range, describe
from shortlist.recipes._trial import Trial, TrialRecord
from shortlist.recipes._tune_options import TuneOptions
from shortlist.recipes._tuning import Tuning
from shortlist.report import Line
from shortlist.rng import derive

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Study"]


class Study:
    """A search that is begun, or goes on from its folder.

    Args:
        space: ranges by name.
        options: how to search.
        seed: of the search.
        direction: ``"maximize"`` or ``"minimize"``.
    """

    def __init__(
        self, space: Mapping[str, Range], options: TuneOptions, *, seed: int, direction: str
    ) -> None:
        self._optuna: Any = need("optuna", use="sl.tune")
        self._space, self._options, self._seed, self._direction = dict(space), options, seed, direction
        self._ranges = {name: self._range(given) for name, given in space.items()}
        with self._quiet():
            self._study = self._optuna.create_study(
                storage=_storage(options.folder),
                study_name="tune",
                direction=direction,
                load_if_exists=True,
                pruner=self._pruner(),
            )
        self._check_same()
        for trial in self._of("RUNNING"):  # under way when an earlier run was killed
            self._study.tell(trial.number, state=self._state("FAIL"))

    def run(self, score: Callable[[Trial], float], trials: int) -> None:
        """Run trials until there are so many, or the time is over."""
        began, line = time.monotonic(), Line(self._options.progress)
        try:
            while (done := len(self.records())) < trials:
                if self._options.seconds is not None and time.monotonic() - began >= self._options.seconds:
                    break
                if line.due() is not None:
                    line.draw(f"trial {done + 1} of {trials}{self._best_so_far()}")
                self._one(score, done)
        finally:
            line.close()

    def records(self) -> tuple[TrialRecord, ...]:
        """The trials that are over, numbered in their order; those that were cut off are not among them."""
        over = [trial for trial in self._of("COMPLETE", "PRUNED", "FAIL") if "seconds" in trial.user_attrs]
        return tuple(self._record(place, trial) for place, trial in enumerate(over))

    def tuning(self) -> Tuning:
        """What the search found.

        Raises:
            ArgumentError: no trial has a score.
        """
        records = self.records()
        if not any(record.state == "done" for record in records):
            errors = [record.error for record in records if record.error is not None]
            raise ArgumentError(
                "tune",
                received=f"no score from {len(records)} trials",
                expected="at least one trial that runs to its end",
                remedy=f"the last error was: {errors[-1]}" if errors else "allow more seconds",
            )
        return Tuning(records, self._space, self._direction)

    def _one(self, score: Callable[[Trial], float], place: int) -> None:
        asked = self._ask(place)
        values = {name: self._decoded(name, asked.params[name]) for name in self._space}
        twin = self._twin(asked) if self._options.reuse else None
        if twin is not None:
            asked.set_user_attr("seconds", 0.0)
            self._study.tell(asked, twin.value)
            return

        def report(step: int, value: float) -> bool:
            asked.report(value, step)
            early = len(trial.reports) <= self._options.warmup
            return self._options.prune and not early and bool(asked.should_prune())

        trial, began = Trial(place, values, report), time.monotonic()
        found, error = self._scored(score, trial)
        asked.set_user_attr("seconds", time.monotonic() - began)
        if error is not None:
            asked.set_user_attr("error", error)
            self._study.tell(asked, state=self._state("FAIL"))
        elif trial.pruned:
            self._study.tell(asked, state=self._state("PRUNED"))
        else:
            self._study.tell(asked, found)

    def _ask(self, place: int) -> Any:
        """The next trial, drawn by a seed of its own, so that it does not depend on what ran before."""
        if place < len(self._options.first) and not self._of("WAITING"):
            given = self._options.first[place]
            self._study.enqueue_trial({name: self._encoded(name, given[name]) for name in self._space})
        seed = derive(self._seed, "tune", place) % 2**32
        samplers = self._optuna.samplers
        self._study.sampler = (
            samplers.TPESampler(seed=seed, n_startup_trials=self._options.startup)
            if self._options.sampler == "tpe"
            else samplers.RandomSampler(seed=seed)
        )
        return self._study.ask(self._ranges)

    def _scored(self, score: Callable[[Trial], float], trial: Trial) -> tuple[float, str | None]:
        try:
            found = score(trial)
        except self._options.catch as error:
            return 0.0, f"{type(error).__name__}: {error}"
        if trial.pruned:
            return 0.0, None
        if not isinstance(found, int | float) and not hasattr(found, "__float__"):
            raise ArgumentError(
                f"tune: trial {trial.number}", received=found, expected="a number as the score"
            )
        value = float(found)
        return value, None if isfinite(value) else f"a score of {value}"

    def _twin(self, asked: Any) -> Any:
        """A trial of the same values that ran to its end."""
        return next((trial for trial in self._of("COMPLETE") if trial.params == asked.params), None)

    def _record(self, place: int, trial: Any) -> TrialRecord:
        state = {"COMPLETE": "done", "PRUNED": "pruned", "FAIL": "failed"}[trial.state.name]
        return TrialRecord(
            number=place,
            values={name: self._decoded(name, trial.params[name]) for name in self._space},
            score=trial.value,
            state=state,  # type: ignore[arg-type]
            reports=tuple(sorted(trial.intermediate_values.items())),
            seconds=trial.user_attrs["seconds"],
            error=trial.user_attrs.get("error"),
        )

    def _range(self, given: Range) -> Any:
        distributions = self._optuna.distributions
        if isinstance(given, Choice):  # by place, so that a value may be of any kind
            return distributions.CategoricalDistribution(range(len(given.values)))
        if isinstance(given, Floats):
            return distributions.FloatDistribution(given.low, given.high, log=given.log)
        high = given.high - (given.high - given.low) % given.step
        return distributions.IntDistribution(given.low, high, log=given.log, step=given.step)

    def _decoded(self, name: str, value: Any) -> Any:
        given = self._space[name]
        return given.values[value] if isinstance(given, Choice) else value

    def _encoded(self, name: str, value: Any) -> Any:
        given = self._space[name]
        if not isinstance(given, Choice):
            return value
        return next(place for place, one in enumerate(given.values) if one is value or one == value)

    def _check_same(self) -> None:
        """The folder's search must be this one: its trials would mean something else otherwise."""
        mine = {
            "space": {name: describe(given) for name, given in self._space.items()},
            "seed": self._seed,
            "direction": self._direction,
        }
        theirs = self._study.user_attrs.get("search")
        if theirs is None:
            self._study.set_user_attr("search", json.dumps(mine))
        elif json.loads(theirs) != mine:
            raise CheckpointError(
                f"{self._options.folder}",
                received=f"a search of {theirs}",
                expected=json.dumps(mine),
                remedy="search in another folder, or remove this one",
            )

    def _pruner(self) -> Any:
        return self._optuna.pruners.MedianPruner(n_startup_trials=self._options.startup)

    def _of(self, *states: str) -> list[Any]:
        wanted = [self._state(name) for name in states]
        return list(self._study.get_trials(deepcopy=False, states=wanted))

    def _state(self, name: str) -> Any:
        return self._optuna.trial.TrialState[name]

    def _best_so_far(self) -> str:
        done = [trial.value for trial in self._of("COMPLETE")]
        best = max if self._direction == "maximize" else min
        return f", best {best(done):.4f}" if done else ""

    @contextmanager
    def _quiet(self) -> "Iterator[None]":
        """Optuna tells of each study it makes."""
        logging = self._optuna.logging
        before = logging.get_verbosity()
        logging.set_verbosity(logging.WARNING)
        try:
            yield
        finally:
            logging.set_verbosity(before)


def _storage(folder: str | Path | None) -> Any:
    if folder is None:
        return None
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    storages = need("optuna.storages", use="sl.tune")
    journal = need("optuna.storages.journal", use="sl.tune")
    return storages.JournalStorage(journal.JournalFileBackend(str(place / "trials.log")))
