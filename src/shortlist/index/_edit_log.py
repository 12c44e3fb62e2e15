"""Edits of an index as an append-only file that survives a crash."""

import json
import os
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, final

import numpy as np
import numpy.typing as npt

from shortlist.data import Array
from shortlist.errors import BundleError
from shortlist.index._search import VectorIndex

__all__ = ["Edit", "append_edits", "applied", "read_edits"]

Vectors = npt.NDArray[np.float32]

_HEAD = struct.Struct("<I4s16s")  # length of the payload, check of the length, checksum of the payload


@final
@dataclass(frozen=True, slots=True, eq=False)
class Edit:
    """Vectors of items, or items that are to go.

    Attributes:
        ids: raw ids, integers or text.
        vectors: float32 [M, D]; None for items that are to go.
    """

    ids: Array
    vectors: Vectors | None


def applied(index: VectorIndex, edits: Iterable[Edit]) -> VectorIndex:
    """An index after edits, oldest first; as if each was made by itself, but in two steps."""
    gone: dict[Any, None] = {}
    fresh: dict[Any, Vectors] = {}
    for edit in edits:
        ids = edit.ids.tolist()
        if edit.vectors is not None:
            fresh.update(zip(ids, edit.vectors, strict=True))
            continue
        for one in ids:
            gone[one] = None
            fresh.pop(one, None)
    index = index.without(list(gone)) if gone else index
    return index.with_items(list(fresh), np.stack([*fresh.values()])) if fresh else index


def append_edits(path: Path, edits: Iterable[Edit], place: int) -> int:
    """Write edits at a place of the file, cut what stands after it, and return once the disk has them.

    A record is its length (4 bytes, little-endian), a check of that length (4), the BLAKE2b-128 checksum of
    the payload (16), and the payload: a line of JSON with the ids and the width, then the vectors as float32.

    Args:
        path: the file; made, with its folder, when it is missing.
        edits: oldest first.
        place: byte where the last whole record ends, as `read_edits` says.

    Returns:
        The byte where the last record ends now.
    """
    data = b"".join(_record(edit) for edit in edits)
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        os.ftruncate(file, place)
        view, at = memoryview(data), place
        while view:
            wrote = os.pwrite(file, view, at)
            view, at = view[wrote:], at + wrote
        os.fsync(file)
    finally:
        os.close(file)
    if place == 0:
        _sync_folder(path.parent)
    return place + len(data)


def read_edits(path: Path, place: int = 0) -> tuple[list[Edit], int]:
    """The edits from a place of the file on, and the byte where the last whole record ends.

    A record that a crash left half written at the end was never acknowledged and is passed over.

    Raises:
        BundleError: the file is damaged before its end.
    """
    try:
        with path.open("rb") as file:
            file.seek(place)
            data = file.read()
    except FileNotFoundError:
        return [], place
    edits, start = [], 0
    while (stop := _record_end(path, data, start)) is not None:
        edits.append(_edit(data[start + _HEAD.size : stop]))
        start = stop
    return edits, place + start


def _record_end(path: Path, data: bytes, start: int) -> int | None:
    """Where the record that starts here ends; None when there is none, or only its torn beginning."""
    head = data[start : start + _HEAD.size]
    if len(head) < _HEAD.size or not any(data[start:]):
        return None
    length, check, digest = _HEAD.unpack(head)
    stop = start + _HEAD.size + int(length)
    whole = check == _check(length)
    if whole and stop > len(data):
        return None
    if not whole or _digest(data[start + _HEAD.size : stop]) != digest:
        if whole and stop == len(data):
            return None
        raise BundleError(
            str(path),
            received=f"a damaged record at byte {start} of what was read",
            expected="the file as it was written",
            remedy="restore it from a copy, or roll the index back to an earlier version",
        )
    return stop


def _record(edit: Edit) -> bytes:
    width = None if edit.vectors is None else int(edit.vectors.shape[1])
    line = json.dumps({"ids": edit.ids.tolist(), "width": width}, separators=(",", ":")).encode()
    numbers = b"" if edit.vectors is None else edit.vectors.astype("<f4").tobytes()
    payload = line + b"\n" + numbers
    return _HEAD.pack(len(payload), _check(len(payload)), _digest(payload)) + payload


def _edit(payload: bytes) -> Edit:
    line, _, numbers = payload.partition(b"\n")
    plain = json.loads(line)
    ids = plain["ids"]
    array = np.array(ids, dtype=object if ids and isinstance(ids[0], str) else np.int64)
    if plain["width"] is None:
        return Edit(array, None)
    return Edit(array, np.frombuffer(numbers, dtype="<f4").reshape(len(ids), plain["width"]))


def _check(length: int) -> bytes:
    return blake2b(struct.pack("<I", length), digest_size=4).digest()


def _digest(payload: bytes) -> bytes:
    return blake2b(payload, digest_size=16).digest()


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
