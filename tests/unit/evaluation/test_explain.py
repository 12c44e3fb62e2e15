import numpy as np
import pytest
import torch

import shortlist as sl
from shortlist import ops
from shortlist.errors import ArgumentError, PipelineError
from shortlist.evaluation import explain, permutation_importance
from shortlist.models.ranking import gradient_times_input
from shortlist.testing._models import random_batch
from shortlist.testing._trees import PLANTED, planted_rows


@pytest.fixture(scope="module")
def trees():
    model = sl.LightGBM(PLANTED, options=sl.TreeOptions(trees=30, lr=0.3, threads=1))
    sl.fit(model, planted_rows(300))
    return model


def test_what_decides_matters_and_what_says_nothing_does_not(trees):
    held = planted_rows(200, 7)
    found = permutation_importance(trees, held, repeats=2)
    losses = {row[0]: row[1] for row in found.rows}
    assert set(losses) == {"group", "age", "genres", "shop", "price", "pair"}
    assert min(losses["pair"], losses["group"], losses["genres"]) > 0.1
    assert max(abs(losses[name]) for name in ("age", "shop", "price")) < 0.02
    assert [row[1] for row in found.rows] == sorted(losses.values(), reverse=True)
    assert permutation_importance(trees, held, repeats=2).rows == found.rows
    assert permutation_importance(trees, held, repeats=2, seed=1).rows != found.rows


@pytest.mark.parametrize("metric", ["logloss", "ndcg"])
def test_other_metrics_and_groups(trees, metric):
    held = planted_rows(100, 7)
    found = permutation_importance(trees, held, metric=metric, repeats=1, groups=[("group", "genres")])
    losses = {row[0]: row[1] for row in found.rows}
    assert losses["group + genres"] > 0.05
    assert "group" not in losses
    assert metric in found.title


def test_wrong_questions_are_refused(trees):
    held = planted_rows(10)
    with pytest.raises(ArgumentError, match="did you mean 'auc'"):
        permutation_importance(trees, held, metric="auk")
    with pytest.raises(ArgumentError, match=r"repeats.*>= 1"):
        permutation_importance(trees, held, repeats=0)
    with pytest.raises(ArgumentError, match="did you mean 'group'"):
        permutation_importance(trees, held, groups=[("grup",)])
    with pytest.raises(ArgumentError, match="a target"):
        permutation_importance(trees, held.select(["group", "age"]))


NUMBERS = sl.Schema(
    [
        sl.Column("user", "int64", ("user", "id"), domain=sl.Domain("user", 9)),
        sl.Column("age", "float32", ("user", "continuous")),
        sl.Column("seen", "int64", ("user", "sequence"), sl.Shape("list"), sl.Domain("item", 12)),
        sl.Column("item", "int64", ("item", "id"), domain=sl.Domain("item", 12)),
        sl.Column("click", "float32", ("target", "binary")),
    ]
)


def test_the_pulls_of_a_linear_model_add_up():
    model = sl.LR(NUMBERS, seed=0)
    with torch.no_grad():
        for number, parameter in enumerate(model.parameters()):
            parameter.copy_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(number)))
    batch = random_batch(model.inputs, 6)
    pulls = gradient_times_input(model, batch)
    assert list(pulls) == list(model.inputs.names)
    zero = sl.Batch({name: batch[name] for name in batch})
    logits = model(zero)["click"].detach().numpy()
    rest = logits - sum(pulls.values())
    np.testing.assert_allclose(rest, rest[0], atol=1e-5)
    assert np.abs(pulls["seen"][::2]).max() == 0  # empty lists
    assert np.abs(pulls["item"]).min() > 0


@pytest.mark.parametrize("kind", [sl.DCN, sl.DeepFM, sl.DLRM, sl.DIN])
def test_pulls_are_slopes_times_what_is_there(kind):
    model = kind(NUMBERS, dim=4, hidden=(8,), seed=0)
    batch = random_batch(model.inputs, 4)
    pulls = gradient_times_input(model, batch)
    step = 1e-2
    changed = batch.with_columns({"age": batch.array("age") * (1 + step)})
    model.eval()
    with torch.no_grad():
        slope = (model(changed)["click"] - model(batch)["click"]).numpy() / step
    np.testing.assert_allclose(pulls["age"], slope, atol=2e-3)
    again = gradient_times_input(model, batch, "click")
    np.testing.assert_array_equal(again["item"], pulls["item"])
    assert all(parameter.grad is None for parameter in model.parameters())
    assert model.score(batch).shape == (4,)


@pytest.fixture(scope="module")
def shop():
    log = sl.datasets.planted(users=60, items=30, events=1_500, groups=3)
    state = sl.State(log.events, items=log.items, users=log.users)
    sources = [sl.Merge(sl.Repeats(10), sl.Popular(20))]
    counts = [ops.AsOf("pair"), ops.AsOf("item")]
    examples = sl.ranking_examples(
        sl.Pipeline(sources, state=state), log.events, histories=counts, negatives=5, allow_leak=True
    )
    flow = sl.Workflow(
        [*(op >> ops.LogOp() for op in counts), ["category", "segment"] >> ops.Categorify()]
    ).fit(examples)
    return state, sources, flow, flow.transform(examples)


def test_a_candidate_is_explained(shop, tmp_path):
    state, sources, flow, rows = shop
    trees = sl.XGBoost(flow.schema, options=sl.TreeOptions(trees=20, threads=1))
    network = sl.DCN(flow.schema, dim=4, hidden=(8,), layers=1)
    sl.fit(trees, rows)
    sl.fit(network, rows, options=sl.FitOptions(epochs=2, batch_size=256))
    told = {}
    for name, ranker in (("trees", trees), ("network", network)):
        pipe = sl.Pipeline([*sources, sl.Score(ranker, flow=flow), sl.Take(5)], state=state)
        best = pipe.recommend([1], k=1)["item"][0]
        found = explain(pipe, 1, best)
        assert found.rank == 1
        assert found.score == pytest.approx(pipe.recommend([1], k=1)["score"][0], abs=1e-6)
        assert set(found.pulls) == set(flow.schema.names) - {"label", "request", "time"}
        pulls = [abs(value) for value in found.pulls.values()]
        assert pulls == sorted(pulls, reverse=True)
        assert found.how in str(found)
        told[name] = found.how
        if name == "network":
            loaded = sl.load(sl.save(pipe, tmp_path / "bundle"))
            served = explain(loaded, 1, best)
            assert served.how == "other candidates' values"
            assert served.score == pytest.approx(found.score, abs=1e-5)
            assert served.pulls["segment"] == pytest.approx(0, abs=1e-6)
            assert max(map(abs, served.pulls.values())) > 0
        with pytest.raises(PipelineError, match="among none of the"):
            explain(pipe, 1, "nothing of the kind")
    assert told == {"trees": "SHAP", "network": "gradient x input"}
