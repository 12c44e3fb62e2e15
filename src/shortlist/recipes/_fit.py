"""From an event log to a bundle."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import polars as pl

from shortlist.evaluation import DEFAULT_METRICS, Evaluation, RankerQuality, Seen, by_stage, evaluate
from shortlist.export import save
from shortlist.io import roles_of
from shortlist.pipeline import Pipeline, Stage, State, Take, load
from shortlist.recipes._data import Tables, Windows, brings_new_pairs, read_tables, windows_of
from shortlist.recipes._options import FitRecipe
from shortlist.recipes._place import check_place, room_beside
from shortlist.recipes._present import brought_to_present
from shortlist.recipes._ranker import FittedRanker, candidate_stages, fit_ranker, measured_ranker
from shortlist.recipes._retriever import Retriever, fit_retriever

__all__ = ["Fitted", "fit"]

_DAY_US = 86_400_000_000
_MOST = 100
Say = Callable[[str], None]


@dataclass(frozen=True)
class Fitted:
    """What a run of the recipe made.

    Attributes:
        bundle: folder of the bundle.
        evaluations: with the seen items kept, and with them filtered unless the test brings no user anything
            new; measured on the loaded bundle.
        stages: the same two, after each stage.
        ranker: quality of the bundle's ranker on the test window; None when the log gives too little
            to learn a ranker from.
        seconds: what each step took.
    """

    bundle: Path
    evaluations: tuple[Evaluation, ...]
    stages: tuple[Evaluation, ...]
    ranker: RankerQuality | None
    seconds: dict[str, float]

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "bundle": str(self.bundle),
            "evaluations": [one.to_json() for one in self.evaluations],
            "stages": [one.to_json() for one in self.stages],
            "ranker": None if self.ranker is None else self.ranker.to_json(),
            "seconds": self.seconds,
        }


class _Clock:
    """Says each step and remembers what it took."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._last = perf_counter()
        self.seconds: dict[str, float] = {}

    def begin(self, what: str) -> None:
        self._say(f"... {what}")

    def step(self, name: str, text: str) -> None:
        now = perf_counter()
        self.seconds[name] = round(now - self._last, 2)
        self._last = now
        self._say(f"[{self.seconds[name]:6.1f} s] {name}\n{text}\n")


def fit(
    events: Any,
    *,
    items: Any = None,
    users: Any = None,
    out: str | Path,
    options: FitRecipe | None = None,
    log: Say = lambda _: None,
) -> Fitted:
    """Train, measure and save a two-stage recommender.

    The log is cut by time: a test window at its end, the ranker's window before it, and the rest. Towers
    trained on the rest give the candidates that the ranker learns to order in its window. Towers trained on
    all before the test, with that ranker, are saved, loaded and measured on the test, in a hidden folder
    beside ``out``. Then that bundle is brought to the present: its tables get the test window's events, its
    index the items that came with them; the models stay those that were measured. Only this is put at
    ``out``, in one step: when anything fails before, ``out`` is what it was.

    Args:
        events: path, glob, folder, frame or Dataset of the log.
        items: the same for a table of items; None derives it from the log.
        users: the same for a table of users.
        out: folder of the bundle.
        options: how.
        log: is told what goes on.

    Raises:
        ArgumentError: something stands at ``out``, and it is no bundle or ``force`` is not set.
        DataError: a file is missing or unreadable, or the log is too short.
        SchemaError: a column is missing.
    """
    recipe, clock, target = options or FitRecipe(), _Clock(log), Path(out)
    check_place(target, force=recipe.force)
    clock.begin("reading and cleaning the log")
    tables = read_tables(events, items, users, recipe)
    report = tables.events.report
    clock.step("read", f"{tables.events.schema}" if report is None else f"{report}\n\n{tables.events.schema}")
    windows = windows_of(tables.events, recipe)
    clock.step("split", str(windows.split.report))
    with room_beside(target) as room:
        save(
            _trained(tables, windows, recipe, clock),
            room / "bundle",
            facts={"trained_until": windows.test_from},
        )
        loaded = load(room / "bundle")
        clock.step("bundle", f"saved, and loaded again without torch\n{loaded.check()}")
        fitted = _measured(loaded, windows, recipe, target, clock)
        _publish(loaded, tables, fitted, recipe, windows)
    clock.step("present", f"{target}: the tables and the index of the bundle hold the whole log now")
    return fitted


