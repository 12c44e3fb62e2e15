import csv
import io
import sys

import pytest

from shortlist.errors import ArgumentError
from shortlist.models.retrieval import TowerOptions, TwoTower
from shortlist.train import Checkpoints, Epoch, FitOptions, FitReport, Optimization, SampledSoftmax, fit
from shortlist.train._progress import Progress


def _loss(schema, train, **options):
    model = TwoTower(schema, dim=4, hidden=(8,), query=TowerOptions(dropout=0.1))
    optimization = Optimization(**options.pop("optimization", {}))
    chosen = FitOptions(**{"epochs": 2, "batch_size": 256, "optimization": optimization, **options})
    return fit(model, train, options=chosen).epochs[-1].loss


@pytest.mark.parametrize(
    "options",
    [
        {"epochs": 3},
        {"batch_size": 200},
        {"lr": 0.01},
        {"seed": 1},
        {"precision": "bfloat16"},
        {"optimization": {"tables": "adagrad"}},
        {"optimization": {"dense_lr": 0.003}},
        {"optimization": {"weight_decay": 50.0}},
        {"optimization": {"l2": 0.5}},
        {"optimization": {"schedule": "linear"}},
        {"optimization": {"schedule": "cosine"}},
        {"optimization": {"warmup": 0.9}},
        {"optimization": {"clip": 1e-3}},
    ],
    ids=str,
)
def test_every_option_changes_the_loss(schema, train, options):
    plain = {"precision": "float32"}
    assert _loss(schema, train, **plain) != _loss(schema, train, **{**plain, **options})


def test_linear_schedule_with_warm_up(schema, train):
    optimization = Optimization(schedule="linear", warmup=0.5)
    options = FitOptions(epochs=4, batch_size=1500, lr=1.0, optimization=optimization)
    report = fit(TwoTower(schema, dim=4), train, options=options)
    # Four steps, two of warm-up: (0 + 1) / 2, 1, 1 - 0 / 2 at step 2, 1 - 1 / 2 at step 3.
    assert [row.lr for row in report.epochs] == [0.5, 1.0, 1.0, 0.5]


def test_cosine_schedule(schema, train):
    options = FitOptions(epochs=2, batch_size=1500, lr=1.0, optimization=Optimization(schedule="cosine"))
    report = fit(TwoTower(schema, dim=4), train, options=options)
    assert [row.lr for row in report.epochs] == [1.0, pytest.approx(0.5)]


def test_stops_early_and_gives_back_the_best_weights(schema, train, valid):
    model = TwoTower(schema, dim=4)
    options = FitOptions(epochs=30, batch_size=256, lr=0.3, patience=2)
    report = fit(model, train, SampledSoftmax(temperature=0.2), valid, options)
    assert len(report.epochs) == report.best + 2
    assert report.stopped.startswith(f"stopped after epoch {report.best + 2}: ndcg@10 has not improved")
    again = fit(
        model, train, SampledSoftmax(temperature=0.2), valid, FitOptions(epochs=1, batch_size=256, lr=1e-12)
    )
    assert again.best_metric == pytest.approx(report.best_metric, abs=1e-6)


def test_callbacks_see_epochs_and_may_stop(schema, train):
    seen = []

    def stop_at_two(epoch):
        seen.append(epoch.epoch)
        return epoch.epoch == 2

    report = fit(TwoTower(schema, dim=4), train, options=FitOptions(epochs=5, callbacks=(stop_at_two,)))
    assert seen == [1, 2]
    assert "callback asked to stop after epoch 2" in report.stopped


def test_log_is_csv_with_a_line_an_epoch(schema, train, tmp_path):
    log = tmp_path / "runs" / "log.csv"
    report = fit(TwoTower(schema, dim=4), train, options=FitOptions(epochs=2, log=log))
    rows = list(csv.DictReader(log.read_text().splitlines()))
    assert [int(row["epoch"]) for row in rows] == [1, 2]
    assert [float(row["loss"]) for row in rows] == [row.loss for row in report.epochs]
    assert rows[0]["metric"] == ""


def test_training_mode_is_set_back(schema, train):
    model = TwoTower(schema, dim=4).eval()
    fit(model, train, options=FitOptions(epochs=1))
    assert not model.training


def test_progress_is_one_line_on_the_error_stream(schema, train, valid, capsys):
    fit(TwoTower(schema, dim=4), train, None, valid, FitOptions(epochs=2, batch_size=256, progress=True))
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "epoch 1/2" in shown.err
    assert "rows/s" in shown.err
    assert "\n" not in shown.err
    fit(TwoTower(schema, dim=4), train, options=FitOptions(epochs=1))
    assert capsys.readouterr().err == ""


def test_progress_tells_speed_and_time_left(monkeypatch):
    clock = iter([0.0, 1.0, 2.0, 2.01])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    bar = Progress(True, epochs=2, rows=1000)
    bar.metric = "  ndcg@10 0.5000"
    for done in (100, 200, 300):
        if bar.due():
            bar.draw(1, done, 1.25)
    # 100 rows in the second between the first two draws; 1800 of 2000 rows are left; the third is too soon.
    last = sys.stderr.getvalue().split("\r")[-1]
    assert last == "epoch 1/2 ████················ 100 rows/s  loss 1.2500  ndcg@10 0.5000  18 s left\x1b[K"


def test_report_prints_as_a_table():
    rows = tuple(Epoch(n, n, 1.0 / n, 0.1 * n, 0.1, 100, 0.5) for n in (1, 2))
    report = FitReport(rows, "ndcg@10", "2 queries", 2, "all 2 epochs done")
    assert str(report).splitlines() == [
        "epoch      loss    ndcg@10     rows/s",
        "    1    1.0000     0.1000        200",
        "    2    0.5000     0.2000        200 best",
        "all 2 epochs done",
        "ndcg@10: 2 queries",
    ]
    assert report.rows_per_second == 200.0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: FitOptions(epochs=-1), "epochs"),
        (lambda: FitOptions(batch_size=0), "batch_size"),
        (lambda: FitOptions(lr=0.0), "lr"),
        (lambda: FitOptions(patience=0), "patience"),
        (lambda: FitOptions(precision="float16"), "precision"),
        (lambda: Optimization(tables="sgd"), "tables"),
        (lambda: Optimization(schedule="steps"), "schedule"),
        (lambda: Optimization(warmup=1.0), "warmup"),
        (lambda: Optimization(l2=-1.0), "l2"),
        (lambda: Optimization(clip=0.0), "clip"),
        (lambda: Checkpoints("x", every=-1), "every"),
        (lambda: SampledSoftmax(temperature=0.0), "temperature"),
    ],
)
def test_wrong_options_are_refused(make, message):
    with pytest.raises(ArgumentError, match=message):
        make()
