"""Columns of one kind as one input of a graph: fewer things to hand over, and nothing that joins them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from shortlist.runtime import PACKS

__all__ = ["packed"]

_INT64, _INT32, _FLOAT = onnx.TensorProto.INT64, onnx.TensorProto.INT32, onnx.TensorProto.FLOAT


@dataclass(frozen=True, slots=True)
class _Pack:
    """Columns of one type with as many rows, in the order in which the graph joins them."""

    axis: str
    codes: bool
    columns: tuple[str, ...]

    @property
    def name(self) -> str:
        """Of the input, which no column has."""
        return f"%{'codes' if self.codes else 'numbers'} of {self.axis}"

    @property
    def whole(self) -> str:
        """Name of the columns side by side as the graph computes with them."""
        return f"{self.name}, whole"


def packed(proto: Any) -> Any:
    """The same graph with the columns that it joins side by side handed over side by side.

    Codes become one int32 input ``[rows, columns]`` a side, numbers one float32 input. The graph's metadata
    say which column stands where. A column that nothing is joined to, and lists, stay as they are.

    Args:
        proto: what `to_graph` made.

    Returns:
        Another ``onnx.ModelProto``.
    """
    out = onnx.ModelProto()
    out.CopyFrom(proto)
    packs = _packs(out.graph)
    for pack in packs:
        _put(out.graph, pack)
    out.metadata_props.add(key=PACKS, value=json.dumps({pack.name: pack.columns for pack in packs}))
    return out


def _packs(graph: Any) -> list[_Pack]:
    """For each side and type, the widest join of columns."""
    inputs = {value.name: value.type.tensor_type for value in graph.input}
    widest: dict[tuple[str, bool], tuple[str, ...]] = {}
    for _, columns in _joins(graph):
        kinds = {(inputs[name].shape.dim[0].dim_param, inputs[name].elem_type) for name in columns}
        axis, kind = next(iter(kinds))
        if len(kinds) == 1 and len(set(columns)) == len(columns) > len(
            widest.get((axis, kind == _INT64), ())
        ):
            widest[axis, kind == _INT64] = columns
    return [_Pack(axis, codes, columns) for (axis, codes), columns in widest.items()]


def _joins(graph: Any) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Name and columns of each value that is columns side by side."""
    flat = {v.name for v in graph.input if len(v.type.tensor_type.shape.dim) == 1}
    ones = {tensor.name for tensor in graph.initializer if numpy_helper.to_array(tensor).tolist() in (1, [1])}
    lifted: dict[str, str] = {}
    for node in graph.node:
        if node.op_type == "Unsqueeze" and node.input[0] in flat and node.input[1] in ones:
            lifted[node.output[0]] = node.input[0]
        elif node.op_type == "Concat" and all(name in lifted for name in node.input):
            yield node.output[0], tuple(lifted[name] for name in node.input)


def _put(graph: Any, pack: _Pack) -> None:
    """Let a graph read a pack in place of its columns."""
    same = {name for name, columns in _joins(graph) if columns == pack.columns}
    nodes = [node for node in graph.node if node.output[0] not in same]
    for node in nodes:
        node.input[:] = [pack.whole if name in same else name for name in node.input]
        if node.op_type == "Shape" and node.input[0] in pack.columns:  # of its only axis, the first of both
            node.input[0] = pack.name
    read = {name for node in nodes for name in node.input}
    nodes = [n for n in nodes if n.op_type != "Unsqueeze" or n.output[0] in read]
    read = {name for node in nodes for name in node.input}
    first = helper.make_node("Cast", [pack.name], [pack.whole], to=_INT64 if pack.codes else _FLOAT)
    alone = [name for name in pack.columns if name in read]
    singles = [_column(graph, pack, name) for name in alone]
    kept = [onnx.NodeProto.FromString(node.SerializeToString()) for node in (first, *singles, *nodes)]
    del graph.node[:]
    graph.node.extend(kept)
    _read(graph, pack)


def _column(graph: Any, pack: _Pack, name: str) -> Any:
    """A column by itself, where the graph computes with it alone."""
    place = f"{name}, place"
    graph.initializer.append(numpy_helper.from_array(np.array(pack.columns.index(name)), place))
    return helper.make_node("Gather", [pack.whole, place], [name], axis=1)


def _read(graph: Any, pack: _Pack) -> None:
    """Among the inputs, a pack in place of its columns."""
    kind, shape = _INT32 if pack.codes else _FLOAT, (pack.axis, len(pack.columns))
    others = [value for value in graph.input if value.name not in pack.columns]
    values = [helper.make_tensor_value_info(pack.name, kind, shape), *others]
    kept = [onnx.ValueInfoProto.FromString(value.SerializeToString()) for value in values]
    del graph.input[:]
    graph.input.extend(kept)
