"""Tensors of the Open Inference Protocol, in JSON and as bytes.

Bytes follow the JSON of a message, tensor after tensor, as little-endian numbers; an element of type BYTES is
its length in four bytes and then itself (Triton's extension ``binary_tensor_data``).
"""

import struct
from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from shortlist.errors import ArgumentError

__all__ = ["DATATYPES", "Values", "from_bytes", "from_json", "to_bytes", "to_json"]

Values = npt.NDArray[Any]

DATATYPES: dict[str, npt.DTypeLike] = {
    "BOOL": "?",
    "UINT8": "<u1",
    "UINT16": "<u2",
    "UINT32": "<u4",
    "UINT64": "<u8",
    "INT8": "<i1",
    "INT16": "<i2",
    "INT32": "<i4",
    "INT64": "<i8",
    "FP16": "<f2",
    "FP32": "<f4",
    "FP64": "<f8",
    "BYTES": object,
}
"""Name of a type in the protocol -> NumPy's; BYTES are Python texts."""

_LENGTH = struct.Struct("<I")


def from_json(name: str, datatype: str, shape: Sequence[int], data: Any) -> Values:
    """The tensor of a list of values, flat or nested as its shape says.

    >>> from_json("user", "BYTES", [2], ["ann", "bob"]).tolist()
    ['ann', 'bob']

    Raises:
        ArgumentError: the values are not of the type, or not as many as the shape says.
    """
    flat: list[Any] = []
    _flatten(data, flat)
    if len(flat) != prod(shape):
        raise _refused(name, f"{len(flat)} values", f"{prod(shape)}, as the shape says")
    kind = DATATYPES[datatype]
    fits = {"BYTES": (str,), "BOOL": (bool,)}.get(datatype, (int, float))
    for value in flat:
        if type(value) not in fits:
            raise _refused(name, repr(value), f"values of type {datatype}")
    try:
        return np.array(flat, dtype=kind).reshape(shape)
    except (OverflowError, ValueError) as error:
        raise _refused(name, "a value out of range", f"values of type {datatype}") from error


def from_bytes(name: str, datatype: str, shape: Sequence[int], data: bytes) -> Values:
    """The tensor of bytes.

    Raises:
        ArgumentError: there are not as many as type and shape say, or they are not text.
    """
    count = prod(shape)
    if datatype == "BYTES":
        return _texts(name, count, data).reshape(shape)
    kind = np.dtype(DATATYPES[datatype])
    if len(data) != count * kind.itemsize:
        raise _refused(name, f"{len(data)} bytes", f"{count * kind.itemsize}, as type and shape say")
    return np.frombuffer(data, dtype=kind).reshape(shape)


def to_json(values: Values) -> list[Any]:
    """The values of a tensor, flat."""
    flat: list[Any] = values.ravel().tolist()
    return flat


def to_bytes(datatype: str, values: Values) -> bytes:
    r"""The bytes of a tensor.

    >>> to_bytes("BYTES", np.array(["ab"], dtype=object))
    b'\x02\x00\x00\x00ab'
    """
    if datatype != "BYTES":
        return np.ascontiguousarray(values, dtype=DATATYPES[datatype]).tobytes()
    texts = [str(value).encode() for value in values.ravel().tolist()]
    return b"".join(part for text in texts for part in (_LENGTH.pack(len(text)), text))


def _flatten(data: Any, into: list[Any]) -> None:
    if isinstance(data, list):
        for one in data:
            _flatten(one, into)
    else:
        into.append(data)


def _texts(name: str, count: int, data: bytes) -> Values:
    found, place = [], 0
    try:
        while place < len(data):
            (length,) = _LENGTH.unpack_from(data, place)
            place += _LENGTH.size + length
            found.append(data[place - length : place].decode())
    except (struct.error, UnicodeDecodeError) as error:
        raise _refused(
            name, "damaged bytes", "a length of four bytes and UTF-8 text for each value"
        ) from error
    if place != len(data) or len(found) != count:
        raise _refused(name, f"{len(found)} values", f"{count}, as the shape says")
    values = np.empty(count, dtype=object)
    values[:] = found
    return values


def _refused(name: str, received: str, expected: str) -> ArgumentError:
    return ArgumentError(f"inputs.{name}", received=received, expected=expected)
