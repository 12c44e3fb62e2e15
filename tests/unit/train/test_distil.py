import numpy as np
import polars as pl
import pytest
import torch

import shortlist as sl
from shortlist.errors import ArgumentError, SchemaError
from shortlist.losses import distillation
from shortlist.train import Distil, soft_targets

SCHEMA = sl.Schema(
    [
        sl.Column("user", "int64", ("user", "id"), domain=sl.Domain("user", 12)),
        sl.Column("x", "float32", ("item", "continuous")),
        sl.Column("click", "float32", ("target", "binary")),
    ]
)


def rows(count, seed, noise=2.0):
    """The log odds are 2 sin(3 x); labels are drawn."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=count).astype(np.float32)
    odds = noise * np.sin(3 * x)
    click = rng.random(count) < 1 / (1 + np.exp(-odds))
    frame = pl.DataFrame({"user": rng.integers(2, 12, count), "x": x, "click": click.astype(np.float32)})
    return sl.Dataset.of(frame, SCHEMA)


def test_values_of_the_loss():
    student, teacher = torch.tensor([0.0, 2.0]), torch.tensor([0.0, -1.0])
    own = torch.sigmoid(teacher)
    taken = torch.sigmoid(student)
    divergence = own * (own / taken).log() + (1 - own) * ((1 - own) / (1 - taken)).log()
    torch.testing.assert_close(distillation(student, teacher), divergence.mean())
    weights = torch.tensor([0.0, 2.0])
    torch.testing.assert_close(distillation(student, teacher, weights=weights), divergence[1])
    warm = distillation(student, teacher, temperature=4.0)
    # In the limit of a high temperature it is (x - t)^2 / 8.
    assert warm.item() == pytest.approx(3**2 / 8 / 2, rel=0.05)
    assert distillation(student, teacher, kind="score").item() == 3**2 / 2 / 2
    assert distillation(student[:0], teacher[:0]).item() == 0
    for options in ({"kind": "rank"}, {"temperature": 0.0}):
        with pytest.raises(ArgumentError, match="'probability' or 'score'"):
            distillation(student, teacher, **options)


def test_a_student_comes_nearer_to_its_teacher():
    train, held = rows(2000, 0), rows(2000, 1)
    teacher = sl.LightGBM(SCHEMA, options=sl.TreeOptions(trees=40, leaves=8, threads=1))
    sl.fit(teacher, train)
    taught = soft_targets(teacher, train)
    assert taught.schema["teacher"].has("soft")
    truth = soft_targets(teacher, held).collect()["teacher"].to_numpy()
    gaps = {}
    options = sl.FitOptions(epochs=12, batch_size=256, optimization=sl.Optimization(dense_lr=0.01))
    for share in (0.0, 0.5, 1.0):
        student = sl.DNN(SCHEMA, dim=2, hidden=(32, 16), seed=0)
        report = sl.fit(student, taught, Distil(share=share), held, options)
        assert report.metric == "auc"
        told = soft_targets(student, held).collect()["teacher"].to_numpy()
        gaps[share] = float(np.square(told - truth).mean())
    assert gaps[1.0] < gaps[0.5] < gaps[0.0]


def test_scores_and_temperatures_change_what_is_learned():
    train = soft_targets(_Wise(), rows(500, 0))
    answers = []
    for objective in (Distil(), Distil(kind="score"), Distil(temperature=3.0)):
        student = sl.DNN(SCHEMA, dim=2, hidden=(8,), seed=0)
        sl.fit(student, train, objective, options=sl.FitOptions(epochs=2, batch_size=100))
        answers.append(soft_targets(student, train, name="own").collect()["own"].to_numpy())
    assert not np.allclose(answers[0], answers[1])
    assert not np.allclose(answers[0], answers[2])


class _Wise:
    """Scores that are no probabilities stay as they are."""

    inputs = sl.Schema([SCHEMA["x"]])

    def score(self, batch):
        return 5 * np.sin(3 * np.asarray(batch.array("x")))


def test_soft_targets_of_scores_and_of_certain_probabilities():
    data = rows(50, 0)
    told = soft_targets(_Wise(), data).collect()
    np.testing.assert_allclose(told["teacher"], 5 * np.sin(3 * told["x"].to_numpy()), rtol=1e-5)

    class Sure(_Wise):
        def score(self, batch):
            return np.ones(len(batch), np.float32)

    sure = soft_targets(Sure(), data).collect()["teacher"]
    assert np.isfinite(sure.to_numpy()).all()
    assert sure[0] == pytest.approx(np.log(1e6), rel=1e-3)


def test_what_is_missing_is_named():
    with pytest.raises(SchemaError, match='tagged "soft"'):
        sl.fit(sl.DNN(SCHEMA, hidden=(4,)), rows(50, 0), Distil())
    with pytest.raises(ArgumentError, match=r"\[0, 1\]"):
        Distil(share=1.5)
