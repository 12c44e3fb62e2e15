"""Training of rankers on several targets."""

import math

import numpy as np
import polars as pl
import pytest
import torch

from shortlist.errors import ArgumentError
from shortlist.models.ranking import AITM, DCN, DNN, ESMM, LR, PLE, MMoE, SharedBottom
from shortlist.rng import generator
from shortlist.schema import Column, Domain, Schema
from shortlist.train import (
    DWA,
    BinaryCrossEntropy,
    Checkpoints,
    FitOptions,
    GradNorm,
    Optimization,
    TaskLosses,
    Uncertainty,
    fit,
)
from shortlist.train._balances import balancer
from shortlist.train._conflicts import Junction, project

SCHEMA = Schema(
    [
        Column("user", "int64", ("user", "id"), domain=Domain("user", 23)),
        Column("item", "int64", ("item", "id"), domain=Domain("item", 23)),
        Column("x", "float32", ("cross", "continuous")),
        Column("click", "float32", ("target", "binary")),
        Column("buy", "float32", ("target", "binary")),
    ]
)
KINDS = Schema(
    [
        *SCHEMA.without("buy"),
        Column("stars", "int64", ("target", "multiclass"), domain=Domain("stars", 3)),
        Column("spend", "float32", ("target", "regression")),
        Column("seconds", "float32", ("target", "watch_time")),
    ]
)


def rows(count, seed):
    """A click where the parities agree, and a purchase of every even item clicked."""
    rng = generator(seed, "tasks")
    user, item = rng.integers(3, 23, count), rng.integers(3, 23, count)
    click = (user + item) % 2 == 0
    buy = click & (item % 4 == 0)
    return pl.DataFrame(
        {
            "user": user,
            "item": item,
            "x": rng.normal(size=count).astype(np.float32),
            "click": click.astype(np.float32),
            "buy": buy.astype(np.float32),
            "stars": item % 3,
            "spend": (click * 2.0).astype(np.float32),
            "seconds": (buy * 3.0).astype(np.float32),
        }
    )


def zeroed(schema):
    """A model whose logits are all 0."""
    model = DNN(schema, dim=4, hidden=(8,))
    with torch.no_grad():
        for parameter in model.head.parameters():
            parameter.zero_()
    return model


def first_loss(schema, objective, data=None):
    data = rows(400, 0) if data is None else data
    options = FitOptions(epochs=1, batch_size=400, precision="float32")
    return fit(zeroed(schema), data, objective, options=options).epochs[0].loss


def test_every_kind_of_target_has_its_loss():
    data = rows(400, 0)
    spend, seconds = data["spend"].to_numpy(), data["seconds"].to_numpy()
    watched = np.where(seconds > 0, seconds, 1.0) * math.log(2)
    expected = math.log(2) + math.log(3) + (spend**2).mean() + watched.mean()
    assert first_loss(KINDS, None) == pytest.approx(expected, rel=1e-5)


def test_weights_and_conditions():
    data = rows(400, 0)
    clicked = data["click"].mean()
    both = TaskLosses(weights={"buy": 3.0}, given={"buy": "click"})
    assert first_loss(SCHEMA, both) == pytest.approx(math.log(2) * (1 + 3 * clicked), rel=1e-5)
    never = data.with_columns(click=pl.lit(0.0, pl.Float32))
    assert first_loss(SCHEMA, both, never) == pytest.approx(math.log(2), rel=1e-5)
    with pytest.raises(ArgumentError, match="did you mean 'buy'"):
        first_loss(SCHEMA, TaskLosses(weights={"bui": 1.0}))
    with pytest.raises(ArgumentError, match="another, binary target"):
        first_loss(KINDS, TaskLosses(given={"click": "spend"}))
    with pytest.raises(ArgumentError, match=r"weights\['buy'\]"):
        TaskLosses(weights={"buy": -1.0})
    with pytest.raises(ArgumentError, match=r"TaskLosses\.conflicts"):
        TaskLosses(conflicts="ignore")
    with pytest.raises(ArgumentError, match="goes by the kind"):
        first_loss(KINDS, BinaryCrossEntropy())


