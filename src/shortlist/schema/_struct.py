"""The bytes of ``google.protobuf.Struct``: a JSON object in Protocol Buffers' wire format."""

import struct
from collections.abc import Iterator, Mapping
from typing import Any

from shortlist.errors import SchemaError

__all__ = ["pack_struct", "unpack_struct"]

# Wire types, and field numbers of Struct, its entries, Value and ListValue.
_VARINT, _DOUBLE, _BYTES, _FLOAT = 0, 1, 2, 5
_FIELDS, _KEY, _VALUE, _ITEMS = 1, 1, 2, 1
_NULL, _NUMBER, _TEXT, _BOOL, _STRUCT, _LIST = 1, 2, 3, 4, 5, 6
_DEEPEST = 50


def pack_struct(plain: Mapping[str, Any]) -> bytes:
    r"""A JSON object as bytes; all numbers become doubles.

    >>> pack_struct({"is_list": False})
    b'\n\r\n\x07is_list\x12\x02 \x00'
    """
    entries = (
        _field(_KEY, key.encode()) + _field(_VALUE, _pack_value(value)) for key, value in plain.items()
    )
    return b"".join(_field(_FIELDS, entry) for entry in entries)


def _pack_value(value: Any) -> bytes:
    if value is None:
        return _tag(_NULL, _VARINT) + b"\0"
    if isinstance(value, bool):
        return _tag(_BOOL, _VARINT) + bytes([value])
    if isinstance(value, str):
        return _field(_TEXT, value.encode())
    if isinstance(value, Mapping):
        return _field(_STRUCT, pack_struct(value))
    if isinstance(value, list | tuple):
        return _field(_LIST, b"".join(_field(_ITEMS, _pack_value(item)) for item in value))
    return _tag(_NUMBER, _DOUBLE) + struct.pack("<d", value)


def _field(number: int, content: bytes) -> bytes:
    return _tag(number, _BYTES) + _varint(len(content)) + content


def _tag(number: int, kind: int) -> bytes:
    return _varint(number << 3 | kind)


def _varint(value: int) -> bytes:
    low, rest = value & 127, value >> 7
    return bytes([low | 128]) + _varint(rest) if rest else bytes([low])


def unpack_struct(content: bytes, depth: int = 0) -> dict[str, Any]:
    """Read what `pack_struct` or Protocol Buffers wrote.

    Raises:
        SchemaError: the bytes are not a struct.

    >>> unpack_struct(pack_struct({"cardinality": 29, "dims": [1, None]}))
    {'cardinality': 29.0, 'dims': [1.0, None]}
    """
    try:
        entries = [dict(_fields(entry)) for number, entry in _fields(content) if number == _FIELDS]
        return {
            bytes(entry.get(_KEY, b"")).decode(): _unpack_value(entry.get(_VALUE, b""), depth)
            for entry in entries
        }
    except (IndexError, KeyError, TypeError, ValueError, struct.error) as error:
        raise SchemaError(
            "extra_metadata of schema.pbtxt",
            received=f"{len(content)} bytes that are no google.protobuf.Struct",
            expected="the bytes that Merlin writes",
            remedy="write the file again",
        ) from error


def _unpack_value(content: Any, depth: int) -> Any:
    if depth > _DEEPEST:
        raise ValueError(depth)
    for number, value in _fields(content):
        if number == _NUMBER:
            return struct.unpack("<d", value)[0]
        if number == _TEXT:
            return bytes(value).decode()
        if number == _BOOL:
            return bool(value)
        if number == _STRUCT:
            return unpack_struct(value, depth + 1)
        if number == _LIST:
            return [_unpack_value(item, depth + 1) for _, item in _fields(value)]
    return None


def _fields(content: bytes) -> Iterator[tuple[int, Any]]:
    """Number and value of each field; a varint is an integer, everything else bytes."""
    at = 0
    while at < len(content):
        key, at = _read_varint(content, at)
        kind = key & 7
        if kind == _VARINT:
            value, at = _read_varint(content, at)
            yield key >> 3, value
            continue
        if kind == _BYTES:
            size, at = _read_varint(content, at)
        else:
            size = {_DOUBLE: 8, _FLOAT: 4}[kind]
        if at + size > len(content):
            raise ValueError(size)
        yield key >> 3, content[at : at + size]
        at += size


def _read_varint(content: bytes, at: int) -> tuple[int, int]:
    value, shift = 0, 0
    while True:
        byte = content[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
