"""Every kind of negatives in training: what is compared, with which weights, and an exact resume."""

import math
from functools import partial

import numpy as np
import polars as pl
import pytest
import torch
from safetensors.torch import load_file

from shortlist import losses
from shortlist.errors import ArgumentError, SchemaError
from shortlist.io import Dataset
from shortlist.models.retrieval import TowerOptions, TwoTower
from shortlist.nn import RowWiseAdam, sparse_tables
from shortlist.samplers import (
    DeviceSampler,
    Everything,
    Exposed,
    Hardest,
    InBatch,
    LogUniform,
    Mined,
    Queue,
    Streaming,
    Uniform,
    Unigram,
    shared_sources,
)
from shortlist.schedules import Linear
from shortlist.schema import LIST, Column, Domain
from shortlist.train import Checkpoints, Contrast, FitOptions, FullSoftmax, SampledSoftmax, _retrieval, fit
from shortlist.train._binding import Binding
from shortlist.train._comparison import softmax
from shortlist.train._device_items import DeviceItems
from shortlist.train._forbidden import Forbidden

SEVERAL = [
    InBatch() + Unigram(32),
    InBatch() + LogUniform(32),
    InBatch() + Queue(3),
    InBatch() + Queue(3, cached=False) + Uniform(8),
    InBatch() + Hardest(4, Uniform(20)),
    Hardest(4, InBatch()),
    InBatch() + Mined(4, ranks=(2, 15), share=0.2),
    InBatch() + Mined(4, ranks=(2, 15), share=Linear(0.0, 0.3, after=0.3), every=2),
    InBatch() + Exposed("shown", share=0.3),
]


@pytest.fixture(scope="module")
def shown(schema, train):
    """The training rows with what was shown and not taken, and their schema."""
    column = Column("shown", "int64", ("sequence", "shown"), LIST, Domain("item", 43))
    rng = np.random.default_rng(3)
    lists = [rng.integers(3, 43, size=row % 4).tolist() for row in range(train.height)]
    return Dataset.of(
        train.with_columns(shown=pl.Series(lists, dtype=pl.List(pl.Int64))), schema.merge([column])
    )


@pytest.fixture(scope="module")
def losses_seen():
    return {}


def task_of(objective, schema, data, **options):
    model = TwoTower(schema, dim=8, seed=1)
    chosen = FitOptions(**{"batch_size": 64, "precision": "float32", **options})
    return objective.prepare(model, data, None, chosen)


def first(task, number=1):
    for _, batch in zip(range(number), task.loader, strict=False):
        compared = task.compare(batch)
    return batch, compared


@pytest.mark.parametrize("negatives", SEVERAL, ids=str)
@pytest.mark.parametrize("kind", ["softmax", "scores"])
def test_every_kind_of_negatives_learns(schema, shown, valid, negatives, kind):
    objective = (
        SampledSoftmax(0.2, negatives)
        if kind == "softmax"
        else Contrast(losses.bpr, negatives, temperature=0.2)
    )
    model = TwoTower(schema, dim=8)
    report = fit(model, shown, objective, valid, FitOptions(epochs=4, batch_size=128, lr=0.02))
    assert report.epochs[-1].loss < report.epochs[0].loss
    assert report.best_metric > 0.4