def test_rows_outside_a_condition_have_no_say():
    def trained(data):
        model = zeroed(SCHEMA)
        options = FitOptions(epochs=2, batch_size=100, precision="float32")
        fit(model, data, TaskLosses(given={"buy": "click"}), options=options)
        return model.state_dict()

    data = rows(400, 0)
    noise = data.with_columns(buy=pl.when(pl.col("click") > 0).then("buy").otherwise(1.0).cast(pl.Float32))
    one, other = trained(data), trained(noise)
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_step_likelier_than_the_one_before_costs():
    model = zeroed(SCHEMA)
    with torch.no_grad():
        model.head.bias.copy_(torch.tensor([0.0, math.log(3.0)]))
    options = FitOptions(epochs=1, batch_size=400, precision="float32", lr=1e-9)
    losses = [
        fit(model, rows(400, 0), TaskLosses(ordered=ordered), options=options).epochs[0].loss
        for ordered in (0.0, 2.0)
    ]
    assert losses[1] - losses[0] == pytest.approx(2.0 * (0.75 - 0.5), rel=1e-4)


def test_uncertainty_weighs_by_learned_variances():
    balance = balancer(Uncertainty(), [1.0, 2.0], [False, True])
    losses = torch.tensor([3.0, 5.0])
    with torch.no_grad():
        balance.log_variances.copy_(torch.tensor([1.0, -1.0]))
    weights = balance.weights(losses, 0)
    assert weights.tolist() == pytest.approx([math.exp(-1.0), 2.0 * 0.5 * math.exp(1.0)])
    learning = balance.learning(losses, None)
    assert learning.item() == pytest.approx(1.0 / 2 - 1.0 / 2)
    learning.backward()
    slopes = [0.5 - 3.0 * math.exp(-1.0), 0.5 - 5.0 * 2.0 * 0.5 * math.exp(1.0)]
    assert balance.log_variances.grad.tolist() == pytest.approx(slopes, rel=1e-6)


def test_dwa_weighs_by_how_the_losses_fell():
    balance = balancer(DWA(temperature=2.0), [1.0, 1.0], [False, False])
    for epoch, losses in enumerate(([4.0, 4.0], [2.0, 4.0])):
        for _ in range(2):
            assert balance.weights(torch.tensor(losses), epoch).tolist() == [1.0, 1.0]
    one, two = math.exp((2.0 / 4.0) / 2.0), math.exp((4.0 / 4.0) / 2.0)
    expected = [2 * one / (one + two), 2 * two / (one + two)]
    assert balance.weights(torch.tensor([1.0, 1.0]), 2).tolist() == pytest.approx(expected)
    with pytest.raises(ArgumentError, match=r"DWA\.temperature"):
        DWA(temperature=0.0)


def test_grad_norm_moves_weights_towards_even_pulls():
    balance = balancer(GradNorm(alpha=1.0), [1.0, 1.0], [False, False])
    assert balance.weights(torch.tensor([4.0, 4.0]), 0).tolist() == [1.0, 1.0]
    learning = balance.learning(torch.tensor([2.0, 4.0]), torch.tensor([1.0, 3.0]))
    assert learning.item() == 0.0
    learning.backward()
    # Pulls 1 and 3, mean 2; rates 0.5 / 0.75 and 1 / 0.75; aims 4/3 and 8/3: the first should pull harder.
    # d pull_t / d logit_t = norm_t w_t (1 - w_t / 2), d pull_t / d logit_other = -norm_t w_t w_other / 2.
    slopes = [-1 * 1 * 0.5 - 3 * 0.5, 1 * 0.5 + 3 * 1 * 0.5]
    assert balance.logits.grad.tolist() == pytest.approx(slopes, rel=1e-6)
    with pytest.raises(ArgumentError, match=r"GradNorm\.alpha"):
        GradNorm(alpha=-1.0)


