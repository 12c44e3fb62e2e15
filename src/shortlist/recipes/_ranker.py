"""The ranker: examples of past requests, features as of each, training."""

from dataclasses import dataclass
from typing import Any

from shortlist.data import Batch
from shortlist.evaluation import RankerQuality, ranker_quality
from shortlist.features import Branch, Workflow, ops
from shortlist.io import Dataset
from shortlist.models.ranking import DCN
from shortlist.pipeline import Merge, Pipeline, Popular, Repeats, Score, Stage, State, ranking_examples
from shortlist.recipes._data import Windows
from shortlist.recipes._options import FitRecipe
from shortlist.recipes._retriever import Retriever
from shortlist.rng import derive
from shortlist.schema import Schema, Tags, select, tags
from shortlist.train import BinaryCrossEntropy, FitOptions, Optimization, fit

__all__ = ["FittedRanker", "candidate_stages", "fit_ranker", "measured_ranker"]

_POPULAR = 100
_ENOUGH = 5_000  # on fewer examples a ranker was seen to spoil the order of the towers
_NEGATIVES = 50
_NEVER_DAYS = 400.0
_COUNTS = (
    *(ops.AsOf("pair"), ops.AsOf("pair", window="90d")),
    *(ops.AsOf("item"), ops.AsOf("item", window="90d"), ops.AsOf("item", window="30d")),
    *(ops.AsOf("item", window="7d"), ops.AsOf("user"), ops.AsOf("user", window="30d")),
)
_AGES = (ops.AsOf("pair", "days_since"), ops.AsOf("item", "days_since"), ops.AsOf("user", "days_since"))


@dataclass(frozen=True)
class FittedRanker:
    """A trained ranker with its workflow, and the number of examples it learned from."""

    model: DCN
    flow: Workflow
    examples: int

    def stage(self) -> Score:
        """The stage that puts candidates in its order."""
        return Score(self.model, flow=self.flow)


def candidate_stages(retriever: Retriever, state: State, k: int) -> list[Stage]:
    """What finds candidates: the towers, what the user took before, and what is popular now."""
    source, match = retriever.stages(retriever.index(state), k)
    return [Merge(source, Repeats(k), Popular(_POPULAR, window="30d")), match]


def fit_ranker(
    retriever: Retriever, windows: Windows, state: State, recipe: FitRecipe
) -> FittedRanker | None:
    """Make examples in the ranker's window and train on them.

    Requests are asked at five moments for the users of the window, and what they take within a test's length
    counts, which is how the recommendations will be used. None with fewer than 5,000 examples: too few to
    learn an order from.
    """
    earlier = State(store=state.store, now=retriever.until)
    pipe = Pipeline(candidate_stages(retriever, earlier, recipe.k), state=state)
    examples = ranking_examples(
        pipe,
        windows.ranker,
        histories=(*_COUNTS, *_AGES),
        negatives=_NEGATIVES,
        window_us=windows.horizon,
        at=windows.snapshots,
        seed=derive(recipe.seed, "examples"),
    )
    count = examples.count()
    return None if count < _ENOUGH else FittedRanker(*_trained(examples, recipe), count)


def measured_ranker(pipe: Pipeline, windows: Windows, recipe: FitRecipe) -> RankerQuality | None:
    """How well the ranker of a pipeline tells what is taken in the test window, asked at its beginning.

    None when the pipeline has no ranker, or finds nothing of what was taken.
    """
    scores = [(place, stage) for place, stage in enumerate(pipe.stages) if isinstance(stage, Score)]
    if not scores:
        return None
    (place, score), *_ = scores
    flow: Any = score.flow
    examples = ranking_examples(
        pipe[:place],
        windows.test,
        histories=flow.histories,
        negatives=_NEGATIVES,
        window_us=windows.horizon,
        at=[windows.test_from],
        seed=derive(recipe.seed, "test examples"),
    )
    frame = flow.transform(examples).collect()
    if frame.height == 0:
        return None
    columns = {name: frame[name].to_numpy() for name in flow.schema.names if name in frame.columns}
    predicted = score.ranker.score(Batch(columns, rows=frame.height))
    return ranker_quality(frame[examples.schema.the(Tags.TARGET).name].to_numpy(), predicted)


def ranking_flow(schema: Schema) -> Workflow:
    """Counts and ages as of the request, the towers' scores, numbers and categories of users and items.

    Ids are left out: a ranker that knows them memorises what the towers have learned already.
    """
    scores = [name for name in schema.names if name in {"match_score", "match_recent"}]
    entity = tags.any("user", "item").without(tags.any("id", "text", "ignored", "time", "sequence"))
    counted = select.names(*(op.output for op in (*_COUNTS, *_AGES)))
    numbers = entity.only(tags.any("continuous")).without(counted)
    words = entity.only(tags.any("categorical"))
    standard = (ops.Normalize(), ops.Clip(-5.0, 5.0))
    never = (ops.FillMissing(_NEVER_DAYS, add_indicator=True), ops.Clip(0.0, _NEVER_DAYS))
    branches = [_chain(op, ops.LogOp(), *standard) for op in _COUNTS]
    branches += [_chain(op, *never, ops.LogOp(), *standard) for op in _AGES]
    branches.append(_chain(scores, ops.FillMissing(0.0), *standard))
    if len(schema.select(numbers)) > 0:
        branches.append(_chain(numbers, ops.FillMissing(0.0), *standard))
    if len(schema.select(words)) > 0:
        branches.append(words >> ops.Categorify(min_count=20, max_size=1_000))
    return Workflow(branches)


def _chain(columns: Any, *steps: Any) -> Branch:
    branch: Branch = columns >> steps[0]
    for step in steps[1:]:
        branch >>= step
    return branch


def _trained(examples: Dataset, recipe: FitRecipe) -> tuple[DCN, Workflow]:
    flow = ranking_flow(examples.schema).fit(examples)
    seed = derive(recipe.seed, "ranker")
    model = DCN(flow.schema, dim=8, layers=1, hidden=(64, 32), dropout=0.1, seed=seed)
    options = FitOptions(
        epochs=3,
        batch_size=1024,
        lr=2e-3,
        seed=seed,
        optimization=Optimization(dense_lr=2e-3, schedule="cosine", warmup=0.1, weight_decay=1e-5),
    )
    fit(model, flow.transform(examples), BinaryCrossEntropy(), options=options)
    return model, flow
