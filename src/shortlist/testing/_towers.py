"""A bundle with two towers whose graphs are written by hand: no training, and no torch."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import polars as pl
from onnx import TensorProto, helper, numpy_helper

from shortlist.bundle import Writer
from shortlist.features import Workflow, ops
from shortlist.io import Dataset, checksum
from shortlist.pipeline import Drop, Pipeline, Retrieve, State, Take, build_index, write_pipeline
from shortlist.runtime import load_encoder
from shortlist.runtime._part import Part
from shortlist.schema import Column, Schema, tags

__all__ = ["ITEMS", "tower_bundle"]

ITEMS = 40
"""Number of items, ``i00`` to ``i39``."""

_DIM = 6
_ID = frozenset({"id", "categorical"})
_EVENTS = Schema(
    [
        Column("user_id", "int64", _ID | {"user"}),
        Column("item_id", "string", _ID | {"item"}),
        Column("at", "datetime", frozenset({"time"})),
    ]
)
_TABLE = Schema(
    [
        Column("item_id", "string", _ID | {"item"}),
        Column("category", "string", frozenset({"item", "categorical"})),
        Column("price", "float64", frozenset({"item", "continuous"})),
    ]
)


def tower_bundle(folder: Path, seed: int = 0) -> Path:
    """Write a bundle of ``Retrieve``, ``Drop(seen=True)``, ``Take``; another seed is another model.

    Users 100 to 104 took three items each. An item's vector is the sum of a row for its id, a row for its
    category, and its price along a direction; a query's is the sum over its last items, and a constant.
    """
    rng = np.random.default_rng(seed)
    state, flow = _state(), _flow()
    part = folder.with_name(f".{folder.name}.towers")
    part.mkdir(parents=True)
    _write_part(part, flow, rng)
    encoder = load_encoder(part)
    retrieve = Retrieve(encoder, build_index(encoder, flow, state), flow=flow, k=1000)
    pipe = Pipeline([retrieve, Drop(seen=True), Take(1000)], state=state)
    with Writer(folder, {"seed": seed}) as writer:
        write_pipeline(pipe, writer, {})
    return folder


def _tables() -> tuple[Dataset, Dataset]:
    rows = [(100 + n // 3, f"i{(7 * n) % ITEMS:02d}", n) for n in range(15)]
    log = pl.DataFrame(rows, schema=["user_id", "item_id", "at"], orient="row")
    log = log.with_columns((pl.col("at") * 1_000_000).cast(pl.Datetime("us")))
    numbers = range(ITEMS)
    items = pl.DataFrame(
        {
            "item_id": [f"i{n:02d}" for n in numbers],
            "category": [f"c{n % 4}" for n in numbers],
            "price": [float(n % 10) for n in numbers],
        }
    )
    return Dataset.of(log, _EVENTS), Dataset.of(items, _TABLE)


def _state() -> State:
    log, items = _tables()
    return State(log, items=items)


def _flow() -> Workflow:
    log, items = _tables()
    branches = [
        tags.any("id") >> ops.Categorify(),
        "category" >> ops.Categorify(),
        "price" >> ops.FillMissing(0.0),
        ops.History("item_id", max_length=5) >> ops.Categorify(like="item_id"),
    ]
    return Workflow(branches).fit(log.join_tables(items))


def _write_part(folder: Path, flow: Workflow, rng: np.random.Generator) -> None:
    schema = flow.schema
    domains = [schema[name].domain for name in ("item_id", "category")]
    of_id, of_category = (_drawn(rng, (domain and domain.size) or 0, _DIM) for domain in domains)
    _save(folder / "query.onnx", _query(of_id, _drawn(rng, _DIM)))
    _save(folder / "item.onnx", _item(of_id, of_category, _drawn(rng, _DIM) / 10))
    files = {
        path.name: {"bytes": path.stat().st_size, "blake2b": checksum(path)}
        for path in sorted(folder.iterdir())
    }
    inputs = {
        "query": schema.select(["item_id_history"]),
        "item": schema.select(["item_id", "category", "price"]),
    }
    fingerprint = files["item.onnx"]["blake2b"]
    part = Part("encoder", inputs, {"vectors": _DIM}, str(fingerprint)[:16], 0.0, files)
    (folder / "part.json").write_text(part.to_json())


def _drawn(rng: np.random.Generator, *shape: int) -> Any:
    return rng.standard_normal(shape).astype(np.float32)


def _query(of_id: Any, constant: Any) -> Any:
    nodes = [
        helper.make_node("Gather", ["of_id", "item_id_history"], ["rows"]),
        helper.make_node("ReduceSum", ["rows", "axis"], ["sum"], keepdims=0),
        helper.make_node("Add", ["sum", "constant"], ["vectors"]),
    ]
    inputs = [helper.make_tensor_value_info("item_id_history", TensorProto.INT64, ["B", "L"])]
    return _graph(nodes, inputs, of_id=of_id, constant=constant, axis=np.array([1]))


def _item(of_id: Any, of_category: Any, direction: Any) -> Any:
    nodes = [
        helper.make_node("Gather", ["of_id", "item_id"], ["own"]),
        helper.make_node("Gather", ["of_category", "category"], ["kind"]),
        helper.make_node("Unsqueeze", ["price", "axis"], ["column"]),
        helper.make_node("Mul", ["column", "direction"], ["priced"]),
        helper.make_node("Sum", ["own", "kind", "priced"], ["vectors"]),
    ]
    inputs = [
        helper.make_tensor_value_info("item_id", TensorProto.INT64, ["B"]),
        helper.make_tensor_value_info("category", TensorProto.INT64, ["B"]),
        helper.make_tensor_value_info("price", TensorProto.FLOAT, ["B"]),
    ]
    parts = {"of_id": of_id, "of_category": of_category, "direction": direction, "axis": np.array([1])}
    return _graph(nodes, inputs, **parts)


def _graph(nodes: list[Any], inputs: list[Any], **arrays: Any) -> Any:
    outputs = [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["B", _DIM])]
    held = [numpy_helper.from_array(array, name) for name, array in arrays.items()]
    graph = helper.make_graph(nodes, "tower", inputs, outputs, held)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def _save(path: Path, model: Any) -> None:
    onnx.save(model, str(path))
