"""An append-only file of records that survives a crash."""

import json
import os
import struct
from collections.abc import Iterator
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import Any, NoReturn, final

from shortlist.errors import DataError
from shortlist.io import lock

__all__ = ["Journal"]

_VERSIONS = (1, 2)
_HEAD = struct.Struct("<I4s16s")  # length of the payload, check of the length, checksum of the payload
_LARGEST = 2**32 - 1


@final
class Journal:
    """Records of plain data, each durable once `append` has returned.

    A record is its length (4 bytes, little-endian), a check of that length (4), the BLAKE2b-128 checksum of
    the payload (16), and the payload as JSON. `append` returns after fsync. A record that a crash left half
    written at the end of the file was never acknowledged: it is cut when the file is opened, and
    ``cut_bytes`` says how much. Damage anywhere else is an error: nothing acknowledged is dropped silently.
    One process at a time may hold the file. Its first line tells the version, which is that of its newest
    kind of record: what reads version 1 refuses a file of version 2.

    Args:
        path: the file; made, with its folder, when it is missing.
        kind: one word for what the records are about, in the first line and in messages.
    """

    def __init__(self, path: Path, kind: str = "event") -> None:
        self.path = path
        self.kind = kind
        self._lines = {number: f"shortlist {kind}s {number}\n".encode() for number in _VERSIONS}
        self._first = len(self._lines[1])
        self.cut_bytes = 0
        self._file: int | None = None
        self._size = 0
        self._version = 1

    def open(self) -> Iterator[Any]:
        """Take hold of the file and give its records, oldest first.

        Raises:
            DataError: the file is damaged, is not a journal, or is held by another process.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
        remedy = "stop the other process, or give this one another file"
        lock(file, self._where, remedy)
        self._file = file
        data = self.path.read_bytes()
        if self._lines[1].startswith(data):
            self.cut_bytes = len(data) if len(data) < self._first else 0
            self._restart()
            return iter(())
        self._version = self._version_of(data)
        records, self._size = self._read(data)
        self.cut_bytes = len(data) - self._size
        if self.cut_bytes:
            self._cut()
        return iter(records)

    def peek(self) -> list[Any]:
        """The records of the file as it is, whoever holds it; none where there is none.

        Raises:
            DataError: the file is damaged, or is not a journal.
        """
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return []
        if self._lines[1].startswith(data):
            return []
        self._version_of(data)
        return self._read(data)[0]

    def records(self, start: int | None = None) -> tuple[list[Any], int]:
        """The records that begin at a byte of the open file or after it, and the byte at which the next will.

        Raises:
            DataError: the file is damaged.
        """
        begin = self._first if start is None else start
        with self.path.open("rb") as file:
            file.seek(begin)
            found, _ = self._read(bytes(self._first) + file.read(self._size - begin))
        return found, max(self._size, begin)

    def append(self, record: Any, version: int = 1) -> None:
        """Write one record and return when the disk has it.

        Args:
            record: plain data.
            version: the first version of the file that may hold such a record.

        Raises:
            DataError: the record could not be written; the file is left as it was.
        """
        if self._file is None:
            raise DataError(self._where, received="a closed file", expected="an open one")
        payload = json.dumps(record, separators=(",", ":"), ensure_ascii=False).encode()
        data = _head(payload) + payload
        try:
            if version > self._version:
                _write_all(self._file, self._lines[version], 0)
                os.fsync(self._file)
                self._version = version
            _write_all(self._file, data, self._size)
            os.fsync(self._file)
        except OSError as error:
            with suppress(OSError):
                os.ftruncate(self._file, self._size)
            raise DataError(
                self._where,
                received=error.strerror or str(error),
                expected=f"room to write the {self.kind}s",
                remedy=f"free space on the disk; the {self.kind}s were not kept and may be sent again",
            ) from error
        self._size += len(data)

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _version_of(self, data: bytes) -> int:
        version = next((number for number, line in self._lines.items() if data.startswith(line)), None)
        if version is None:
            self._refuse(f"its first bytes are not those of a log of {self.kind}s", 0)
        return version

    @property
    def _where(self) -> str:
        return f"{self.kind} log {str(self.path)!r}"

    def _restart(self) -> None:
        assert self._file is not None
        os.ftruncate(self._file, 0)
        _write_all(self._file, self._lines[1], 0)
        os.fsync(self._file)
        _sync_folder(self.path.parent)
        self._size, self._version = self._first, 1

    def _cut(self) -> None:
        assert self._file is not None
        os.ftruncate(self._file, self._size)
        os.fsync(self._file)

    def _read(self, data: bytes) -> tuple[list[Any], int]:
        records, place = [], self._first
        while place < len(data):
            stop = self._record_end(data, place)
            if stop is None:
                break
            records.append(json.loads(data[place + _HEAD.size : stop]))
            place = stop
        return records, place

    def _record_end(self, data: bytes, place: int) -> int | None:
        """Where the record that starts here ends; None when it is the torn end of the file."""
        head = data[place : place + _HEAD.size]
        if len(head) < _HEAD.size or not any(data[place:]):
            return None
        length, check, digest = _HEAD.unpack(head)
        if check != _check(length):
            self._refuse("the length of a record is damaged", place)
        stop = place + _HEAD.size + int(length)
        if stop > len(data):
            return None
        if _digest(data[place + _HEAD.size : stop]) != digest:
            if stop == len(data):
                return None
            self._refuse("the checksum of a record does not match", place)
        return stop

    def _refuse(self, found: str, place: int) -> NoReturn:
        self.close()
        raise DataError(
            self._where,
            received=f"{found}, at byte {place}",
            expected="the file as it was written",
            remedy="restore it from a copy, or move it away to start an empty one",
        )


def _head(payload: bytes) -> bytes:
    if len(payload) > _LARGEST:
        raise DataError(
            "event log",
            received=f"a record of {len(payload)} bytes",
            expected=f"at most {_LARGEST}",
            remedy="append fewer events at once",
        )
    return _HEAD.pack(len(payload), _check(len(payload)), _digest(payload))


def _check(length: int) -> bytes:
    return blake2b(struct.pack("<I", length), digest_size=4).digest()


def _digest(payload: bytes) -> bytes:
    return blake2b(payload, digest_size=16).digest()


def _write_all(file: int, data: bytes, place: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(file, view, place)
        view, place = view[written:], place + written


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