@pytest.mark.parametrize("negatives", SEVERAL, ids=str)
def test_a_resumed_run_ends_with_the_same_weights(schema, shown, negatives, tmp_path):
    def run(folder, steps=10**9):
        model, calls = (
            TwoTower(schema, dim=4, hidden=(8,), query=TowerOptions(dropout=0.2)),
            iter(range(steps)),
        )

        def count(*_):
            if model.training and next(calls, None) is None:
                raise KeyboardInterrupt

        model.query.register_forward_pre_hook(count)
        logq = Streaming() if any(isinstance(part, Queue) for part in shared_sources(negatives)) else True
        options = FitOptions(
            epochs=3, batch_size=256, lr=0.02, precision="float32", checkpoint=Checkpoints(folder, every=4)
        )
        fit(model, shown, SampledSoftmax(0.2, negatives, logq=logq), options=options)
        return load_file(folder / "last" / "weights.safetensors")

    whole = run(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "parts", 9)
    resumed = run(tmp_path / "parts")
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def dense_softmax(compared):
    """Cross-entropy with every score in one matrix."""
    positive = (compared.queries * compared.columns[compared.positives]).sum(1) / compared.temperature
    if compared.positive_log_weights is not None:
        positive = positive + compared.positive_log_weights
    shared = compared.queries @ compared.columns.T / compared.temperature + compared.log_weights
    shared = shared.clone()
    shared[compared.exclude] = -torch.inf
    own = torch.einsum("bd,bhd->bh", compared.queries, compared.own.vectors) / compared.temperature
    everything = torch.cat([positive[:, None], shared, own + compared.own.log_weights], 1)
    rows = everything.logsumexp(1) - positive
    weights = torch.ones(len(rows)) if compared.weights is None else compared.weights
    return (rows * weights).sum() / weights.sum()


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("correct_positive", [False, True])
def test_own_negatives_enter_the_softmax_exactly(schema, shown, weighted, correct_positive):
    objective = SampledSoftmax(
        0.3, InBatch() + Exposed("shown", share=0.4), correct_positive=correct_positive
    )
    task = task_of(objective, schema, shown)
    _, compared = first(task)
    assert (compared.own.log_weights == -torch.inf).any()
    if weighted:
        compared = compared._replace(weights=torch.arange(64.0))
    parts = [compared.queries.detach(), compared.columns.detach(), compared.own.vectors.detach()]
    grads = []
    for loss in (softmax, dense_softmax):
        queries, columns, own = (part.clone().requires_grad_() for part in parts)
        value = loss(
            compared._replace(queries=queries, columns=columns, own=compared.own._replace(vectors=own))
        )
        value.backward()
        grads.append((value, queries.grad, columns.grad, own.grad))
    for left, right in zip(*grads, strict=True):
        assert torch.allclose(left, right, rtol=1e-4, atol=1e-6)


def test_shares_of_the_weight(schema, shown):
    objective = SampledSoftmax(
        0.3, InBatch() + Exposed("shown", n=2, share=0.2) + Hardest(4, Uniform(30), share=0.3)
    )
    _, compared = first(task_of(objective, schema, shown))
    # 40 items stand for half of the weight: 16 for a fifth of it, 24 for three tenths.
    weights = compared.own.log_weights.exp()
    there = weights[:, :2].sum(1) > 0
    assert weights[there, :2].sum(1).tolist() == pytest.approx([16.0] * int(there.sum()))
    assert weights[:, 2:].sum(1).tolist() == pytest.approx([24.0] * 64)
    alone = first(task_of(SampledSoftmax(0.3, Hardest(4, Uniform(30))), schema, shown))[1]
    assert alone.own.log_weights.eq(0).all()
    assert alone.log_weights.eq(-torch.inf).all()
    uncorrected = SampledSoftmax(0.3, InBatch() + Hardest(4, Uniform(30), share=0.5), logq=False)
    weights = first(task_of(uncorrected, schema, shown))[1].own.log_weights.exp()
    assert weights.sum(1).tolist() == pytest.approx([64.0] * 64)


def scores_of(task, batch, compared):
    """Scores of all 40 items for the rows of a batch, and what each row may not have as a negative."""
    codes = torch.arange(3, 43)
    with torch.no_grad():
        scores = compared.queries @ task._binding.vectors_of(codes).T
    population = task._binding.catalogue.population
    forbidden = torch.zeros(len(batch), 40, dtype=torch.bool)
    for row, (user, item) in enumerate(zip(batch["user"].tolist(), batch["item"].tolist(), strict=True)):
        forbidden[row, item - 3] = True
        known = population.known_items[population.known_starts[user] : population.known_starts[user + 1]]
        forbidden[row, known - 3] = True
    return scores.masked_fill(forbidden, -torch.inf), forbidden


def picked_codes(task, compared):
    """Item codes of the own negatives, found by their vectors; -1 for none."""
    items = task._binding.vectors_of(torch.arange(3, 43))
    nearest = torch.cdist(compared.own.vectors, items.expand(len(compared.own.vectors), -1, -1)).argmin(2) + 3
    return nearest.masked_fill(compared.own.log_weights == -torch.inf, -1)