def test_projected_gradients_do_not_pull_against_each_other():
    pulls = torch.tensor([[[1.0, 0.0]], [[-1.0, 1.0]]])
    # (1, 0) loses its part along (-1, 1): (1, 0) + (-1, 1) / 2; (-1, 1) loses that along (1, 0): (0, 1).
    assert project(pulls, torch.tensor([1, 0])).tolist() == [[0.5, 1.5]]
    agree = torch.tensor([[[1.0, 0.0]], [[1.0, 1.0]]])
    assert project(agree, torch.tensor([0, 1])).tolist() == [[2.0, 1.0]]


def test_a_junction_hands_on_what_it_gets_unless_told_otherwise():
    x = torch.tensor([[1.0, 2.0]], requires_grad=True)
    junction = Junction(x)
    one, two = junction.hidden.sum(), (3 * junction.hidden).sum()
    assert junction.gradients([one, two]).tolist() == [[[1.0, 1.0]], [[3.0, 3.0]]]
    (one + two).backward()
    assert x.grad.tolist() == [[4.0, 4.0]]


BALANCES = {
    "fixed": TaskLosses(),
    "uncertainty": TaskLosses(balance=Uncertainty()),
    "dwa": TaskLosses(balance=DWA()),
    "gradnorm": TaskLosses(balance=GradNorm()),
    "pcgrad": TaskLosses(conflicts="project"),
    "all": TaskLosses(balance=GradNorm(), conflicts="project", given={"buy": "click"}, weights={"buy": 2.0}),
}


@pytest.mark.parametrize("name", BALANCES)
def test_every_balance_learns_and_resumes_exactly(name, tmp_path):
    def run(epochs, folder=None):
        model = MMoE(SCHEMA, dim=4, hidden=(16,), experts=2, dropout=0.1)
        options = FitOptions(
            epochs=epochs,
            batch_size=256,
            lr=0.05,
            precision="float32",
            optimization=Optimization(dense_lr=0.01),
            checkpoint=None if folder is None else Checkpoints(folder),
        )
        report = fit(model, rows(2000, 0), BALANCES[name], rows(500, 1), options)
        return model, report

    whole, report = run(6)
    run(2, tmp_path)
    resumed, _ = run(6, tmp_path)
    assert report.best_metric > 0.9
    for key, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[key]), key