def _trained(tables: Tables, windows: Windows, recipe: FitRecipe, clock: _Clock) -> Pipeline:
    """The pipeline as of the first moment of the test window."""
    state = State(windows.past, items=tables.items, users=tables.users, now=windows.test_from)
    early, ranker = _learned_from_windows(windows, state, recipe, clock)
    clock.begin("training the towers that will serve")
    served = fit_retriever(windows.past, recipe, until=windows.test_from, epochs=early.report.best)
    clock.step("retriever for serving", str(served.report))
    return Pipeline(_stages(served, ranker, state, recipe), state=state)


def _learned_from_windows(
    windows: Windows, state: State, recipe: FitRecipe, clock: _Clock
) -> tuple[Retriever, FittedRanker | None]:
    time = pl.col(windows.past.schema.time.name).to_physical()
    next_horizon = windows.ranker.filter(time < windows.ranker_from + windows.horizon)
    clock.begin("training towers on the oldest window; they find the ranker's examples")
    early = fit_retriever(windows.early, recipe, until=windows.ranker_from, valid=next_horizon)
    clock.step("retriever behind the ranker's examples", f"{early.model.describe()}\n{early.report}")
    clock.begin("asking past requests again and training the ranker on what was taken")
    ranker = fit_ranker(early, windows, state, recipe)
    nothing = "too few examples of what was taken among the candidates of the past: retrieval's order stays"
    clock.step("ranker", nothing if ranker is None else f"{ranker.examples:,} examples")
    return early, ranker


def _stages(served: Retriever, ranker: FittedRanker | None, state: State, recipe: FitRecipe) -> list[Stage]:
    source, match = candidate_stages(served, state, recipe.k)
    return [source, Take(_MOST)] if ranker is None else [source, match, ranker.stage(), Take(_MOST)]


def _measured(loaded: Pipeline, windows: Windows, recipe: FitRecipe, out: Path, clock: _Clock) -> Fitted:
    split = f"by time, test {windows.horizon / _DAY_US:.3g} days"
    evaluations, stages = [], []
    filters: tuple[Seen, ...] = (
        ("keep", "drop") if brings_new_pairs(windows.test, windows.past) else ("keep",)
    )
    for seen in filters:
        clock.begin(
            f"measuring the bundle and the baselines, seen items {'kept' if seen == 'keep' else 'filtered'}"
        )
        found = evaluate(loaded, windows.test, metrics=DEFAULT_METRICS, seen=seen, split=split)
        after = by_stage(loaded, windows.test, seen=seen, split=split)
        text = f"{found}\n\nby slice\n{found.sliced()}\n\nafter each stage\n{after}"
        clock.step(f"test, seen items {'kept' if seen == 'keep' else 'filtered'}", text)
        evaluations.append(found)
        stages.append(after)
    ranker = measured_ranker(loaded, windows, recipe)
    if ranker is not None:
        clock.step("test, the ranker alone", str(ranker))
    return Fitted(out, tuple(evaluations), tuple(stages), ranker, clock.seconds)


def _publish(loaded: Pipeline, tables: Tables, fitted: Fitted, recipe: FitRecipe, windows: Windows) -> None:
    present = brought_to_present(loaded, State(tables.events, items=tables.items, users=tables.users))
    facts = {
        "trained_until": windows.test_from,
        "schema": tables.events.schema.fingerprint(),
        "roles": roles_of(tables.events.schema),
        "signals": None if recipe.signals is None else asdict(recipe.signals),
        "metrics": {name: fitted.to_json()[name] for name in ("evaluations", "stages", "ranker")},
    }
    save(present, fitted.bundle, facts=facts)
