"""Groups, schedules, averages and pieces against their rules."""

import math

import numpy as np
import polars as pl
import pytest
import torch

from shortlist.errors import ArgumentError, CheckpointError
from shortlist.models.ranking import DCN
from shortlist.models.retrieval import TableOptions, TwoTower
from shortlist.nn import EmbeddingTables, RowWiseAdagrad
from shortlist.rng import generator
from shortlist.samplers import InBatch, Uniform
from shortlist.schema import Column, Domain, Schema
from shortlist.train import (
    Checkpoints,
    FitOptions,
    Optimization,
    ParameterGroup,
    Plateau,
    SampledSoftmax,
    fit,
)
from shortlist.train._average import Average

OBJECTIVE = SampledSoftmax(temperature=0.2, negatives=InBatch() + Uniform(16))
LABELLED = Schema(
    [
        Column("item", "int64", ("item", "id"), domain=Domain("item", 23)),
        Column("x", "float32", ("cross", "continuous")),
        Column("weight", "float32", ("weight",)),
        Column("click", "float32", ("target", "binary")),
    ]
)


def labelled(rows):
    rng = generator(0, "labelled")
    return pl.DataFrame(
        {
            "item": rng.integers(3, 23, rows),
            "x": rng.normal(size=rows).astype(np.float32),
            "weight": rng.integers(0, 3, rows).astype(np.float32),
            "click": rng.integers(0, 2, rows).astype(np.float32),
        }
    )


def trained(schema, train, valid=None, *, sparse=True, hidden=(8,), epochs=2, folder=None, **optimization):
    model = TwoTower(schema, dim=4, hidden=hidden, tables=TableOptions(sparse=sparse))
    options = FitOptions(
        epochs=epochs,
        batch_size=256,
        lr=0.02,
        precision="float32",
        optimization=Optimization(**optimization),
        checkpoint=None if folder is None else Checkpoints(folder, every=2),
    )
    return model, fit(model, train, OBJECTIVE, valid, options)


def moved(model, start):
    """Names of the parameters that are not where they began."""
    return {name for name, value in model.named_parameters() if not torch.equal(value, start[name])}


def test_a_group_with_no_step_size_stays_and_the_rest_moves(schema, train):
    start = dict(TwoTower(schema, dim=4, hidden=(8,)).named_parameters())
    model, _ = trained(schema, train, groups=(ParameterGroup("query.*", lr=0.0),))
    still = start.keys() - moved(model, start)
    assert still == {name for name in start if name.startswith("query.")} != set()
    model, _ = trained(schema, train, groups=(ParameterGroup("tables.*", lr=0.0),))
    assert start.keys() - moved(model, start) == {name for name in start if name.startswith("tables.")}


@pytest.mark.parametrize("group", [ParameterGroup("*body*", weight_decay=50.0), ParameterGroup("*", l2=0.5)])
def test_regularisation_of_a_group_changes_the_loss(schema, train, group):
    losses = [trained(schema, train, groups=groups)[1].epochs[-1].loss for groups in ((), (group,))]
    assert losses[0] != losses[1]


def test_biases_are_not_decayed():
    model = DCN(LABELLED, dim=4, hidden=(8,))
    start = {name: value.detach().clone() for name, value in model.named_parameters()}
    # Every label's weight is zero: gradients vanish and only the decay of 0.5 * 0.1 a step is left.
    rows = labelled(64).with_columns(weight=pl.lit(0.0, pl.Float32))
    chosen = Optimization(weight_decay=0.5, dense_lr=0.1)
    fit(model, rows, options=FitOptions(epochs=1, batch_size=64, optimization=chosen))
    bias, weight = "deep.0.bias", "deep.0.weight"
    now = dict(model.named_parameters())
    assert torch.equal(now[bias], start[bias])
    torch.testing.assert_close(now[weight], start[weight] * (1 - 0.5 * 0.1))


