"""One exported graph, run by ONNX Runtime."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from shortlist.data import Array, Batch
from shortlist.errors import BundleError, SchemaError, near
from shortlist.runtime._inputs import Pack, numbers_of
from shortlist.schema import Schema

__all__ = ["PACKS", "Graph", "open_graph"]

PACKS = "shortlist.packs"
"""Key of a graph's metadata: name of an input -> the columns that stand side by side in it."""

_DTYPES: dict[str, npt.DTypeLike] = {
    "tensor(int64)": np.dtype(np.int64),
    "tensor(int32)": np.dtype(np.int32),
    "tensor(float)": np.dtype(np.float32),
}


class Graph:
    """A session and the columns it reads.

    Args:
        session: ONNX Runtime session with one output.
        inputs: its columns, in any order; the graph's inputs bear their names, but for those that take
            several columns side by side, as its metadata say.
    """

    def __init__(self, session: Any, inputs: Schema) -> None:
        self._session = session
        self._outputs = [session.get_outputs()[0].name]
        types = {value.name: _DTYPES[value.type] for value in session.get_inputs()}
        packs = json.loads(session.get_modelmeta().custom_metadata_map.get(PACKS, "{}"))
        self._packs = [Pack.of(name, types[name], [inputs[c] for c in packs[name]]) for name in packs]
        self.packs = tuple(pack.names for pack in self._packs)
        self.extra = tuple(name for name in types if name not in inputs and name not in packs)
        self._columns = [(column, types[column.name]) for column in inputs if column.name in types]
        self.reads = {
            *(column.name for column, _ in self._columns),
            *(n for names in self.packs for n in names),
        }
        self.inputs = inputs

    def feed(self, batch: Batch) -> dict[str, Array]:
        """The batch's columns as the graph reads them: lists become [B, L], filled with 0 on the right.

        Raises:
            SchemaError: a column is missing, of a wrong shape or type, or holds a code out of range.
        """
        if missing := self.reads.difference(batch):
            raise _missing([name for name in self.inputs.names if name in missing], self, batch)
        feed = {pack.name: pack.read(batch) for pack in self._packs}
        for column, dtype in self._columns:
            feed[column.name] = numbers_of(column, dtype, batch[column.name])
        return feed

    def made_of(self, columns: Iterable[str]) -> frozenset[str]:
        """Names of the inputs that hold nothing but these columns."""
        given = frozenset(columns)
        return given | {pack.name for pack in self._packs if given.issuperset(pack.names)}

    def run(self, feed: Mapping[str, Array]) -> npt.NDArray[np.float32]:
        """The graph's output."""
        result: npt.NDArray[np.float32] = self._session.run(self._outputs, feed)[0]
        return result


def open_graph(path: Path, inputs: Schema, *, threads: int) -> Graph:
    """Open a graph with so many threads that sleep, not spin, between requests.

    Raises:
        BundleError: the file is not a graph of these inputs.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        return Graph(session, inputs)
    except Exception as error:  # ONNX Runtime's own errors share no other root
        raise BundleError(
            str(path),
            received=str(error).splitlines()[0],
            expected="a graph that ONNX Runtime can open",
            remedy="export the model again",
        ) from error


def _missing(names: list[str], graph: Graph, batch: Batch) -> SchemaError:
    return SchemaError(
        "model inputs",
        received=f"no column {names[0]!r}" + (f" and {len(names) - 1} more" * (len(names) > 1)),
        expected=f"the columns {[name for name in graph.inputs.names if name in graph.reads]}",
        remedy=near(names[0], batch),
    )
