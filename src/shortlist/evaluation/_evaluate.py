"""Evaluate recommenders over held-out events, with the baselines beside them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal, get_args

import numpy as np

from shortlist.errors import ArgumentError, near
from shortlist.evaluation._asked import Asked
from shortlist.evaluation._baselines import baselines as baselines_of
from shortlist.evaluation._evaluation import Evaluation
from shortlist.evaluation._launch import Launch, at_launch
from shortlist.evaluation._lists import recommended
from shortlist.evaluation._protocol import EvaluationProtocol
from shortlist.evaluation._slices import slices_of
from shortlist.evaluation._truth import Truth, truth_of
from shortlist.evaluation._values import depth, values_of
from shortlist.io import Dataset, need_dataset
from shortlist.metrics import read_name
from shortlist.pipeline import Drop, Pipeline, Score, Stage, State, Take, with_products
from shortlist.split import Split

__all__ = ["DEFAULT_METRICS", "Seen", "by_stage", "drops_seen", "evaluate"]

DEFAULT_METRICS = ("ndcg@10", "recall@10", "precision@10", "mrr@10", "map@10", "hit_rate@10")

_MANY_USERS = 1000

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
    split: Split | str = "held-out events as given",
    seed: int = 0,
) -> Evaluation:
    """Measure a pipeline over held-out events against the full catalogue; sampled metrics only by name.

    Every user of the test set is asked for once at the state's present, frozen. Items that came later leave
    the catalogue: those whose item column tagged "launch" says so, or, without one, those that the state's
    log first saw later. An item that the catalogue lacks counts as a miss. A pipeline is measured as it is,
    but for its seen filter, which ``seen`` decides, and a last `Take` shorter than the metrics need; for a
    thousand users or more an exact index is searched by matrix products, which finds the same. The
    baselines learn from the state's events (of the training users alone where the split holds out whole
    users) and are served by the same pipeline code.

    Args:
        recommender: a pipeline, or several by name; they share one state.
        test: held-out events.
        metrics: names such as ``"ndcg@10"``; see `shortlist.metrics.read_name` for variants.
        seen: ``"drop"`` takes the user's seen items out of lists and truth, ``"keep"`` leaves them in both,
            ``"as served"`` does what the (first) pipeline does.
        queries: ``"user"``: one query a user; ``"event"``: every held-out event is one, with one right item.
        baselines: put popularity, repeats, item-kNN, EASE and iALS beside it.
        split: how the test set came about, printed with the numbers: what made it, or words.
        seed: of the intervals, and of what sampled and debiased metrics draw.

    Raises:
        ArgumentError: there is no pipeline or no metric, an option is unknown, or the pipelines do not share
            a state, or a sampled metric would need more memory than 4 GB.
        DataError: the test set is no data set, or holds no positive event.
    """
    need_dataset(test, "evaluate(test)")
    _check(metrics, seen, queries)
    names = [read_name(name) for name in metrics]
    pipelines, state = _named(recommender)
    state, launch = at_launch(state)
    drop_seen = drops_seen(next(iter(pipelines.values()))) if seen == "as served" else seen == "drop"
    truth = truth_of(test, state, drop_seen=drop_seen, queries=queries)
    k = depth(names, len(state.items), len(truth.users))
    many = len(truth.users) >= _MANY_USERS
    served = {
        name: _serving(with_products(pipe) if many else pipe, drop_seen=drop_seen, k=k).with_state(state)
        for name, pipe in pipelines.items()
    }
    if baselines:
        learned = split.train if isinstance(split, Split) and split.fold_in else None
        served |= baselines_of(state, k, drop_seen=drop_seen, learn_from=learned)
    lists = {name: recommended(pipe, truth.users, k) for name, pipe in served.items()}
    asked = Asked(state, truth, lists, max(name.k for name in names))
    protocol = _protocol(split, asked, launch, queries, drop_seen=drop_seen)
    values = {model: values_of(asked, model, names, drop_seen=drop_seen, seed=seed) for model in lists}
    shown = {name: np.unique(found[:, : asked.k][found[:, : asked.k] >= 0]) for name, found in lists.items()}
    coverage = {name: len(items) / max(protocol.catalogue, 1) for name, items in shown.items()}
    return Evaluation(protocol, values, coverage, slices_of(truth, state), seed, asked)


def by_stage(
    pipeline: Pipeline,
    test: Dataset,
    *,
    metrics: Sequence[str] = ("recall@10", "ndcg@10"),
    seen: Seen = "as served",
    split: Split | str = "held-out events as given",
) -> Evaluation:
    """Measure what each prefix of a pipeline would have answered: what every stage adds or loses.

    Where seen items are dropped they are dropped from every prefix, so that all have the same to find.
    Ask for a deep cut such as ``"recall@200"`` to see what a later stage can still find. Arguments and errors
    are those of `evaluate`.
    """
    _check(metrics, seen, "user")
    drop_seen = drops_seen(pipeline) if seen == "as served" else seen == "drop"
    served = _serving(pipeline, drop_seen=drop_seen, k=max(read_name(name).k for name in metrics))
    prefixes = {f"{n + 1} {stage.name}": served[: n + 1] for n, stage in enumerate(served.stages)}
    kept: Seen = "drop" if drop_seen else "keep"
    return evaluate(prefixes, test, metrics=metrics, seen=kept, baselines=False, split=split)


def _protocol(
    split: Split | str, asked: Asked, launch: Launch, queries: Queries, *, drop_seen: bool
) -> EvaluationProtocol:
    truth: Truth = asked.truth
    return EvaluationProtocol(
        split if isinstance(split, str) else split.protocol,
        int(np.count_nonzero(asked.state.store.listed)),
        "seen items filtered" if drop_seen else "seen items kept",
        "one query a user" if queries == "user" else "one query an event",
        len(truth.query_user),
        truth.unknown_items,
        truth.left_out,
        "" if isinstance(split, str) else split.code,
        launch.left_out,
        launch.rule,
        truth.cold_users,
        truth.cold_items,
        () if isinstance(split, str) else split.report.warnings,
    )


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
    (state,) = states.values()
    return pipelines, State(store=state.store, now=state.now) if state.is_live else state


def _check(metrics: Sequence[str], seen: str, queries: str) -> None:
    if len(metrics) == 0:
        raise ArgumentError("evaluate.metrics", received=metrics, expected="at least one, such as 'ndcg@10'")
    for name, value, known in (("seen", seen, get_args(Seen)), ("queries", queries, get_args(Queries))):
        if value not in known:
            raise ArgumentError(
                f"evaluate.{name}", received=value, expected=f"one of {known}", remedy=near(value, known)
            )


def drops_seen(pipe: Pipeline) -> bool:
    """Whether a pipeline filters what a user had before."""
    return any(isinstance(stage, Drop) and stage.seen for stage in pipe.stages)


def _serving(pipe: Pipeline, *, drop_seen: bool, k: int) -> Pipeline:
    """The same pipeline with seen items dropped or not, and room for k items."""
    stages = list(pipe.stages)
    if not drop_seen:
        stages = [kept for stage in stages for kept in _without_seen(stage)]
    elif not drops_seen(pipe):
        scored = [place for place, stage in enumerate(stages) if isinstance(stage, Score | Take)]
        stages.insert(scored[0] if scored else len(stages), Drop(seen=True))
    last = stages[-1] if stages else None
    if isinstance(last, Take):
        stages[-1] = replace(last, k=max(last.k, k))
    return Pipeline(stages, state=pipe.state, fallback=pipe.fallback)


def _without_seen(stage: Stage) -> list[Stage]:
    """The stage without its seen filter; nothing is left of a `Drop` that had no other reason."""
    if not (isinstance(stage, Drop) and stage.seen):
        return [stage]
    return [] if stage.where is None and stage.unless is None else [replace(stage, seen=False)]
