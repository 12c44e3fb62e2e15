"""Exported models give what live ones give, for no row, one, and many, with lists of any length."""

import json
import subprocess
import sys
from shutil import copytree

import numpy as np
import onnx
import pytest
import torch
from safetensors.numpy import load_file

from shortlist.data import Batch, Ragged
from shortlist.errors import ArgumentError, BundleError, ExportError
from shortlist.export import export_encoder, export_ranker, load_weights
from shortlist.export._parity import check_parity, random_batch, random_ranking_batch
from shortlist.models.ranking import DCN, CrossOptions
from shortlist.models.retrieval import TwoTower
from shortlist.runtime import load_encoder, load_ranker
from shortlist.schema import LIST, Column, Domain, Schema, Shape
from shortlist.testing._runtime import check_batch_law, check_ranking_law

CODES = {"user": 40, "embedding": 5, "item": 90, "category": 7}


def codes(name, *tags, domain=None, shape=None):
    known = domain or name
    return Column(name, "int64", tags, shape or Shape(), Domain(known, CODES[known]))


# Columns are named after what the exporter calls its own values, on purpose.
SCHEMA = Schema(
    [
        codes("user", "user", "id"),
        codes("embedding", "user", "categorical"),
        Column("age", "float32", ("user", "continuous")),
        codes("history", "user", "sequence", domain="item", shape=Shape("list", 13)),
        codes("recent", "user", "sequence", domain="item", shape=LIST),
        codes("item", "item", "id"),
        codes("add", "item", "sequence", domain="category", shape=LIST),
        Column("scores", "float32", ("item", "continuous")),
        Column("vectors", "float32", ("cross", "continuous")),
        Column("click", "float32", ("target", "binary")),
    ]
)


def two_tower(**options):
    return TwoTower(SCHEMA, **{"dim": 16, "hidden": (24,)} | options)


def dcn(schema=SCHEMA, **options):
    return DCN(schema, **{"dim": 4, "layers": 2, "hidden": (16, 8)} | options)


def sides(model):
    return {"query": model.query_schema, "candidate": model.candidate_schema}


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("part") / "encoder"
    return two_tower(), export_encoder(two_tower(), folder), folder


@pytest.fixture(scope="module")
def ranker(tmp_path_factory):
    folder = tmp_path_factory.mktemp("part") / "ranker"
    return dcn(), export_ranker(dcn(), folder), folder


def batch_with_lists(rows, length):
    rng = np.random.default_rng(rows * 100 + length)
    batch = random_batch(SCHEMA.without("click"), rows, rng)
    lists = {
        name: Ragged.of([rng.integers(1, 7, length) for _ in range(rows)], np.int64)
        for name in ("history", "recent", "add")
    }
    return batch.with_columns(lists)


