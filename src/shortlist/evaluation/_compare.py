"""Recommenders beside baselines that were tuned on the same budget."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shortlist.errors import ArgumentError, DataError
from shortlist.evaluation._baselines import listing, reach, seen_matrix
from shortlist.evaluation._comparison import Comparison, Tuned
from shortlist.evaluation._evaluate import DEFAULT_METRICS, Seen, drops_seen, evaluate
from shortlist.evaluation._spaces import Baseline, baseline_spaces, trials_of
from shortlist.io import Dataset
from shortlist.metrics import read_name
from shortlist.pipeline import Pipeline, State
from shortlist.rng import generator
from shortlist.split import Split

__all__ = ["Budget", "compare"]

Runs = Mapping[str, Pipeline | Sequence[Pipeline]]


@dataclass(frozen=True)
class Budget:
    """What tuning the baselines may cost.

    Attributes:
        trials: settings tried for each baseline, its defaults among them; give as many as your own model
            had. 1 is no tuning.
        spaces: name -> baseline with its grid; None for `baseline_spaces`.
        seed: of the settings drawn, and of the intervals.
    """

    trials: int = 8
    spaces: Mapping[str, Baseline] | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.trials < 1:
            raise ArgumentError(
                "Budget.trials", received=self.trials, expected="an integer >= 1", remedy="pass trials=8"
            )


def compare(
    recommenders: Runs,
    split: Split,
    *,
    metrics: Sequence[str] = DEFAULT_METRICS,
    seen: Seen = "as served",
    budget: Budget | None = None,
) -> Comparison:
    """Measure recommenders on the test part, beside baselines tuned on the validation part.

    Each baseline tries as many settings of its grid as the budget says: it learns from the training part,
    and the first metric on the validation part chooses. With the settings chosen it learns from the
    events of the recommenders' state, and is measured on the test part with them. A split without validation
    leaves every baseline at its defaults, and says so.

    Args:
        recommenders: name -> a pipeline, or several runs of it (seeds); all share one state, which must not
            know the test part.
        split: what made the parts.
        metrics: names such as ``"ndcg@10"``; the first decides.
        seen: see `evaluate`.
        budget: of the tuning.

    Raises:
        ArgumentError: there is no recommender, a name stands for a baseline too, or states differ.
        DataError: the test part holds no positive event.
    """
    chosen = budget or Budget()
    runs = {name: [one] if isinstance(one, Pipeline) else list(one) for name, one in recommenders.items()}
    first = next(iter(next(iter(runs.values()), [])), None)
    if first is None or first.state is None:
        raise ArgumentError(
            "compare", received=f"{len(runs)} recommenders", expected="at least one, with a state"
        )
    drop_seen = drops_seen(first) if seen == "as served" else seen == "drop"
    how: Seen = "drop" if drop_seen else "keep"
    spaces = _spaces(chosen, runs, first.state, drop_seen=drop_seen)
    tuned = {}
    for name, space in spaces.items():
        trials = trials_of(space, chosen.trials, generator(chosen.seed, "compare", name))
        tuned[name] = _tuned(space, trials, split, metrics[0], how)
    pipes = {f"{name} {run}": pipe for name, pipes in runs.items() for run, pipe in enumerate(pipes, 1)}
    pipes |= _refitted(spaces, tuned, first.state, split, metrics, drop_seen=drop_seen)
    found = evaluate(
        pipes, split.test, metrics=metrics, seen=how, baselines=False, split=split, seed=chosen.seed
    )
    members = {name: tuple(f"{name} {run}" for run in range(1, len(one) + 1)) for name, one in runs.items()}
    members |= {name: (name,) for name in spaces}
    return Comparison(found, members, tuned, chosen.trials)


def _spaces(
    budget: Budget, runs: Mapping[str, Sequence[Pipeline]], state: State, *, drop_seen: bool
) -> Mapping[str, Baseline]:
    spaces = budget.spaces
    if spaces is None:
        spaces = baseline_spaces(len(state.items), drop_seen=drop_seen)
    same = sorted(runs.keys() & spaces.keys())
    if same:
        raise ArgumentError(
            "compare", received=f"a recommender named {same[0]!r}", expected="a name that no baseline has"
        )
    return spaces


def _tuned(space: Baseline, trials: list[dict[str, Any]], split: Split, metric: str, seen: Seen) -> Tuned:
    """The settings that are best on the validation part."""
    if split.valid is None or len(trials) == 1:
        return Tuned(trials[0], (), metric)
    known = split.train
    if "valid" in split.fold_in:
        known = Dataset.of([known.collect(), split.fold_in["valid"].collect()], known.schema)
    state = State(known)
    matrix = seen_matrix(state, split.train if split.fold_in else None)
    k = read_name(metric).k
    span = reach(state, matrix, k, drop_seen=seen == "drop")
    scores = []
    for settings in trials:
        pipe = listing(space.make(matrix, span, settings), state, k, drop_seen=seen == "drop")
        try:
            found = evaluate(pipe, split.valid, metrics=(metric,), seen=seen, baselines=False)
        except DataError:  # nothing to find in the validation part
            return Tuned(trials[0], (), metric)
        scores.append(found.of("pipeline", metric))
    best = max(range(len(trials)), key=lambda place: scores[place])
    return Tuned(trials[best], tuple(zip(trials, scores, strict=True)), metric)


def _refitted(
    spaces: Mapping[str, Baseline],
    tuned: Mapping[str, Tuned],
    state: State,
    split: Split,
    metrics: Sequence[str],
    *,
    drop_seen: bool,
) -> dict[str, Pipeline]:
    matrix = seen_matrix(state, split.train if split.fold_in else None)
    k = max(read_name(name).k for name in metrics)
    span = reach(state, matrix, k, drop_seen=drop_seen)
    return {
        name: listing(space.make(matrix, span, tuned[name].settings), state, k, drop_seen=drop_seen)
        for name, space in spaces.items()
    }
