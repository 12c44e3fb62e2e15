"""Evaluate recommenders over held-out events, with the baselines beside them."""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from shortlist import metrics as m
from shortlist.errors import ArgumentError
from shortlist.evaluation._baselines import baselines as baselines_of
from shortlist.evaluation._evaluation import Evaluation, measured
from shortlist.evaluation._lists import recommended
from shortlist.evaluation._protocol import EvaluationProtocol
from shortlist.evaluation._slices import slices_of
from shortlist.evaluation._truth import Truth, truth_of
from shortlist.io import Dataset
from shortlist.pipeline import Drop, Pipeline, Score, State, Take

__all__ = ["DEFAULT_METRICS", "Seen", "by_stage", "evaluate"]

DEFAULT_METRICS = ("ndcg@10", "recall@10", "precision@10", "mrr@10", "map@10", "hit_rate@10")

Seen = Literal["as served", "keep", "drop"]
Queries = Literal["user", "event"]


def evaluate(
    recommender: Pipeline | Mapping[str, Pipeline],
    test: Dataset,
    *,
    metrics: Sequence[str] = DEFAULT_METRICS,
    seen: Seen = "as served",
    queries: Queries = "user",
    baselines: bool = True,
    split: str = "global time",
    seed: int = 0,
) -> Evaluation:
    """Measure a pipeline over held-out events against the full catalogue; no sampled metrics.

    Every user of the test set is asked for once at the state's present; an item that the catalogue lacks
    counts as a miss. The baselines learn from the state's events and are served by the same pipeline code.

    Args:
        recommender: a pipeline, or several by name; they share one state.
        test: held-out events.
        metrics: names such as ``"ndcg@10"``.
        seen: ``"drop"`` takes the user's seen items out of lists and truth, ``"keep"`` leaves them in both,
            ``"as served"`` does what the (first) pipeline does.
        queries: ``"user"``: one query a user; ``"event"``: every held-out event is one, with one right item.
        baselines: put popularity, repeats, item-kNN, EASE and iALS beside it.
        split: how the test set came about, printed with the numbers.
        seed: of the intervals.

    Raises:
        ArgumentError: there is no pipeline, or they do not share a state.
        DataError: the test set holds no positive event.
    """
    pipelines, state = _named(recommender)
    drop_seen = _drops_seen(next(iter(pipelines.values()))) if seen == "as served" else seen == "drop"
    truth = truth_of(test, state, drop_seen=drop_seen, queries=queries)
    k = max(m.parse(name)[1] for name in metrics)
    asked = {name: _serving(pipe, drop_seen=drop_seen, k=k) for name, pipe in pipelines.items()}
    if baselines:
        asked |= baselines_of(state, k, drop_seen=drop_seen)
    lists = {name: recommended(pipe, truth.users, k) for name, pipe in asked.items()}
    catalogue = len(state.store.items)
    protocol = EvaluationProtocol(
        split,
        catalogue,
        "seen items filtered" if drop_seen else "seen items kept",
        "one query a user" if queries == "user" else "one query an event",
        len(truth.query_user),
        truth.unknown_items,
        truth.left_out,
    )
    values = {name: _values(found, truth, metrics) for name, found in lists.items()}
    coverage = {name: m.coverage(found, catalogue) for name, found in lists.items()}
    return Evaluation(protocol, values, coverage, slices_of(truth, state), seed)


def by_stage(
    pipeline: Pipeline,
    test: Dataset,
    *,
    metrics: Sequence[str] = ("recall@10", "ndcg@10"),
    seen: Seen = "as served",
    split: str = "global time",
) -> Evaluation:
    """Measure what each prefix of a pipeline would have answered: what every stage adds or loses.

    Ask for a deep cut such as ``"recall@200"`` to see what a later stage can still find.
    """
    drop_seen = _drops_seen(pipeline) if seen == "as served" else seen == "drop"
    served = _serving(pipeline, drop_seen=drop_seen, k=max(m.parse(name)[1] for name in metrics))
    prefixes = {f"{n + 1} {stage.name}": served[: n + 1] for n, stage in enumerate(served.stages)}
    kept: Seen = "drop" if drop_seen else "keep"
    return evaluate(prefixes, test, metrics=metrics, seen=kept, baselines=False, split=split)


def _named(recommender: Pipeline | Mapping[str, Pipeline]) -> tuple[dict[str, Pipeline], State]:
    pipelines = dict(recommender) if isinstance(recommender, Mapping) else {"pipeline": recommender}
    states = {id(pipe.state): pipe.state for pipe in pipelines.values()}
    if len(states) != 1 or None in states.values():
        raise ArgumentError(
            "evaluate",
            received=f"{len(pipelines)} pipelines with {len(states)} states",
            expected="at least one pipeline, all with one state",
            remedy="build them with Pipeline(stages, state=state)",
        )
    return pipelines, next(iter(states.values()))


def _drops_seen(pipe: Pipeline) -> bool:
    return any(isinstance(stage, Drop) and stage.seen for stage in pipe.stages)


def _serving(pipe: Pipeline, *, drop_seen: bool, k: int) -> Pipeline:
    """The same pipeline with seen items dropped or not, and room for k items."""
    stages = [stage for stage in pipe.stages if not (isinstance(stage, Drop) and stage.seen)]
    stages = [Take(max(stage.k, k)) if isinstance(stage, Take) else stage for stage in stages]
    if drop_seen:
        scored = [place for place, stage in enumerate(stages) if isinstance(stage, Score | Take)]
        stages.insert(scored[0] if scored else len(stages), Drop(seen=True))
    return Pipeline(stages, state=pipe.state)


def _values(
    lists: npt.NDArray[np.int64], truth: Truth, names: Sequence[str]
) -> dict[str, npt.NDArray[np.float64]]:
    found = m.hits(lists[truth.query_user], truth.items.offsets, truth.items.values)
    return measured(found, truth.items.lengths, names)
