"""What trackers record."""

import sys
from types import ModuleType, SimpleNamespace
from typing import ClassVar

import pytest

from shortlist.errors import MissingExtraError
from shortlist.models.retrieval import TwoTower
from shortlist.train import FitOptions, MLflow, TensorBoard, fit


class Client:
    """Stands for MLflow's client: keeps what it is told."""

    known: ClassVar[dict[str, str]] = {}
    said: ClassVar[list[tuple]] = []

    def __init__(self, tracking_uri=None):
        self.said.append(("uri", tracking_uri))

    def get_experiment_by_name(self, name):
        return SimpleNamespace(experiment_id="7") if name in self.known else None

    def create_experiment(self, name):
        self.known[name] = "7"
        return "7"

    def create_run(self, experiment, run_name=None):
        self.said.append(("run", experiment, run_name))
        return SimpleNamespace(info=SimpleNamespace(run_id="r"))

    def log_param(self, run, name, value):
        self.said.append(("param", run, name, value))

    def log_metric(self, run, name, value, step):
        self.said.append(("metric", run, name, value, step))

    def set_terminated(self, run):
        self.said.append(("end", run))


def trained(schema, train, valid, tracker):
    options = FitOptions(epochs=2, batch_size=512, trackers=(tracker,))
    return fit(TwoTower(schema, dim=4), train, None, valid, options)


def test_tensorboard_shows_every_epoch(schema, train, valid, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    report = trained(schema, train, valid, TensorBoard(tmp_path / "board"))
    found = EventAccumulator(str(tmp_path / "board"))
    found.Reload()
    assert set(found.Tags()["scalars"]) == {"loss", "lr", "seconds", "ndcg@10"}
    losses = [(event.step, event.value) for event in found.Scalars("loss")]
    assert losses == [(row.epoch, pytest.approx(row.loss)) for row in report.epochs]
    text = found.Tensors("options/text_summary")[0].tensor_proto.string_val[0].decode()
    assert "batch_size = 512" in text


def test_mlflow_has_parameters_and_metrics(schema, train, valid, monkeypatch):
    module = ModuleType("mlflow")
    module.MlflowClient = Client  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "mlflow", module)
    Client.said.clear()
    Client.known.clear()
    for name in ("first", "second"):
        report = trained(schema, train, valid, MLflow("towers", uri="file:runs", run=name))
    assert ("uri", "file:runs") in Client.said
    assert ("run", "7", "second") in Client.said
    assert ("param", "r", "batch_size", 512) in Client.said
    assert ("metric", "r", "ndcg_at_10", report.epochs[1].metric, 2) in Client.said
    assert Client.said[-1] == ("end", "r")


@pytest.mark.parametrize(("tracker", "extra"), [(TensorBoard, "tensorboard"), (MLflow, "mlflow")])
def test_a_missing_package_is_named(schema, train, valid, tmp_path, monkeypatch, tracker, extra):
    monkeypatch.setitem(sys.modules, extra, None)
    with pytest.raises(MissingExtraError, match=rf"shortlist\[{extra}\]"):
        trained(schema, train, valid, tracker(str(tmp_path)))


def test_a_record_is_closed_when_training_fails(schema, train, valid):
    closed = []

    class Record:
        def epoch(self, row, metric):
            raise RuntimeError("disk full")

        def close(self):
            closed.append(True)

    with pytest.raises(RuntimeError, match="disk full"):
        trained(schema, train, valid, SimpleNamespace(open=lambda settings: Record()))
    assert closed == [True]
