"""Graphs that read columns side by side, and the one for the candidates of one query, compute the same."""

import json

import numpy as np
import onnx
import pytest
import torch

from shortlist.data import Batch
from shortlist.errors import SchemaError
from shortlist.export import export_ranker
from shortlist.export._graph import to_graph
from shortlist.export._one_query import for_one_query
from shortlist.export._pack import packed
from shortlist.export._parity import random_ranking_batch
from shortlist.models.ranking import DCN, DLRM, DeepFM
from shortlist.runtime import PACKS, load_ranker
from shortlist.schema import Column, Domain, Schema

SIZES = {"u0": 5, "u1": 9, "i0": 11, "i1": 3, "i2": 70}
SCHEMA = Schema(
    [
        *(
            Column(
                name, "int64", ("user" if name[0] == "u" else "item", "categorical"), domain=Domain(name, n)
            )
            for name, n in SIZES.items()
        ),
        Column("age", "float32", ("user", "continuous")),
        Column("height", "float32", ("user", "continuous")),
        Column("price", "float32", ("item", "continuous")),
        Column("match", "float32", ("cross", "continuous")),
        Column("click", "float32", ("target", "binary")),
    ]
)
RANKERS = {
    "dlrm": lambda: DLRM(SCHEMA, dim=4, hidden=(8, 6), bottom=(5,)),
    "dcn": lambda: DCN(SCHEMA, dim=4, hidden=(8, 6), layers=2),
    "deepfm": lambda: DeepFM(SCHEMA, dim=4, hidden=(8,)),
}


def proto(model):
    columns = [(Column("query_of", "int64"), "candidate")]
    columns += [(column, "query") for column in model.query_schema]
    columns += [(column, "candidate") for column in model.candidate_schema]
    with torch.no_grad():
        return to_graph(model.eval(), model.padded, columns, output="scores")


@pytest.fixture(scope="module", params=list(RANKERS))
def ranker(request, tmp_path_factory):
    model = RANKERS[request.param]()
    folder = tmp_path_factory.mktemp("part") / "ranker"
    export_ranker(model, folder)
    return model, load_ranker(folder)


def batch_of(queries, rows):
    sides = {"query": SCHEMA.select(("u0", "u1", "age", "height"))}
    sides["candidate"] = SCHEMA.select(("i0", "i1", "i2", "price", "match"))
    return random_ranking_batch(sides, (queries, rows), np.random.default_rng(rows))


def test_columns_stand_side_by_side_by_side_and_type():
    graph = packed(proto(RANKERS["dcn"]()))
    names = {value.name for value in graph.graph.input}
    assert names == {
        "%codes of query",
        "%numbers of query",
        "%codes of candidate",
        "%numbers of candidate",
        "query_of",
    }
    (entry,) = graph.metadata_props
    assert entry.key == PACKS
    assert json.loads(entry.value)["%codes of candidate"] == ["i0", "i1", "i2"]
    shapes = {v.name: v.type.tensor_type for v in graph.graph.input}
    assert shapes["%codes of query"].elem_type == onnx.TensorProto.INT32
    assert shapes["%codes of query"].shape.dim[1].dim_value == 2


def test_one_query_is_repeated_for_no_candidate():
    many = packed(proto(RANKERS["dlrm"]()))
    one = for_one_query(many)
    assert "query_of" in {value.name for value in many.graph.input}
    assert "query_of" not in {value.name for value in one.graph.input}
    kinds = [[node.op_type for node in graph.graph.node] for graph in (many, one)]
    assert kinds[0].count("Gather") - kinds[1].count("Gather") == 3  # bottom, crossed fields, top
    read = {name for node in one.graph.node for name in node.input}
    assert read.issuperset(tensor.name for tensor in one.graph.initializer)


@pytest.mark.parametrize("rows", [0, 1, 9])
def test_one_query_gives_what_many_give(ranker, rows):
    model, served = ranker
    one = batch_of(1, rows)
    two = Batch(
        {
            name: np.concatenate([column, column]) if name in one.query else column
            for name, column in one.items()
        },
        rows=rows,
        query=one.query,
        query_of=one.query_of,
    )
    np.testing.assert_allclose(served.score(one), model.score(one), atol=1e-5)
    np.testing.assert_allclose(served.score(two), served.score(one), atol=1e-6)
    np.testing.assert_allclose(served.score(one.flat()), served.score(one), atol=1e-6)


def test_blocks_are_read_in_place_of_columns(ranker):
    _, served = ranker
    batch = batch_of(1, 6)
    blocks = {
        names: np.stack(
            [batch[name] for name in names],
            1,
            dtype=np.int32 if names[0] in SIZES else np.float32,
            casting="same_kind",
        )
        for names in served.packs
    }
    columns = dict(batch.items())
    whole = Batch.trusted(columns, len(batch), batch.query, batch.query_of, blocks)
    np.testing.assert_array_equal(served.score(whole), served.score(batch))
    (names,) = (names for names in served.packs if "i2" in names)
    blocks[names] = blocks[names][::-1]
    reversed_codes = batch.with_columns({name: batch[name][::-1] for name in names}, query=batch.query)
    np.testing.assert_array_equal(served.score(whole), served.score(reversed_codes))


@pytest.mark.parametrize("code", [-1, 70, 2**40])
def test_a_code_out_of_range_is_named(ranker, code):
    _, served = ranker
    batch = batch_of(1, 3)
    wrong = batch.with_columns({"i2": np.array([0, code, 1])}, query=batch.query)
    with pytest.raises(SchemaError, match=rf"column 'i2': .*codes from 0 to 69.*a code of {code}"):
        served.score(wrong)


def test_a_column_that_is_read_alone_too_is_picked_out():
    class Model(torch.nn.Module):
        def padded(self, first, second, third):
            both = torch.stack([first, second, third], 1).float().sum(1)
            return both * second + first

    columns = [(Column(name, "int64"), "rows") for name in ("a", "b", "c")]
    model = Model()
    graph = packed(to_graph(model, model.padded, columns, output="sums"))
    import onnxruntime

    session = onnxruntime.InferenceSession(graph.SerializeToString())
    codes = np.array([[1, 2, 3], [4, 5, 6]], np.int32)
    (found,) = session.run(None, {"%codes of rows": codes})
    assert found.tolist() == [6 * 2 + 1, 15 * 5 + 4]