def test_balances_differ_and_pieces_do_not():
    def trained(objective, pieces=1):
        model = SharedBottom(SCHEMA, dim=4, hidden=(8,))
        chosen = Optimization(dense_lr=0.01, accumulate=pieces)
        options = FitOptions(epochs=4, batch_size=128, precision="float32", optimization=chosen)
        fit(model, rows(512, 0), objective, options=options)
        return model.head.bottom[0].weight.detach()

    weights = {name: trained(objective) for name, objective in BALANCES.items()}
    names = list(weights)
    for one in range(len(names)):
        for other in range(one):
            assert not torch.equal(weights[names[one]], weights[names[other]]), (names[one], names[other])
    given = TaskLosses(given={"buy": "click"})
    torch.testing.assert_close(trained(given), trained(given, pieces=4), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("kind", [SharedBottom, MMoE, PLE, ESMM, AITM])
def test_models_of_several_tasks_find_both(kind):
    data, held = rows(2000, 0), rows(500, 1)
    for metric in ("auc", "auc:buy"):
        model = kind(SCHEMA, dim=4, hidden=(16,))
        options = FitOptions(
            epochs=8, batch_size=256, lr=0.05, metric=metric, optimization=Optimization(dense_lr=0.01)
        )
        report = fit(model, data, TaskLosses(), held, options)
        assert report.best_metric > 0.9
        assert report.metric == metric
    served = model.predict(model_batch(held))
    if kind is ESMM:
        assert (served["buy"] <= served["click"]).all()


def model_batch(frame):
    from shortlist.data import Batch

    return Batch({name: frame[name].to_numpy() for name in ("user", "item", "x")})


@pytest.mark.parametrize(
    ("metric", "learned"),
    [("rmse:spend", 0.5), ("logloss:stars", 0.9), ("rmse:seconds", 1.0), ("logloss", 0.5)],
)
def test_other_metrics_go_down(metric, learned):
    options = FitOptions(
        epochs=6, batch_size=256, lr=0.05, metric=metric, optimization=Optimization(dense_lr=0.01)
    )
    report = fit(DNN(KINDS, dim=8, hidden=(32,)), rows(3000, 0), None, rows(500, 1), options)
    assert report.best_metric == min(row.metric for row in report.epochs)
    assert report.best_metric < learned


def test_metrics_that_do_not_fit_are_refused():
    def ask(metric):
        fit(LR(KINDS), rows(20, 0), options=FitOptions(metric=metric, epochs=1))

    with pytest.raises(ArgumentError, match="did you mean 'spend'"):
        ask("rmse:spent")
    with pytest.raises(ArgumentError, match="for the regression target 'spend'"):
        ask("auc:spend")


def test_a_metric_of_a_conditional_target_is_of_its_rows():
    held = rows(500, 1)
    noise = held.with_columns(buy=pl.when(pl.col("click") > 0).then("buy").otherwise(1.0).cast(pl.Float32))
    options = FitOptions(epochs=1, batch_size=256, metric="auc:buy")
    found = [
        fit(MMoE(SCHEMA, dim=4, hidden=(8,)), rows(500, 0), TaskLosses(given={"buy": "click"}), one, options)
        for one in (held, noise)
    ]
    assert found[0].best_metric == found[1].best_metric


def test_tables_that_stand_still_after_an_epoch():
    def trained(table_epochs, sparse):
        from shortlist.models.ranking import RankerOptions

        model = DCN(SCHEMA, dim=4, hidden=(8,), options=RankerOptions(sparse=sparse))
        chosen = Optimization(table_epochs=table_epochs)
        seen = []
        options = FitOptions(
            epochs=3,
            batch_size=100,
            precision="float32",
            optimization=chosen,
            callbacks=(lambda _: seen.append(model.tables.weight.detach().clone()),),
        )
        fit(model, rows(300, 0), options=options)
        return seen, model.head.weight.detach()

    for sparse in (True, False):
        seen, head = trained(1, sparse)
        assert torch.equal(seen[0], seen[2])
        free, other = trained(None, sparse)
        assert torch.equal(free[0], seen[0])
        assert not torch.equal(free[0], free[2])
        assert not torch.equal(head, other)
    with pytest.raises(ArgumentError, match="table_epochs"):
        Optimization(table_epochs=0)


def test_ids_learned_by_heart_are_told_of():
    rng = generator(0, "heart")

    def chance(count):
        user = rng.integers(3, 403, count)
        click = rng.random(count) < np.where(user % 2 == 0, 0.75, 0.25)
        x = np.zeros(count, np.float32)
        item = rng.integers(3, 403, count)
        return pl.DataFrame({"user": user, "item": item, "x": x, "click": click.astype(np.float32)})

    schema = Schema(
        [
            Column("user", "int64", ("user", "id"), domain=Domain("user", 403)),
            Column("item", "int64", ("item", "id"), domain=Domain("item", 403)),
            Column("x", "float32", ("cross", "continuous")),
            Column("click", "float32", ("target", "binary")),
        ]
    )
    options = FitOptions(epochs=6, batch_size=100, lr=0.1, optimization=Optimization(dense_lr=0.01))
    with pytest.warns(UserWarning, match="learned by heart"):
        fit(DNN(schema, dim=16, hidden=(64,)), chance(3000), valid=chance(2000), options=options)