def test_the_hardest_are_the_best_scored_that_are_not_forbidden(schema, shown):
    class All(Everything):
        """The whole catalogue as a sample."""

    task = task_of(SampledSoftmax(0.3, InBatch() + Hardest(3, All())), schema, shown)
    batch, compared = first(task)
    scores, _ = scores_of(task, batch, compared)
    expected = scores.topk(3, dim=1).indices + 3
    assert picked_codes(task, compared).sort(1).values.tolist() == expected.sort(1).values.tolist()


def test_mined_items_are_in_the_band_of_an_index_that_is_refreshed(schema, shown):
    task = task_of(SampledSoftmax(0.3, InBatch() + Mined(3, ranks=(2, 6), every=2)), schema, shown)
    mined = task._own.mined["0"]
    batches = iter(task.loader)
    windows, found = [], []
    for number in range(5):
        batch = next(batches)
        compared = task.compare(batch)
        windows.append(int(mined.window))
        scores, _ = scores_of(task, batch, compared)
        ranks = scores.argsort(dim=1, descending=True).argsort(1) + 1
        codes = picked_codes(task, compared)
        assert (codes >= 3).all()
        found.append(torch.gather(ranks, 1, codes - 3))
        assert (found[-1].sort(1).values.diff(dim=1) > 0).all()
        if number == 1:
            with torch.no_grad():
                task._binding.model.tables.weight.mul_(-1.0)
    assert windows == [0, 0, 1, 1, 2]
    # The weights change after the second step; the index is built anew at the third.
    assert all(int(ranks.min()) == 2 and int(ranks.max()) == 6 for ranks in found)


def test_an_approximate_index_is_searched_past_what_is_forbidden(schema, shown):
    task = task_of(SampledSoftmax(0.3, InBatch() + Mined(3, ranks=(2, 6))), schema, shown)
    batch, compared = first(task)
    mined = task._own.mined["0"]
    binding, queries = task._binding, compared.queries.detach()
    forbidden = Forbidden(binding, task._own._known, batch)
    exact, approximate = (search(queries, forbidden, 6) for search in (mined._exact, mined._approximate))
    for row in range(len(batch)):
        left, right = (codes[row][allowed[row]][:6].tolist() for codes, allowed in (exact, approximate))
        assert left == right
        assert len(left) == 6


def test_mining_goes_by_epochs_and_ends_with_the_catalogue(schema, shown):
    task = task_of(SampledSoftmax(0.3, InBatch() + Mined(5, ranks=(36, 60))), schema, shown)
    for _ in range(2):
        for batch in task.loader:
            compared = task.compare(batch)
    assert int(task._own.mined["0"].window) == 1
    # Rank 36 and above of 40, without the known ones: nearly nothing.
    assert (picked_codes(task, compared) == -1).float().mean() > 0.8


def test_what_was_shown_is_a_negative_of_its_own_row_alone(schema, shown):
    task = task_of(SampledSoftmax(0.3, InBatch() + Exposed("shown", n=2)), schema, shown)
    batch, compared = first(task)
    lists, codes = batch["shown"], picked_codes(task, compared)
    _, forbidden = scores_of(task, batch, compared)
    for row in range(len(batch)):
        own = lists.values[lists.offsets[row] : lists.offsets[row + 1]].tolist()
        allowed = {code for code in own if not forbidden[row, code - 3]}
        received = [code for code in codes[row].tolist() if code >= 0]
        assert set(received) <= allowed
        assert len(received) == min(2, sum(code in allowed for code in own))


def test_a_share_of_nothing_draws_nothing(schema, shown):
    late = Linear(0.0, 0.4, share=0.5, after=0.5)
    task = task_of(
        SampledSoftmax(0.3, InBatch() + Mined(3, ranks=(2, 9), share=late)), schema, shown, epochs=2
    )
    counts = []
    for _ in range(2):
        counts += [task.compare(batch).own is None for batch in task.loader]
    half = len(counts) // 2
    assert all(counts[:half])
    assert not any(counts[half + 2 :])


