import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
import torch
from safetensors.torch import load_file

from shortlist.errors import CheckpointError
from shortlist.models.retrieval import SASRec, SequenceOptions, TowerOptions, TwoTower
from shortlist.samplers import InBatch, Uniform
from shortlist.train import Checkpoints, FitOptions, Learnable, NextItem, Optimization, SampledSoftmax, fit

SEQUENCE = Path(__file__).parents[2] / "golden" / "sas_rec_loss.txt"
GOLDEN = Path(__file__).parents[2] / "golden" / "two_tower_loss.txt"
STEPS_AN_EPOCH = 6


def run(schema, train, valid, folder=None, *, hidden=(8,), model=None, **options):
    """Four epochs of six steps with everything that has a state: dropout, sampler, schedule, best weights."""
    model = model or TwoTower(
        schema, dim=4, hidden=hidden, query=TowerOptions(dropout=0.2), item=TowerOptions(dropout=0.2)
    )
    objective = SampledSoftmax(temperature=0.2, negatives=InBatch() + Uniform(16))
    chosen = FitOptions(
        epochs=4,
        batch_size=256,
        lr=0.02,
        precision="float32",
        optimization=Optimization(schedule="cosine"),
        checkpoint=None if folder is None else Checkpoints(folder, every=2),
        **options,
    )
    return model, fit(model, train, objective, valid, chosen)


class Killed(Exception):
    """Stands for the end of the process in mid-training."""


def run_killed(schema, train, valid, folder, step):
    model = TwoTower(
        schema, dim=4, hidden=(8,), query=TowerOptions(dropout=0.2), item=TowerOptions(dropout=0.2)
    )
    steps = iter(range(step))

    def count(*_):
        if next(steps, None) is None and model.training:
            raise Killed

    model.query.register_forward_pre_hook(count)
    with pytest.raises(Killed):
        run(schema, train, valid, folder, model=model)


def curve(report):
    return [(row.epoch, row.step, row.loss, row.metric, row.lr, row.rows) for row in report.epochs]


def test_loss_curve_is_the_golden_one(schema, train, valid):
    _, report = run(schema, train, valid)
    golden = [line.split() for line in GOLDEN.read_text().splitlines()]
    for row, (epoch, loss, metric) in zip(report.epochs, golden, strict=True):
        assert row.epoch == int(epoch)
        assert row.loss == pytest.approx(float(loss), abs=2e-4)
        assert row.metric == pytest.approx(float(metric), abs=5e-3)


# Step 5 stops in mid-epoch after a checkpoint at 4, step 9 after one in the second epoch.
@pytest.mark.parametrize("step", [3, 5, 9, 16])
def test_resume_equals_uninterrupted(schema, train, valid, tmp_path, step):
    whole, expected = run(schema, train, valid)
    run_killed(schema, train, valid, tmp_path / "run", step)
    resumed, report = run(schema, train, valid, tmp_path / "run")
    assert curve(report) == curve(expected)
    assert report.best == expected.best
    assert all(torch.equal(whole.state_dict()[name], value) for name, value in resumed.state_dict().items())


def test_a_finished_run_is_not_trained_again(schema, train, valid, tmp_path):
    first, report = run(schema, train, valid, tmp_path)
    second, again = run(schema, train, valid, tmp_path)
    assert again == report
    assert torch.equal(first.tables.weight, second.tables.weight)
    assert (tmp_path / "log.csv").read_text().count("\n") == 5


def test_a_fresh_start_replaces_the_checkpoint(schema, train, valid, tmp_path):
    run(schema, train, valid, tmp_path)
    options = FitOptions(epochs=1, checkpoint=Checkpoints(tmp_path, resume=False))
    report = fit(TwoTower(schema, dim=6), train, options=options)
    assert len(report.epochs) == 1
    assert len(json.loads((tmp_path / "last" / "state.json").read_text())["epochs"]) == 1


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {here!r})
import conftest, test_checkpoint
from shortlist.models.retrieval import TowerOptions, TwoTower

schema = conftest.schema.__wrapped__()
model = TwoTower(schema, dim=4, hidden=(8,), query=TowerOptions(dropout=0.2), item=TowerOptions(dropout=0.2))
calls = iter(range({step}))
def count(*_):
    if next(calls, None) is None and model.training:
        os.kill(os.getpid(), signal.SIGKILL)
