"""One exported graph, run by ONNX Runtime."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from shortlist.data import Array, Batch, Ragged
from shortlist.errors import BundleError, SchemaError, near
from shortlist.schema import Column, Schema

__all__ = ["Graph", "open_graph"]

_DTYPES: dict[str, npt.DTypeLike] = {
    "tensor(int64)": np.dtype(np.int64),
    "tensor(float)": np.dtype(np.float32),
}


class Graph:
    """A session and the columns it reads.

    Args:
        session: ONNX Runtime session with one output.
        inputs: its columns, in any order; the graph's inputs bear their names.
    """

    def __init__(self, session: Any, inputs: Schema) -> None:
        self._session = session
        self._outputs = [session.get_outputs()[0].name]
        types = {value.name: _DTYPES[value.type] for value in session.get_inputs()}
        self.extra = tuple(name for name in types if name not in inputs)
        self._columns = [(column, types[column.name]) for column in inputs if column.name in types]
        self.inputs = inputs

    def feed(self, batch: Batch) -> dict[str, Array]:
        """The batch's columns as the graph reads them: lists become [B, L], filled with 0 on the right.

        Raises:
            SchemaError: a column is missing, of a wrong shape or type, or holds a code out of range.
        """
        missing = [column.name for column, _ in self._columns if column.name not in batch]
        if missing:
            raise SchemaError(
                "model inputs",
                received=f"no column {missing[0]!r}" + (f" and {len(missing) - 1} more" * (len(missing) > 1)),
                expected=f"the columns {[column.name for column, _ in self._columns]}",
                remedy=near(missing[0], batch),
            )
        return {column.name: _input(column, dtype, batch[column.name]) for column, dtype in self._columns}

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


def _input(column: Column, dtype: npt.DTypeLike, values: Array | Ragged) -> Array:
    if isinstance(values, Ragged) != column.is_list:
        shapes = ("one value a row", "lists")
        raise SchemaError(
            f"column {column.name!r}", received=shapes[not column.is_list], expected=shapes[column.is_list]
        )
    flat = values.values if isinstance(values, Ragged) else values
    if dtype == np.int64:
        _check_codes(column, flat)
    elif flat.dtype.kind not in "fiub":
        raise SchemaError(f"column {column.name!r}", received=str(flat.dtype), expected="numbers")
    array = values.padded() if isinstance(values, Ragged) else values
    return np.ascontiguousarray(array, dtype=dtype)


def _check_codes(column: Column, codes: Array) -> None:
    size = None if column.domain is None else column.domain.size
    if codes.dtype.kind not in "iu":
        raise SchemaError(
            f"column {column.name!r}",
            received=str(codes.dtype),
            expected="integer codes",
            remedy="pass the batch through the workflow first",
        )
    # Read as unsigned, a negative code is huge: one pass finds both ends.
    top = int(np.maximum.reduce(codes.astype(np.int64, copy=False).view(np.uint64), initial=0))
    if size is not None and top >= size:
        raise SchemaError(
            f"column {column.name!r}",
            received=f"a code of {top if top < 2**63 else top - 2**64}",
            expected=f"codes from 0 to {size - 1}",
            remedy="use the workflow that the model was trained with",
        )