def test_a_queue_keeps_vectors_without_gradient(schema, shown):
    task = task_of(SampledSoftmax(0.3, Queue(2)), schema, shown, batch_size=16)
    batches, earlier, codes = iter(task.loader), set(), torch.arange(3, 43)
    for _ in range(2):
        batch = next(batches)
        task.compare(batch)
        earlier |= set(batch["item"].tolist())
    before = task._binding.vectors_of(codes).detach()
    with torch.no_grad():
        task._binding.model.tables.weight.mul_(-1.0)
    batch = next(batches)
    compared, own = task.compare(batch), set(batch["item"].tolist())
    now = task._binding.vectors_of(codes).detach()

    def nearest(vector):
        return float((compared.columns.detach() - vector).norm(dim=1).min())

    assert earlier - own
    for code in range(3, 43):
        assert (nearest(now[code - 3]) < 1e-5) == (code in own)
        assert (nearest(before[code - 3]) < 1e-5) == (code in earlier - own)
    compared.columns.square().sum().backward()
    touched = task._binding.model.tables.take_gradients()[0] - task._binding.model.tables.starts["item"]
    assert set(touched.tolist()) - {0} <= own


def test_the_whole_catalogue_without_sampling(schema, shown):
    for mask_known in (True, False):
        objective = FullSoftmax(0.3, mask_known=mask_known)
        task = task_of(objective, schema, shown)
        batch, compared = first(task)
        codes = torch.arange(3, 43)
        scores = (compared.queries @ task._binding.vectors_of(codes).T) / 0.3
        _, forbidden = scores_of(task, batch, compared)
        own = torch.nn.functional.one_hot(batch["item"] - 3, 40).bool()
        scores = scores.masked_fill(forbidden & ~own, -torch.inf) if mask_known else scores
        expected = torch.nn.functional.cross_entropy(scores, batch["item"] - 3)
        # Items of the batch are encoded with the features of their row: here they are the same in all.
        assert objective.value(compared).item() == pytest.approx(expected.item(), rel=1e-4)
    smoothed = FullSoftmax(0.3, label_smoothing=0.2)
    assert smoothed.value(compared).item() != pytest.approx(expected.item(), rel=1e-3)


def test_a_loss_of_scores_sees_the_scores_and_their_weights(schema, shown):
    seen = {}

    def spy(positives, negatives, *, log_weights, exclude, weights):
        seen.update(
            positives=positives,
            negatives=negatives,
            log_weights=log_weights,
            exclude=exclude,
            weights=weights,
        )
        return negatives.sum()

    objective = Contrast(spy, Uniform(16) + Hardest(2, Uniform(9), share=0.5), temperature=0.5)
    task = task_of(objective, schema, shown)
    batch, compared = first(task)
    objective.value(compared)
    drawn = int((compared.log_weights > -torch.inf).sum())
    assert seen["negatives"].shape == seen["exclude"].shape == seen["log_weights"].shape == (64, drawn + 2)
    # Sixteen uniform draws stand for 40 items, and so do the two hardest.
    assert seen["log_weights"][:, :drawn].exp().sum(1).tolist() == pytest.approx([40.0] * 64)
    assert seen["log_weights"][:, drawn:].exp().sum(1).tolist() == pytest.approx([40.0] * 64)
    scores, _ = scores_of(task, batch, compared)
    kept = compared.log_weights > -torch.inf
    mask = torch.zeros(64, len(kept), dtype=torch.bool)
    mask[compared.exclude] = True
    assert torch.equal(seen["exclude"][:, :drawn], mask[:, kept])
    own = (compared.queries * compared.columns[compared.positives]).sum(1) / 0.5
    assert torch.allclose(seen["positives"], own)
    assert seen["weights"] is None
    assert math.isfinite(scores.max().item())


@pytest.mark.parametrize(
    "objective",
    [
        Contrast(losses.bpr, temperature=0.2),
        Contrast(losses.bpr, Unigram(64)),
        Contrast(losses.bpr, Unigram(256, alpha=1.0), logq=False),
        Contrast(losses.bpr, Unigram(256, alpha=1.0)),
        Contrast(losses.bpr, mask_known=False),
        Contrast(losses.hinge),
        Contrast(partial(losses.hinge, margin=0.5)),
        FullSoftmax(),
        FullSoftmax(temperature=0.3),
        FullSoftmax(mask_known=False),
        FullSoftmax(label_smoothing=0.1),
        SampledSoftmax(logq=Streaming()),
        SampledSoftmax(negatives=InBatch() + Queue(2)),
        SampledSoftmax(negatives=InBatch() + Queue(4)),
        SampledSoftmax(negatives=InBatch() + Queue(4, cached=False)),
        SampledSoftmax(negatives=InBatch() + Exposed("shown")),
        SampledSoftmax(negatives=InBatch() + Exposed("shown", n=1)),
        SampledSoftmax(negatives=InBatch() + Exposed("shown", share=0.5)),
        SampledSoftmax(negatives=InBatch() + Mined(4, (2, 9))),
        SampledSoftmax(negatives=InBatch() + Mined(4, (2, 9), every=1)),
        SampledSoftmax(negatives=InBatch() + Mined(4, (2, 9), share=0.4)),
        SampledSoftmax(negatives=InBatch() + Hardest(4, Uniform(8))),
    ],
    ids=lambda objective: str(objective).replace(" ", "")[:100],
)
@pytest.mark.filterwarnings("ignore:fit. a batch of")
def test_every_option_changes_the_loss(schema, shown, losses_seen, objective):
    report = fit(TwoTower(schema, dim=4), shown, objective, options=FitOptions(epochs=1, batch_size=24))
    assert report.epochs[0].loss not in losses_seen.values()
    losses_seen[str(objective)] = report.epochs[0].loss


