"""The graph of a ranker for the candidates of one query, which is what most requests are."""

from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

__all__ = ["for_one_query"]

_BROADCASTS = ("Add", "Mul", "Sub", "Div")


def for_one_query(proto: Any, query_of: str = "query_of") -> Any:
    """The same graph for one query: what is known of the query is not repeated for each candidate.

    Where rows of the query are picked by ``query_of`` and added to, or multiplied with, rows of candidates,
    the one row stands for all of them. What is added to a matrix product becomes its bias. A batched matrix
    product with a matrix of the query is one product of all candidates. Elsewhere rows are picked as before.

    Args:
        proto: of a ranker, whose candidates' columns have other rows than the query's.
        query_of: name of the input that picks.

    Returns:
        Another ``onnx.ModelProto``, without that input if nothing is picked any more.
    """
    out = onnx.ModelProto()
    out.CopyFrom(proto)
    graph = out.graph
    picks = _picks(graph, query_of)
    ranks = _ranks(proto)
    own = _of_candidates(graph, query_of, set(picks))
    for node in list(graph.node):
        _broadcast(graph, node, picks, own, ranks)
    _drop_unused(graph, query_of)
    return out


def _picks(graph: Any, query_of: str) -> dict[str, str]:
    """Value -> value of the query whose rows it repeats."""
    numbers, found = {query_of}, {}
    for node in graph.node:
        if node.op_type in ("Reshape", "Cast", "Identity") and node.input[0] in numbers:
            numbers.add(node.output[0])
        axis = next((a.i for a in node.attribute if a.name == "axis"), 0)
        if node.op_type == "Gather" and axis == 0 and node.input[1] in numbers:
            found[node.output[0]] = node.input[0]
    return found


def _of_candidates(graph: Any, query_of: str, picks: set[str]) -> set[str]:
    """Values with a row a candidate that do not come from the query alone."""
    own = {
        value.name
        for value in graph.input
        if value.name != query_of and value.type.tensor_type.shape.dim[0].dim_param == "candidate"
    }
    for node in graph.node:
        if node.output[0] not in picks and node.op_type != "Shape" and own.intersection(node.input):
            own.update(node.output)
    return own


def _ranks(proto: Any) -> dict[str, int]:
    """Number of axes of each value, as far as it can be told."""
    known = onnx.shape_inference.infer_shapes(proto).graph
    values = (*known.value_info, *known.input, *known.output)
    return {value.name: len(value.type.tensor_type.shape.dim) for value in values}


def _broadcast(graph: Any, node: Any, picks: dict[str, str], own: set[str], ranks: dict[str, int]) -> None:
    """Change an operation with one picked operand and one of the candidates."""
    places = [place for place, name in enumerate(node.input) if name in picks]
    if len(places) != 1 or len(node.input) != 2 or node.input[1 - places[0]] not in own:
        return
    picked, other = node.input[places[0]], node.input[1 - places[0]]
    if ranks.get(picked) is None or ranks.get(picked) != ranks.get(other):
        return
    if node.op_type == "Add" and (product := _product(graph, other)) is not None:
        _as_bias(graph, node, product, picks[picked])
    elif node.op_type in _BROADCASTS:
        node.input[places[0]] = picks[picked]
    elif node.op_type == "MatMul" and places[0] == 1 and ranks[picked] == 3:
        axes, matrix = f"{picked}, first axis", f"{picked}, as a matrix"
        graph.initializer.append(numpy_helper.from_array(np.array([0]), axes))
        _before(graph, node, helper.make_node("Squeeze", [picks[picked], axes], [matrix]))
        next(n for n in graph.node if n.output[0] == node.output[0]).input[1] = matrix


def _product(graph: Any, name: str) -> Any:
    """The matrix product that makes a value which is read once."""
    readers = sum(read == name for node in graph.node for read in node.input)
    made = next((node for node in graph.node if node.output[0] == name), None)
    return made if readers == 1 and made is not None and made.op_type == "Gemm" else None


def _as_bias(graph: Any, node: Any, product: Any, row: str) -> None:
    """Add a row within a product instead of after it."""
    bias = row
    if len(product.input) == 3 and product.input[2]:
        bias = f"{product.output[0]}, bias"
        _before(graph, node, helper.make_node("Add", [row, product.input[2]], [bias]))
    moved = onnx.NodeProto.FromString(product.SerializeToString())
    moved.input[:] = [*product.input[:2], bias]
    moved.output[0] = node.output[0]
    places = {one.output[0]: place for place, one in enumerate(graph.node)}
    graph.node[places[node.output[0]]].CopyFrom(moved)
    del graph.node[places[product.output[0]]]


def _before(graph: Any, node: Any, fresh: Any) -> None:
    """Put an operation before another."""
    place = next(place for place, one in enumerate(graph.node) if one.output[0] == node.output[0])
    graph.node.insert(place, fresh)


def _drop_unused(graph: Any, query_of: str) -> None:
    """Without what nothing reads any more."""
    wanted = {value.name for value in graph.output}
    for place in reversed(range(len(graph.node))):
        if wanted.isdisjoint(graph.node[place].output):
            del graph.node[place]
        else:
            wanted.update(graph.node[place].input)
    for place in reversed(range(len(graph.initializer))):
        if graph.initializer[place].name not in wanted:
            del graph.initializer[place]
    for place in reversed(range(len(graph.input))):
        if graph.input[place].name == query_of and query_of not in wanted:
            del graph.input[place]