@pytest.mark.parametrize(
    ("group", "message"),
    [
        (ParameterGroup("qery.*", lr=0.1), r"no parameter of its own.*known"),
        (ParameterGroup("query.*", l2=0.1), "no sparse tables"),
        (ParameterGroup("tables.*", weight_decay=0.1), "sparse tables only"),
    ],
)
def test_a_group_without_effect_is_refused(schema, train, group, message):
    with pytest.raises(ArgumentError, match=message):
        trained(schema, train, groups=(group,))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ParameterGroup("x"), "no lr, weight_decay or l2"),
        (lambda: ParameterGroup("x", lr=-1.0), r"ParameterGroup\.lr"),
        (lambda: Plateau(factor=1.0), r"Plateau\.factor"),
        (lambda: Plateau(patience=0), r"Plateau\.patience"),
        (lambda: Optimization(ema=1.0), r"Optimization\.ema"),
        (lambda: Optimization(accumulate=0), r"Optimization\.accumulate"),
        (lambda: Optimization(clip_rows=0.0), r"Optimization\.clip_rows"),
    ],
)
def test_wrong_options_are_refused(make, message):
    with pytest.raises(ArgumentError, match=message):
        make()


@pytest.mark.parametrize(
    "optimization",
    [
        {"schedule": "plateau"},
        {"schedule": "plateau", "plateau": Plateau(factor=0.5)},
        {"schedule": "plateau", "plateau": Plateau(patience=2)},
        {"ema": 0.9},
        {"clip_rows": 1e-3},
        {"sparse": False, "clip_rows": 1e-3},
    ],
    ids=str,
)
def test_every_option_changes_the_run(schema, train, valid, optimization):
    plain = {"sparse": optimization.pop("sparse", True), "epochs": 8, "hidden": ()}
    reports = [trained(schema, train, valid, **plain, **more)[1] for more in ({}, optimization)]
    values = [[(row.loss, row.metric, row.lr) for row in report.epochs] for report in reports]
    assert values[0] != values[1]


def test_plateau_cuts_step_sizes_after_epochs_without_a_better_metric(schema, train, valid):
    _, report = trained(schema, train, valid, epochs=8, schedule="plateau")
    lr, best = 0.02, -math.inf
    for row in report.epochs:
        assert row.lr == pytest.approx(lr)
        lr, best = (lr, row.metric) if row.metric > best else (lr * 0.1, best)
    assert lr < 0.02


def test_plateau_needs_validation_data(schema, train):
    with pytest.raises(ArgumentError, match="no validation data"):
        trained(schema, train, schedule="plateau")


def test_the_average_of_rows_is_that_of_the_dense_rule():
    tables = EmbeddingTables({"item": 12}, dim=3, init_std=1.0)
    model = torch.nn.ModuleDict({"tables": tables, "layer": torch.nn.Linear(3, 1)})
    average = Average(model, 0.7)
    expected = {name: value.clone() for name, value in model.state_dict().items()}
    optimizer = RowWiseAdagrad(tables, lr=0.3)
    optimizer.follower = average
    dense = torch.optim.SGD(model["layer"].parameters(), lr=0.1)
    rng = generator(0, "codes")
    for step in range(9):
        vectors = tables.lookup("item", torch.from_numpy(rng.integers(0, 12, 2)))
        model["layer"](vectors).square().sum().backward()
        optimizer.step()
        dense.step()
        dense.zero_grad()
        average.step()
        decay = min(0.7, (1 + step) / (10 + step))
        for name, value in model.state_dict().items():
            expected[name] = decay * expected[name] + (1 - decay) * value
        if step in (3, 8):
            for name, value in average.weights().items():
                torch.testing.assert_close(value, expected[name], atol=1e-6, rtol=0)
    own = {name: value.clone() for name, value in model.state_dict().items()}
    with average.applied():
        torch.testing.assert_close(tables.weight.data, expected["tables.weight"], atol=1e-6, rtol=0)
    assert all(torch.equal(own[name], value) for name, value in model.state_dict().items())


