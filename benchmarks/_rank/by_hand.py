"""The two rankers as ONNX graphs written out by hand: all columns in every row, side by side."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

CODES, NUMBERS = 20, 8


class Graph:
    """Nodes one after another."""

    def __init__(self, seed: int = 0) -> None:
        self.rng = np.random.default_rng(seed)
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, array: np.ndarray) -> str:
        name = f"w{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def weight(self, *shape: int) -> str:
        return self.constant(self.rng.normal(0, shape[-1] ** -0.5, shape).astype(np.float32))

    def add(self, kind: str, *inputs: str, **options: Any) -> str:
        name = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **options))
        return name

    def linear(self, x: str, inputs: int, outputs: int, *, relu: bool = False) -> str:
        out = self.add("Gemm", x, self.weight(outputs, inputs), self.weight(outputs), transB=1)
        return self.add("Relu", out) if relu else out

    def embedded(self, rows: int, dim: int) -> str:
        """``[N, 20, dim]``, of one table for all columns."""
        starts = self.constant((np.arange(CODES) * rows).astype(np.int64))
        return self.add("Gather", self.weight(CODES * rows, dim), self.add("Add", "codes", starts), axis=0)

    def saved(self, logits: str, path: Path) -> None:
        flat = self.add("Flatten", self.add("Sigmoid", logits), axis=0)
        graph = helper.make_graph(
            self.nodes,
            "ranker",
            [
                helper.make_tensor_value_info("codes", TensorProto.INT64, ["rows", CODES]),
                helper.make_tensor_value_info("numbers", TensorProto.FLOAT, ["rows", NUMBERS]),
            ],
            [helper.make_tensor_value_info(flat, TensorProto.FLOAT, None)],
            self.constants,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
        model.ir_version = 10
        onnx.save(model, path)


def dlrm(path: Path, rows: int) -> None:
    """Bottom 128-32, products of all pairs, top 256-128."""
    graph, fields = Graph(), CODES + 1
    bottom = graph.linear(graph.linear("numbers", NUMBERS, 128, relu=True), 128, 32, relu=True)
    one = graph.constant(np.array([1]))
    stack = graph.add("Concat", graph.add("Unsqueeze", bottom, one), graph.embedded(rows, 32), axis=1)
    dots = graph.add("MatMul", stack, graph.add("Transpose", stack, perm=[0, 2, 1]))
    flat = graph.add("Reshape", dots, graph.constant(np.array([-1, fields * fields])))
    high, low = np.tril_indices(fields, -1)
    pairs = graph.add("Gather", flat, graph.constant(high * fields + low), axis=1)
    width = 32 + len(high)
    x = graph.linear(graph.add("Concat", bottom, pairs, axis=1), width, 256, relu=True)
    graph.saved(graph.linear(graph.linear(x, 256, 128, relu=True), 128, 1), path)


def dcn(path: Path, rows: int) -> None:
    """Three full cross layers beside a deep network 256-128."""
    graph, width = Graph(), CODES * 16 + NUMBERS
    flat = graph.add("Reshape", graph.embedded(rows, 16), graph.constant(np.array([-1, CODES * 16])))
    x = crossed = graph.add("Concat", flat, "numbers", axis=1)
    for _ in range(3):
        crossed = graph.add("Add", graph.add("Mul", x, graph.linear(crossed, width, width)), crossed)
    deep = graph.linear(graph.linear(x, width, 256, relu=True), 256, 128, relu=True)
    graph.saved(graph.linear(graph.add("Concat", crossed, deep, axis=1), width + 128, 1), path)


BY_HAND = {"DLRM": dlrm, "DCN-v2": dcn}


class ByHand:
    """A graph written by hand, opened with one thread."""

    def __init__(self, name: str, folder: Path, rows: int) -> None:
        BY_HAND[name](folder / "by_hand.onnx", rows)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            folder / "by_hand.onnx", options, providers=["CPUExecutionProvider"]
        )

    def score(self, codes: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        return self.session.run(None, {"codes": codes, "numbers": numbers})[0]
