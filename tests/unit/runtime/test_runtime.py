"""Exported graphs run on arrays alone. The graphs here are written by hand: no torch."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from shortlist.data import Batch, Ragged
from shortlist.errors import BundleError, SchemaError
from shortlist.io import checksum
from shortlist.runtime import Part, load_encoder, load_ranker
from shortlist.schema import LIST, Column, Domain, Schema
from shortlist.testing._runtime import check_batch_law, check_ranking_law

USER = Column("user", "int64", ("user", "id"), domain=Domain("user", 5))
AGE = Column("age", "float32", ("user", "continuous"))
LAST = Column("last", "int64", ("user", "sequence"), LIST, Domain("item", 9))
ITEM = Column("item", "int64", ("item", "id"), domain=Domain("item", 9))


def value(name, kind, *shape):
    return helper.make_tensor_value_info(name, kind, shape)


def write(path, nodes, inputs, output, constants=()):
    graph = helper.make_graph(nodes, "graph", inputs, [output], list(constants))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())


def write_part(folder, kind, inputs, outputs):
    files = {
        path.name: {"bytes": path.stat().st_size, "blake2b": checksum(path)} for path in folder.iterdir()
    }
    (folder / "part.json").write_text(Part(kind, inputs, outputs, "f1", 0.0, files).to_json())


@pytest.fixture
def encoder(tmp_path):
    """Query: (age, sum of the list + user). Item: (item, item)."""
    rows = helper.make_tensor("axis", TensorProto.INT64, [1], [1])
    nodes = [
        helper.make_node("ReduceSum", ["last", "axis"], ["sum"], keepdims=0),
        helper.make_node("Add", ["sum", "user"], ["total"]),
        helper.make_node("Cast", ["total"], ["number"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["number", "axis"], ["right"]),
        helper.make_node("Unsqueeze", ["age", "axis"], ["left"]),
        helper.make_node("Concat", ["left", "right"], ["vectors"], axis=1),
    ]
    query = [
        value("user", TensorProto.INT64, "rows"),
        value("age", TensorProto.FLOAT, "rows"),
        value("last", TensorProto.INT64, "rows", "length"),
    ]
    vectors = value("vectors", TensorProto.FLOAT, "rows", 2)
    write(tmp_path / "query.onnx", nodes, query, vectors, [rows])
    nodes = [
        helper.make_node("Cast", ["item"], ["number"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["number", "axis"], ["column"]),
        helper.make_node("Concat", ["column", "column"], ["vectors"], axis=1),
    ]
    write(tmp_path / "item.onnx", nodes, [value("item", TensorProto.INT64, "rows")], vectors, [rows])
    write_part(
        tmp_path, "encoder", {"query": Schema([USER, AGE, LAST]), "item": Schema([ITEM])}, {"vectors": 2}
    )
    return tmp_path


@pytest.fixture
def ranker(tmp_path):
    """age[query_of] + item."""
    nodes = [
        helper.make_node("Gather", ["age", "query_of"], ["ages"]),
        helper.make_node("Cast", ["item"], ["number"], to=TensorProto.FLOAT),
        helper.make_node("Add", ["ages", "number"], ["scores"]),
    ]
    inputs = [
        value("age", TensorProto.FLOAT, "query"),
        value("query_of", TensorProto.INT64, "candidate"),
        value("item", TensorProto.INT64, "candidate"),
    ]
    write(tmp_path / "ranker.onnx", nodes, inputs, value("scores", TensorProto.FLOAT, "candidate"))
    write_part(tmp_path, "ranker", {"query": Schema([AGE]), "candidate": Schema([ITEM])}, {"click": 1})
    return tmp_path


def queries(**changes):
    columns = {
        "user": np.array([1, 2, 0]),
        "age": np.array([0.5, 1.5, 2.5]),
        "last": Ragged.of([[3, 4], [], [8]]),
        "other": np.array(["x", "y", "z"], dtype=object),
    }
    return Batch({name: column for name, column in (columns | changes).items() if column is not None}, rows=3)


def test_an_encoder_reads_columns_and_pads_lists(encoder):
    model = load_encoder(encoder)
    assert model.encode_query(queries()).tolist() == [[0.5, 3 + 4 + 1], [1.5, 2], [2.5, 8]]
    assert model.encode_item(Batch({"item": np.array([7], dtype=np.int32)})).tolist() == [[7, 7]]
    assert (model.dim, model.fingerprint) == (2, "f1")
    assert (model.query_schema.names, model.item_schema.names) == (("user", "age", "last"), ("item",))
    assert repr(model) == "OnnxEncoder(dim 2, query ('user', 'age', 'last'), item ('item',))"


def test_no_row_is_special(encoder):
    model = load_encoder(encoder)
    check_batch_law(model.encode_query, queries())
    check_batch_law(model.encode_query, queries(last=Ragged.empty(3)))


def test_a_ranker_reads_query_columns_once(ranker):
    model = load_ranker(ranker)
    columns = {"age": np.array([0.5, 10.0]), "item": np.array([1, 2, 3])}
    batch = Batch(columns, query=("age",), query_of=np.array([0, 0, 1]))
    assert model.score(batch).tolist() == [1.5, 2.5, 13.0]
    check_ranking_law(model.score, batch)
    both = Batch(
        {"age": columns["age"], "item": np.array([5, 6])}, query=("age", "item"), query_of=np.array([1, 1, 0])
    )
    assert model.score(both).tolist() == [16.0, 16.0, 5.5]
    flat = Batch({"age": np.array([1.0, 2.0]), "item": np.array([1, 1])})
    assert model.score(flat).tolist() == [2.0, 3.0]
    assert model.target == "click"
    assert repr(model) == "OnnxRanker('click', ('age', 'item'))"


def test_a_ranker_scores_many_candidates_as_it_scores_few(ranker):
    rows = np.arange(20_000)
    columns = {"age": np.array([0.5, 10.0]), "item": rows % 9}
    scores = load_ranker(ranker).score(Batch(columns, query=("age",), query_of=rows % 2))
    assert scores.tolist() == (np.where(rows % 2, 10.0, 0.5) + rows % 9).tolist()
    flat = load_ranker(ranker).score(Batch({"age": rows * 0.5, "item": rows % 9}))
    assert flat.tolist() == (rows * 0.5 + rows % 9).tolist()


def test_a_ranker_of_no_candidates_gives_no_scores(ranker):
    for count in (0, 2):
        columns = {"age": np.zeros(count, np.float32), "item": np.zeros(0, np.int64)}
        batch = Batch(columns, query=("age",), query_of=np.zeros(0, np.int64))
        assert load_ranker(ranker).score(batch).shape == (0,)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"age": None}, "no column 'age'"),
        ({"user": None, "age": None}, "no column 'user' and 1 more"),
        ({"user": None, "user_id": np.zeros(3, int)}, "did you mean 'user_id'"),
        ({"user": Ragged.empty(3)}, "received 'lists'|received lists"),
        ({"last": np.zeros(3, int)}, "one value a row"),
        ({"age": np.array(["1", "2", "3"], dtype=object)}, "expected numbers"),
        ({"user": np.zeros(3)}, "through the workflow"),
        ({"user": np.array([0, 5, 1])}, "a code of 5"),
        ({"user": np.array([0, -1, 1])}, "a code of -1"),
        ({"last": Ragged.of([[9], [], []])}, "codes from 0 to 8"),
    ],
)
def test_wrong_columns_are_refused(encoder, changes, message):
    with pytest.raises(SchemaError, match=message):
        load_encoder(encoder).encode_query(queries(**changes))


def test_a_ranker_names_the_missing_column(ranker):
    with pytest.raises(SchemaError, match="no column 'age'"):
        load_ranker(ranker).score(Batch({"item": np.array([1])}))


@pytest.mark.parametrize("name", ["query.onnx", "item.onnx", "part.json"])
def test_a_missing_file_is_named(encoder, name):
    (encoder / name).unlink()
    with pytest.raises(BundleError, match=name):
        load_encoder(encoder)


@pytest.mark.parametrize("verify", [True, False])
def test_a_damaged_graph_is_refused(encoder, verify):
    path = encoder / "query.onnx"
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(BundleError, match="checksum"):
        load_encoder(encoder, verify=verify)
    path.write_bytes(b"\x00" * len(content))
    with pytest.raises(BundleError, match="export the model again"):
        load_encoder(encoder, verify=verify)


@pytest.mark.parametrize(
    ("change", "message"),
    [({"format": 9}, "format 9"), ({"inputs": 3}, "AttributeError"), ({"more": 1}, "TypeError")],
)
def test_damaged_facts_are_refused(encoder, change, message):
    path = encoder / "part.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(BundleError, match=message):
        load_encoder(encoder)
    path.write_text("{")
    with pytest.raises(BundleError, match=r"part\.json"):
        load_encoder(encoder)


def test_a_part_of_another_kind_is_refused(encoder):
    with pytest.raises(BundleError, match="load it with load_encoder"):
        load_ranker(encoder)


def test_facts_survive_json(encoder):
    text = (encoder / "part.json").read_text()
    assert Part.from_json(text).to_json() == text


def test_serving_needs_no_torch(encoder):
    code = (
        "import sys; from shortlist.runtime import load_encoder; load_encoder(sys.argv[1]); "
        "assert not {'torch', 'onnx', 'safetensors'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(Path(encoder))], check=True)