def test_items_on_a_device_are_those_of_the_processor(schema, shown, train):
    model = TwoTower(schema.without("history"), dim=4, seed=2)
    tagged = Column("tags", "int64", ("item", "sequence"), LIST, Domain("tag", 9))
    lists = pl.Series([[1 + row % 3, 4][: row % 3] for row in range(train.height)], dtype=pl.List(pl.Int64))
    data = Dataset.of(train.with_columns(tags=lists), schema.merge([tagged]))
    model = TwoTower(data.schema, dim=4, seed=2)
    objective = SampledSoftmax(0.2, InBatch() + Uniform(30))
    task = objective.prepare(model, data, None, FitOptions(batch_size=20, precision="float32"))
    binding = task._binding
    for _, batch in zip(range(3), task.loader, strict=False):
        drawn = task._sample(binding.items(batch), binding.users(batch))
        here = binding.vectors(batch, drawn)
        binding._on_device = DeviceItems(binding.catalogue.items, binding.catalogue.row_of, "cpu")
        there = binding.vectors(batch, drawn)
        alone = binding.vectors_of(drawn.codes)
        binding._on_device = None
        assert torch.allclose(here, there, atol=1e-6)
        assert torch.allclose(binding.vectors_of(drawn.codes), alone, atol=1e-6)
        assert not torch.allclose(here, alone, atol=1e-6)


def test_the_path_of_a_device_learns_as_that_of_the_processor(schema, shown, monkeypatch):
    def last_loss(on_device):
        if on_device:
            monkeypatch.setattr(_retrieval, "sampler_for", _device_sampler)
        task = task_of(SampledSoftmax(0.2, InBatch() + Uniform(20)), schema, shown, epochs=4)
        binding = task._binding
        if on_device:
            binding._on_device = DeviceItems(binding.catalogue.items, binding.catalogue.row_of, "cpu")
        optimizer = RowWiseAdam(sparse_tables(binding.model), lr=0.02)
        for _ in range(4):
            for batch in task.loader:
                loss = task.loss(batch)
                loss.backward()
                optimizer.step()
        return loss.item()

    here = last_loss(False)
    assert last_loss(True) == pytest.approx(here, rel=0.05)


def _device_sampler(source, population, *, seed, **_):
    return DeviceSampler(source, population, seed=seed)


def test_a_column_that_is_not_there_is_named(schema, train):
    objective = SampledSoftmax(negatives=InBatch() + Exposed("impressions"))
    with pytest.raises(SchemaError, match="impressions"):
        Binding(TwoTower(schema, dim=4), train, None, FitOptions(), columns=["impressions"])
    for wrong in ("user", "history"):
        listed = schema.merge([Column("history", "int64", ("user", "sequence"), LIST, Domain("other", 43))])
        with pytest.raises(
            SchemaError, match=rf"Exposed\('{wrong}'\).*lists of item codes.*Categorify\(like="
        ):
            task_of(SampledSoftmax(negatives=InBatch() + Exposed(wrong)), listed, Dataset.of(train, listed))
    with pytest.raises(ArgumentError, match=r"Contrast\.temperature"):
        Contrast(losses.bpr, temperature=-1.0)
    with pytest.raises(ArgumentError, match=r"FullSoftmax\.temperature"):
        FullSoftmax(temperature=0.0)
    assert objective.negatives.own == (Exposed("impressions"),)