@pytest.mark.parametrize("rows", [0, 1, 7])
@pytest.mark.parametrize("length", [0, 1, 13])
def test_towers_are_equal_at_every_size(encoder, rows, length):
    live, _, folder = encoder
    served, batch = load_encoder(folder), batch_with_lists(rows, length)
    for name in ("encode_query", "encode_item"):
        expected = getattr(live, name)(batch)
        assert expected.shape == (rows, 16)
        np.testing.assert_allclose(getattr(served, name)(batch), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize(("queries", "rows"), [(0, 0), (1, 0), (1, 1), (1, 9), (7, 9)])
@pytest.mark.parametrize("length", [0, 1, 13])
def test_rankers_are_equal_at_every_size(ranker, queries, rows, length):
    live, _, folder = ranker
    rng = np.random.default_rng(rows)
    batch = random_ranking_batch(sides(live), (queries, rows), rng)
    history = Ragged.of([rng.integers(1, 90, length) for _ in range(queries)], np.int64)
    batch = batch.with_columns({"history": history}, query=("history",))
    expected = live.score(batch)
    assert expected.shape == (rows,)
    np.testing.assert_allclose(load_ranker(folder).score(batch), expected, rtol=0, atol=1e-5)


def test_exported_models_keep_the_batch_laws(encoder, ranker):
    served = load_encoder(encoder[2])
    batch = random_batch(SCHEMA.without("click"), 20, np.random.default_rng(0))
    check_batch_law(served.encode_query, batch)
    check_batch_law(served.encode_item, batch)
    live, _, folder = ranker
    many = random_ranking_batch(sides(live), (4, 30), np.random.default_rng(1))
    check_ranking_law(load_ranker(folder).score, many)


def test_the_part_says_what_it_is(encoder, ranker):
    _, part, folder = encoder
    assert (part.kind, part.outputs) == ("encoder", {"vectors": 16})
    assert part.inputs["query"].names == ("user", "embedding", "age", "history", "recent")
    assert part.inputs["item"].names == ("item", "add", "scores")
    assert 0 <= part.parity <= 1e-5
    assert sorted(part.files) == ["item.onnx", "query.onnx", "query_packed.onnx", "weights.safetensors"]
    assert json.loads((folder / "part.json").read_text())["fingerprint"] == part.fingerprint
    assert load_encoder(folder).fingerprint == part.fingerprint
    _, part, folder = ranker
    assert (part.kind, part.outputs) == ("ranker", {"click": 1})
    graphs = ["ranker.onnx", "ranker_one_query.onnx", "ranker_packed.onnx"]
    assert sorted(part.files) == [*graphs, "weights.safetensors"]
    assert load_ranker(folder).target == "click"


def test_inputs_bear_the_names_of_columns(encoder):
    graph = onnx.load(encoder[2] / "query.onnx", load_external_data=False).graph
    assert [value.name for value in graph.input] == ["user", "embedding", "age", "history", "recent"]
    shapes = [[size.dim_param for size in value.type.tensor_type.shape.dim] for value in graph.input]
    assert shapes == [["rows"], ["rows"], ["rows"], ["rows", "length_3"], ["rows", "length_4"]]


def test_tables_stand_on_disk_once(encoder):
    live, _, folder = encoder
    stored = load_file(folder / "weights.safetensors")
    assert stored.keys() == live.state_dict().keys()
    for name in ("query.onnx", "item.onnx"):
        assert (folder / name).stat().st_size < live.tables.weight.nbytes
        model = onnx.load(folder / name)
        found = [onnx.numpy_helper.to_array(constant) for constant in model.graph.initializer]
        assert any(np.array_equal(array, stored["tables.weight"]) for array in found)


def test_the_same_model_gives_the_same_bytes_and_no_path_of_this_machine(encoder, tmp_path):
    _, _, folder = encoder
    export_encoder(two_tower(), tmp_path / "again")
    for path in folder.iterdir():
        content = path.read_bytes()
        assert content == (tmp_path / "again" / path.name).read_bytes()
        assert b".py" not in content


def test_ids_alone_can_be_exported(tmp_path):
    model = TwoTower(SCHEMA.select(("user", "item")), dim=8, normalize=False)
    assert export_encoder(model.train(), tmp_path / "part").parity == 0.0
    assert model.training  # as it was
    assert model.query.training
    batch = Batch({"user": np.array([3, 4]), "item": np.array([5, 6])})
    served = load_encoder(tmp_path / "part")
    np.testing.assert_array_equal(served.encode_query(batch), model.encode_query(batch))
    np.testing.assert_array_equal(served.encode_item(batch), model.encode_item(batch))


def test_a_ranker_without_query_columns_can_be_exported(tmp_path):
    model = dcn(SCHEMA.select(("item", "vectors", "click")), cross=CrossOptions(structure="stacked"))
    export_ranker(model, tmp_path / "part")
    batch = Batch({"item": np.array([3, 4]), "vectors": np.zeros(2, np.float32)})
    np.testing.assert_allclose(load_ranker(tmp_path / "part").score(batch), model.score(batch), atol=1e-6)


def test_weights_come_back_to_train_on(encoder):
    live, _, folder = encoder
    other = two_tower(seed=5)
    load_weights(other, folder)
    assert all(torch.equal(one, two) for one, two in zip(other.parameters(), live.parameters(), strict=True))


def test_weights_of_another_model_are_refused_whole(encoder, tmp_path):
    other = two_tower(hidden=(12,), seed=5)
    before = {name: tensor.clone() for name, tensor in other.state_dict().items()}
    with pytest.raises(ExportError, match=r"do not fit .*(query|item)\.body"):
        load_weights(other, encoder[2])
    assert all(torch.equal(before[name], tensor) for name, tensor in other.state_dict().items())
    with pytest.raises(ExportError, match="do not fit"):
        load_weights(torch.nn.ModuleDict({"model": two_tower()}), encoder[2])
    with pytest.raises(ExportError, match="a weights file"):
        load_weights(other, tmp_path)


def test_damaged_weights_are_found(encoder, tmp_path):
    copytree(encoder[2], tmp_path / "part")
    path = tmp_path / "part" / "weights.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(BundleError, match=r"weights\.safetensors"):
        load_encoder(tmp_path / "part", verify=False)


class Tower(torch.nn.Module):
    """The smallest module that meets the contract; ``fault`` breaks it."""

    inputs = Schema([codes("item", "item", "id")])
    dim = 1

    def __init__(self, fault=""):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(1))
        self.fault = fault

    @property
    def query(self):
        return self

    @property
    def item(self):
        return self

    def padded(self, item):
        if self.fault == "branch" and bool(item.sum() > 3):
            return item
        shift = 1e-2 if self.fault == "shift" else 0.0
        return item.unsqueeze(1) * self.weight + shift

    def encode_query(self, batch):
        vectors = (batch["item"] * np.float32(1)).astype(np.float32)
        return vectors if self.fault == "shape" else vectors[:, None]

    encode_item = encode_query


