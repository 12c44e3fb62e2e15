"""The towers: features, training, index."""

from dataclasses import dataclass

from shortlist.features import Workflow, ops
from shortlist.index import VectorIndex
from shortlist.io import Dataset
from shortlist.models.retrieval import TowerOptions, TwoTower
from shortlist.pipeline import Match, Retrieve, State, build_index
from shortlist.recipes._data import brings_new_pairs
from shortlist.recipes._options import FitRecipe
from shortlist.recipes._weights import weighted
from shortlist.rng import derive
from shortlist.samplers import InBatch, Uniform
from shortlist.schema import Schema, tags
from shortlist.train import FitOptions, FitReport, Optimization, SampledSoftmax, fit

__all__ = ["Retriever", "fit_retriever"]

_BATCH = 1024


@dataclass(frozen=True)
class Retriever:
    """Trained towers with their workflow.

    Attributes:
        model: the two towers.
        flow: makes their columns.
        until: first moment whose events they did not learn from, microseconds.
        report: of the training.
    """

    model: TwoTower
    flow: Workflow
    until: int
    report: FitReport

    def index(self, state: State) -> VectorIndex:
        """Vectors of the catalogue of a state."""
        return build_index(self.model, self.flow, state)

    def stages(self, index: VectorIndex, k: int) -> tuple[Retrieve, Match]:
        """The source of candidates, and what puts the towers' score beside all of them."""
        source = Retrieve(self.model, index, flow=self.flow, k=k, trained_until=self.until)
        return source, Match(self.model, index, flow=self.flow, trained_until=self.until)


def fit_retriever(
    events: Dataset, recipe: FitRecipe, *, until: int, valid: Dataset | None = None, epochs: int | None = None
) -> Retriever:
    """Train towers on events.

    With ``valid`` the number of epochs is found by NDCG@10 on it (on items new to their users, where there
    are any), without it ``epochs`` are trained.
    """
    flow = retrieval_flow(events.schema, recipe).fit(events)
    seed = derive(recipe.seed, "retriever")
    query = TowerOptions(id_dropout=0.1)
    model = TwoTower(flow.schema, dim=recipe.dim, hidden=(2 * recipe.dim,), query=query, seed=seed)
    options = FitOptions(
        epochs=recipe.epochs if epochs is None else epochs,
        batch_size=_BATCH,
        patience=2,
        filter_seen=valid is None or brings_new_pairs(valid, events),
        seed=seed,
        optimization=Optimization(schedule="constant"),
    )
    train = flow.transform(weighted(events, recipe.half_life))
    held_out = None if valid is None else flow.transform(valid, log=events)
    # A log shorter than a batch has too few negatives of its own.
    negatives = InBatch() if events.count() >= _BATCH else InBatch() + Uniform(_BATCH)
    objective = SampledSoftmax(temperature=0.1, negatives=negatives)
    report = fit(model, train, objective, valid=held_out, options=options)
    return Retriever(model, flow, until, report)


def retrieval_flow(schema: Schema, recipe: FitRecipe) -> Workflow:
    """Ids, categories and numbers of users and items, and the user's history; nothing of the event itself."""
    entity = tags.any("user", "item").without(tags.any("id", "text", "ignored", "time"))
    branches = [tags.all("user", "id").also(tags.all("item", "id")) >> ops.Categorify()]
    if len(schema.select(entity.only(tags.any("categorical")))) > 0:
        branches.append(entity.only(tags.any("categorical")) >> ops.Categorify(min_count=5, max_size=10_000))
    if len(schema.select(entity.only(tags.any("continuous")))) > 0:
        branches.append(entity.only(tags.any("continuous")) >> ops.FillMissing(0.0) >> ops.Normalize())
    item = schema.item.name
    branches.append(ops.History(item, max_length=recipe.history) >> ops.Categorify(like=item))
    return Workflow(branches)
