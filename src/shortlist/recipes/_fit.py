"""From an event log to a bundle."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import polars as pl

from shortlist.evaluation import Evaluation, by_stage, evaluate
from shortlist.export import refuse_existing, save
from shortlist.io import roles_of
from shortlist.pipeline import Pipeline, State, Take, load
from shortlist.recipes._data import Tables, Windows, read_tables, windows_of
from shortlist.recipes._options import FitRecipe
from shortlist.recipes._present import brought_to_present
from shortlist.recipes._ranker import FittedRanker, candidate_stages, fit_ranker
from shortlist.recipes._retriever import Retriever, fit_retriever

__all__ = ["Fitted", "fit"]

METRICS = ("ndcg@10", "recall@10", "precision@10", "mrr@10", "map@10", "hit_rate@10")
Say = Callable[[str], None]


@dataclass(frozen=True)
class Fitted:
    """What a run of the recipe made.

    Attributes:
        bundle: folder of the bundle.
        evaluations: with the seen items kept, and with them filtered; measured on the loaded bundle.
        stages: the same two, after each stage.
        ranker: quality of the ranker on examples later than those it learned from.
        seconds: what each step took.
    """

    bundle: Path
    evaluations: tuple[Evaluation, ...]
    stages: tuple[Evaluation, ...]
    ranker: Any
    seconds: dict[str, float]

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "bundle": str(self.bundle),
            "evaluations": [one.to_json() for one in self.evaluations],
            "stages": [one.to_json() for one in self.stages],
            "seconds": self.seconds,
        }


class _Clock:
    """Says each step and remembers what it took."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._last = perf_counter()
        self.seconds: dict[str, float] = {}

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

    The log is cut by time: a test window at its end, the ranker's window before it, and the rest. Towers trained
    on the rest give the candidates that the ranker learns to order in its window. Towers trained on all
    before the test, with that ranker, are saved, loaded and measured on the test. Then the bundle is brought
    to the present: its tables get the test window's events, its index the items that came with them; the
    models stay those that were measured.

    Args:
        events: path, glob, folder, frame or Dataset of the log.
        items: the same for a table of items; None derives it from the log.
        users: the same for a table of users.
        out: folder of the bundle.
        options: how.
        log: is told what goes on.

    Raises:
        ArgumentError: the output folder exists and ``force`` is not set.
        DataError: a file is missing or unreadable, or the log is too short.
        SchemaError: a column is missing.
    """
    recipe, clock = options or FitRecipe(), _Clock(log)
    if not recipe.force:
        refuse_existing(Path(out))
    tables = read_tables(events, items, users, recipe)
    clock.step("read", f"{tables.events.report}\n\n{tables.events.schema}")
    windows = windows_of(tables.events, recipe)
    clock.step("split", str(windows.split.report))
    state = State(windows.past, items=tables.items, users=tables.users)
    early, ranker = _learned_from_windows(windows, state, recipe, clock)
    served = fit_retriever(windows.past, recipe, until=windows.test_from, epochs=early.report.best)
    clock.step("retriever for serving", str(served.report))
    pipe = Pipeline([*candidate_stages(served, state, recipe.k), ranker.stage(), Take(10)], state=state)
    save(pipe, out, facts={"trained_until": windows.test_from})
    loaded = load(out)
    clock.step("bundle", f"{out}, loaded again without torch\n{loaded.check()}")
    fitted = _measured(loaded, windows, ranker, Path(out), clock)
    _publish(loaded, tables, fitted, recipe, windows)
    clock.step("present", "the bundle's tables and index hold the whole log now")
    return fitted


def _learned_from_windows(
    windows: Windows, state: State, recipe: FitRecipe, clock: _Clock
) -> tuple[Retriever, FittedRanker]:
    time = pl.col(windows.past.schema.time.name).to_physical()
    next_horizon = windows.ranker.filter(time < windows.ranker_from + windows.horizon)
    early = fit_retriever(windows.early, recipe, until=windows.ranker_from, valid=next_horizon)
    clock.step("retriever behind the ranker's examples", f"{early.model.describe()}\n{early.report}")
    ranker = fit_ranker(early, windows, state, recipe)
    clock.step("ranker", f"{ranker.examples:,} examples\n{ranker.quality}")
    return early, ranker


def _measured(loaded: Pipeline, windows: Windows, ranker: FittedRanker, out: Path, clock: _Clock) -> Fitted:
    evaluations, stages = [], []
    split = f"by time, test {windows.horizon / 86_400_000_000:g} days"
    for seen in ("keep", "drop"):
        evaluations.append(evaluate(loaded, windows.test, metrics=METRICS, seen=seen, split=split))
        stages.append(by_stage(loaded, windows.test, seen=seen, split=split))
        kept, sliced = evaluations[-1], evaluations[-1].sliced()
        clock.step(f"test, seen items {seen}", f"{kept}\n\nby slice\n{sliced}\n\nafter each stage\n{stages[-1]}")
    return Fitted(out, tuple(evaluations), tuple(stages), ranker.quality, clock.seconds)


def _publish(
    loaded: Pipeline, tables: Tables, fitted: Fitted, recipe: FitRecipe, windows: Windows
) -> None:
    present = brought_to_present(loaded, State(tables.events, items=tables.items, users=tables.users))
    facts = {
        "trained_until": windows.test_from,
        "schema": tables.events.schema.fingerprint(),
        "roles": roles_of(tables.events.schema),
        "signals": None if recipe.signals is None else asdict(recipe.signals),
        "metrics": {"evaluations": [one.to_json() for one in fitted.evaluations]},
    }
    save(present, fitted.bundle, facts=facts)