def test_any_module_of_the_shape_can_be_exported(tmp_path):
    model = Tower()
    first = export_encoder(model, tmp_path / "part")
    assert load_encoder(tmp_path / "part").encode_item(Batch({"item": np.array([3])})).tolist() == [[3.0]]
    assert export_encoder(model, tmp_path / "part").fingerprint == first.fingerprint
    model.register_buffer("more", torch.ones(1))
    assert export_encoder(model, tmp_path / "part").fingerprint != first.fingerprint


@pytest.mark.parametrize(
    ("fault", "message"),
    [("branch", "avoid branches"), ("shift", r"at most 1e-05; .*differ by"), ("shape", "shape")],
)
def test_a_faulty_model_is_refused_and_nothing_is_written(fault, message, tmp_path):
    with pytest.raises(ExportError, match=message):
        export_encoder(Tower(fault), tmp_path / "part")
    assert list(tmp_path.iterdir()) == []


def test_a_graph_that_cannot_be_opened_is_refused(monkeypatch, tmp_path):
    def broken(path, inputs, *, threads):
        raise BundleError("here", received=f"an unknown operation, with {threads} thread for {inputs!r}")

    monkeypatch.setattr("shortlist.export._export.open_graph", broken)
    with pytest.raises(ExportError, match=r"export of query_packed\.onnx: .*unknown operation"):
        export_encoder(Tower(), tmp_path / "part")


def test_scores_that_are_not_finite_are_refused():
    def broken(batch):
        return np.full(len(batch), np.nan, np.float32)

    with pytest.raises(ExportError, match="not finite"):
        check_parity("here", broken, broken, [Batch({"item": np.array([1])})])


@pytest.mark.parametrize(
    ("export", "model", "message"),
    [
        (export_encoder, torch.nn.Linear(1, 1), "a Linear without .*'query'"),
        (export_ranker, torch.nn.Linear(1, 1), "'targets'"),
        (export_encoder, 3, "a int without"),
    ],
)
def test_something_else_is_refused(export, model, message, tmp_path):
    with pytest.raises(ArgumentError, match=message):
        export(model, tmp_path / "part")


def test_a_fresh_process_gives_the_same_vectors_without_torch(encoder, tmp_path):
    live, _, folder = encoder
    code = (
        "import sys, numpy as np; from shortlist.data import Batch; "
        "from shortlist.runtime import load_encoder; from shortlist.data import Ragged; "
        "batch = Batch({'item': np.arange(5), 'add': Ragged.of([[1], [], [2, 3], [], []]), "
        "'scores': np.zeros(5, np.float32)}); "
        "np.save(sys.argv[2], load_encoder(sys.argv[1]).encode_item(batch)); "
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, str(folder), str(tmp_path / "out.npy")], check=True)
    batch = Batch(
        {
            "item": np.arange(5),
            "add": Ragged.of([[1], [], [2, 3], [], []]),
            "scores": np.zeros(5, np.float32),
        }
    )
    np.testing.assert_array_equal(np.load(tmp_path / "out.npy"), load_encoder(folder).encode_item(batch))
    np.testing.assert_allclose(np.load(tmp_path / "out.npy"), live.encode_item(batch), rtol=0, atol=1e-5)
