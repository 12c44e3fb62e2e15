"""A module to an ONNX graph."""

import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from shortlist.errors import ExportError
from shortlist.schema import Column

__all__ = ["Input", "quiet", "stripped", "to_graph"]

Input = tuple[Column, str]


def to_graph(
    model: nn.Module, compute: Callable[..., Tensor], inputs: Sequence[Input], *, output: str
) -> Any:
    """Trace a function of a model into an ONNX graph of any number of rows and any length of lists, 0 too.

    Args:
        model: owns the weights; in evaluation mode.
        compute: tensors in the order of the inputs to one tensor.
        inputs: column and name of its rows (``"rows"``, or ``"query"`` and ``"candidate"``).
        output: name of the output.

    Returns:
        The ``onnx.ModelProto``, without the source locations that the exporter adds.

    Raises:
        ExportError: the model cannot be traced.
    """
    names = [column.name for column, _ in inputs]
    sizes = {axis: torch.export.Dim(axis, min=0) for _, axis in inputs}
    # Two sizes that are equal in the example would be taken for one: every size gets its own number.
    numbers = {axis: 3 + 4 * place for place, axis in enumerate(sizes)}
    example, dynamic = [], []
    for place, (column, axis) in enumerate(inputs):
        shape, free = [numbers[axis]], {0: sizes[axis]}
        if column.is_list:
            length, dim = _length(column, place)
            shape.append(length)
            free[1] = dim
        elif column.shape.kind == "vector":
            shape.append(column.shape.size or 0)
        dtype = torch.float32 if column.dtype.startswith("float") else torch.int64
        example.append(torch.zeros(shape, dtype=dtype))
        dynamic.append(free)
    try:
        with quiet(), torch.no_grad():
            program: Any = torch.onnx.export(
                _Call(model, compute).eval(),
                tuple(example),
                dynamo=True,
                dynamic_shapes=(tuple(dynamic),),
                input_names=[f"column_{place}" for place in range(len(names))],
                verbose=False,
            )
    except Exception as error:  # the exporter's errors share no root
        raise ExportError(
            f"export of {type(model).__name__}",
            received=str(error).strip().splitlines()[0],
            expected="a model that torch.onnx.export can trace",
            remedy="avoid branches on values and on sizes",
        ) from error
    return _named(stripped(program.model_proto), names, output)


def _length(column: Column, place: int) -> tuple[int, Any]:
    """An example of a list's length, and all that it may be: encoders of texts bound the number of tokens."""
    longest = column.shape.size if column.has("tokens") else None
    if longest is None:
        return 20 + place, torch.export.Dim(f"length_{place}", min=0)
    return min(20 + place, longest), torch.export.Dim(f"length_{place}", min=0, max=longest)


class _Call(nn.Module):
    def __init__(self, model: nn.Module, compute: Callable[..., Tensor]) -> None:
        super().__init__()
        self.model = model
        self.compute = compute

    def forward(self, *tensors: Tensor) -> Tensor:
        return self.compute(*tensors)


@contextmanager
def quiet() -> Iterator[None]:
    """Keep remarks of the exporter on its own affairs from the user."""
    logger = logging.getLogger("torch.onnx._internal.exporter._registration")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            for old in ("LeafSpec", "_check_is_size"):
                warnings.filterwarnings("ignore", message=f".*{old}.*", category=FutureWarning)
            warnings.filterwarnings(
                "ignore", message=".*The axis name: .* will not be used", category=UserWarning
            )
            # Of recurrent layers, whose weights torch regroups while it traces.
            warnings.filterwarnings("ignore", message=".*_check_is_size.*", category=FutureWarning)
            warnings.filterwarnings(
                "ignore", message="(?s).*were assigned during export.*", category=UserWarning
            )
            yield
    finally:
        logger.setLevel(level)


def stripped(proto: Any) -> Any:
    """Without the names of source files, which differ from machine to machine."""
    graph = proto.graph
    del graph.value_info[:]
    for part in (proto, graph, *graph.node, *graph.input, *graph.output, *graph.initializer):
        part.ClearField("doc_string")
        del part.metadata_props[:]
    return proto


def _named(proto: Any, inputs: Sequence[str], output: str) -> Any:
    """With columns' names for inputs, and names for inner values that no column can have.

    The exporter names inner values after operations, and a column may well be called "embedding".
    """
    graph = proto.graph
    while output in inputs:
        output += "_"
    names = {value.name: name for value, name in zip(graph.input, inputs, strict=True)}
    names[graph.output[0].name] = output
    inner = [*(tensor.name for tensor in graph.initializer), *(n for node in graph.node for n in node.output)]
    names |= {name: f"%{place}" for place, name in enumerate(inner) if name and name not in names}
    for value in (*graph.input, *graph.output, *graph.initializer):
        value.name = names[value.name]
    for place, node in enumerate(graph.node):
        node.name = f"{node.op_type}_{place}"
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    return proto
