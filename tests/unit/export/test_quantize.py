"""Rankers with weights of eight bits keep the order, and are another model."""

import numpy as np
import pytest

from shortlist.data import Batch
from shortlist.errors import BundleError, ExportError
from shortlist.export import export_ranker, quantize_ranker
from shortlist.export._parity import random_ranking_batch
from shortlist.models.ranking import DCN, LR
from shortlist.runtime import load_ranker
from shortlist.schema import Column, Domain, Schema

SCHEMA = Schema(
    [
        Column("user", "int64", ("user", "id"), domain=Domain("user", 40)),
        Column("age", "float32", ("user", "continuous")),
        Column("item", "int64", ("item", "id"), domain=Domain("item", 90)),
        Column("price", "float32", ("item", "continuous")),
        Column("click", "float32", ("target", "binary")),
    ]
)


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    room = tmp_path_factory.mktemp("parts")
    exact = export_ranker(DCN(SCHEMA, dim=16, hidden=(64, 32), layers=2), room / "exact")
    return room, exact, quantize_ranker(room / "exact", room / "rounded")


def batch(queries=1):
    sides = {"query": SCHEMA.select(("user", "age")), "candidate": SCHEMA.select(("item", "price"))}
    return random_ranking_batch(sides, (queries, 64), np.random.default_rng(0))


@pytest.mark.parametrize("queries", [1, 3])
def test_scores_are_nearly_the_same(parts, queries):
    room, _, part = parts
    exact, rounded = (load_ranker(room / name).score(batch(queries)) for name in ("exact", "rounded"))
    assert 0 < np.abs(exact - rounded).max() < 0.05
    assert np.corrcoef(exact, rounded)[0, 1] > 0.99
    assert 0 < part.parity < 0.05


def test_it_is_another_model_of_the_same_columns(parts):
    _, exact, part = parts
    assert part.fingerprint != exact.fingerprint
    assert part.inputs == exact.inputs
    assert "weights.safetensors" not in part.files  # rounded weights are nothing to train on from
    assert sorted(part.files) == ["ranker.onnx", "ranker_one_query.onnx", "ranker_packed.onnx"]


def test_rows_by_themselves_are_scored_too(parts):
    room, _, _ = parts
    rounded = load_ranker(room / "rounded")
    flat = batch().flat()
    assert rounded.score(flat).shape == (64,)
    assert rounded.score(Batch({name: column[:0] for name, column in flat.items()})).shape == (0,)


def test_what_is_no_network_is_refused(parts, tmp_path, monkeypatch):
    with pytest.raises(BundleError, match="nothing"):
        quantize_ranker(tmp_path / "nothing", tmp_path / "out")
    monkeypatch.setattr("shortlist.export._quantize.load_ranker", lambda folder: folder)
    with pytest.raises(ExportError, match="a ranking network; received 'trees'"):
        quantize_ranker(parts[0] / "exact", tmp_path / "out")


def test_a_network_without_layers_is_refused(tmp_path):
    export_ranker(LR(SCHEMA.select(("user", "item", "click"))), tmp_path / "lr")
    with pytest.raises(ExportError, match="no product with a constant matrix"):
        quantize_ranker(tmp_path / "lr", tmp_path / "out")
    assert not (tmp_path / "out").exists()