model.query.register_forward_pre_hook(count)
test_checkpoint.run(schema, conftest.planted(1500, 0), conftest.planted(300, 1), {folder!r}, model=model)
"""


def test_resume_after_kill_9_in_another_process(schema, train, valid, tmp_path):
    folder = tmp_path / "run"
    script = KILLED.format(here=str(Path(__file__).parent), step=9, folder=str(folder))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False, env=os.environ)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    (folder / ".last.new-left-over").mkdir()
    whole, expected = run(schema, train, valid)
    resumed, report = run(schema, train, valid, folder)
    assert curve(report) == curve(expected)
    assert torch.equal(whole.tables.weight, resumed.tables.weight)
    assert sorted(path.name for path in folder.iterdir()) == ["last", "log.csv"]


@pytest.mark.parametrize(
    "name", ["weights.safetensors", "optimizer.safetensors", "state.json", "manifest.json"]
)
@pytest.mark.parametrize("damage", ["cut", "flipped", "gone"])
def test_damage_is_found_and_named(schema, train, valid, tmp_path, name, damage):
    run(schema, train, valid, tmp_path)
    path = tmp_path / "last" / name
    content = path.read_bytes()
    if damage == "cut":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "flipped":
        path.write_bytes(bytes([content[0] ^ 255]) + content[1:])
    else:
        path.unlink()
    with pytest.raises(CheckpointError, match=name):
        run(schema, train, valid, tmp_path)


def test_another_model_schema_or_data_is_refused(schema, train, valid, tmp_path):
    run(schema, train, valid, tmp_path)
    with pytest.raises(CheckpointError, match="another model"):
        run(schema, train, valid, tmp_path, hidden=(9,))
    with pytest.raises(CheckpointError, match="another schema"):
        run(schema.tag("price", "item", "continuous", "mine"), train, valid, tmp_path)
    with pytest.raises(CheckpointError, match="rows 1000"):
        run(schema, train.head(1000), valid, tmp_path)
    with pytest.raises(CheckpointError, match="seed 1"):
        run(schema, train, valid, tmp_path, seed=1)


def test_a_newer_format_is_refused(schema, train, valid, tmp_path):
    run(schema, train, valid, tmp_path)
    path = tmp_path / "last" / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 99}))
    with pytest.raises(CheckpointError, match="format 99"):
        run(schema, train, valid, tmp_path)


def test_checkpoints_hold_no_pickle(schema, train, valid, tmp_path):
    run(schema, train, valid, tmp_path)
    names = {path.name for path in (tmp_path / "last").iterdir()}
    assert names == {
        *("weights.safetensors", "best.safetensors", "average.safetensors", "optimizer.safetensors"),
        *("state.json", "manifest.json"),
    }


def test_a_learned_temperature_is_part_of_the_run(schema, train, valid, tmp_path):
    def run_with(folder, epochs):
        model = TwoTower(schema, dim=4)
        options = FitOptions(
            epochs=epochs, batch_size=256, lr=0.02, precision="float32", checkpoint=Checkpoints(folder)
        )
        fit(model, train, SampledSoftmax(temperature=Learnable(0.2)), valid, options)
        return load_file(folder / "last" / "weights.safetensors")

    whole = run_with(tmp_path / "whole", 3)
    run_with(tmp_path / "parts", 1)
    resumed = run_with(tmp_path / "parts", 3)
    name = "objective/temperature.log_temperature"
    assert whole[name].exp().item() != pytest.approx(0.2, abs=1e-4)
    assert all(torch.equal(whole[key], resumed[key]) for key in whole)


def sequence_run(schema, train, valid, folder, epochs):
    known = schema.select(["user", "history", "item"])
    model = SASRec(known, dim=8, blocks=1, dropout=0.1, options=SequenceOptions(max_length=4))
    options = FitOptions(
        epochs=epochs,
        batch_size=256,
        lr=0.02,
        precision="float32",
        optimization=Optimization(ema=0.9),
        checkpoint=Checkpoints(folder),
    )
    return fit(model, train.filter(pl.col("history").list.len() > 0), NextItem(Uniform(16)), valid, options)


def test_sequence_loss_curve_is_the_golden_one_and_resume_equals_its_tail(schema, train, valid, tmp_path):
    golden = [line.split() for line in SEQUENCE.read_text().splitlines()]
    sequence_run(schema, train, valid, tmp_path, 2)
    report = sequence_run(schema, train, valid, tmp_path, 4)
    for row, (epoch, loss, metric) in zip(report.epochs, golden, strict=True):
        assert row.epoch == int(epoch)
        assert row.loss == pytest.approx(float(loss), abs=2e-4)
        assert row.metric == pytest.approx(float(metric), abs=5e-3)