def test_the_average_is_validated_and_kept(schema, train, valid):
    plain, _ = trained(schema, train)
    kept, report = trained(schema, train, valid, ema=0.95)
    without, _ = trained(schema, train, ema=0.95)
    assert not torch.equal(plain.tables.weight, without.tables.weight)
    if report.best == len(report.epochs):
        assert torch.equal(kept.tables.weight, without.tables.weight)


@pytest.mark.parametrize("sparse", [True, False])
def test_pieces_of_a_batch_have_its_gradients_with_in_batch_negatives(schema, train, sparse):
    whole, pieces = (
        trained(schema, train, sparse=sparse, accumulate=count, clip_rows=0.01)[0] for count in (1, 5)
    )
    for name, value in whole.state_dict().items():
        torch.testing.assert_close(pieces.state_dict()[name], value, atol=2e-5, rtol=0)


def test_pieces_of_weighted_labels_are_one_batch():
    states = []
    for count in (1, 4):
        model = DCN(LABELLED, dim=4, hidden=(8,))
        chosen = Optimization(accumulate=count)
        options = FitOptions(epochs=2, batch_size=100, precision="float32", optimization=chosen)
        report = fit(model, labelled(300), options=options)
        states.append((model.state_dict(), [row.loss for row in report.epochs]))
    assert states[0][1] == pytest.approx(states[1][1], rel=1e-5)
    for name, value in states[0][0].items():
        torch.testing.assert_close(states[1][0][name], value, atol=2e-5, rtol=0)


class Killed(Exception):
    """Stands for the end of the process."""


@pytest.mark.parametrize("step", [5, 10])
def test_all_of_it_resumes_as_uninterrupted(schema, train, valid, tmp_path, step, monkeypatch):
    chosen = {"ema": 0.9, "accumulate": 2, "schedule": "plateau", "clip_rows": 0.1, "epochs": 3}
    whole, expected = trained(schema, train, valid, **chosen)
    steps = iter(range(step))

    def count(self, number):
        if next(steps, None) is None:
            raise Killed
        return original(self, number)

    from shortlist.train._optimizers import Optimizers

    original = Optimizers.step
    with monkeypatch.context() as patch:
        patch.setattr(Optimizers, "step", count)
        with pytest.raises(Killed):
            trained(schema, train, valid, folder=tmp_path, **chosen)
    resumed, report = trained(schema, train, valid, folder=tmp_path, **chosen)
    rows = [[(row.loss, row.metric, row.lr) for row in one.epochs] for one in (expected, report)]
    assert rows[0] == rows[1]
    assert all(torch.equal(resumed.state_dict()[name], value) for name, value in whole.state_dict().items())
    with pytest.raises(CheckpointError, match="an average"):
        trained(schema, train, valid, folder=tmp_path, epochs=3)


def test_a_row_of_the_gradient_is_no_longer_than_asked():
    tables = EmbeddingTables({"item": 4}, dim=2, init_std=0.0)
    optimizer = RowWiseAdagrad(tables, lr=1.0, eps=0.0, initial_accumulator=1.0, clip=0.5)
    (tables.lookup("item", torch.tensor([2, 3])) * torch.tensor([[3.0, 4.0], [0.3, 0.0]])).sum().backward()
    optimizer.step()
    # (3, 4) of norm 5 is shortened to 0.5; (0.3, 0) is left. The accumulator is 1 + the mean square.
    expected = [
        [-0.3 / math.sqrt(1 + 0.125), -0.4 / math.sqrt(1 + 0.125)],
        [-0.3 / math.sqrt(1 + 0.045), 0.0],
    ]
    assert tables.weight[2:].tolist() == [pytest.approx(row) for row in expected]
    with pytest.raises(ArgumentError, match="clip"):
        RowWiseAdagrad(tables, clip=0.0)
