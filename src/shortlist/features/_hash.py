"""One 64-bit hash, equal on frames, on arrays and on single values, on every machine and in every version.

Integers are mixed by splitmix64 (Steele, Lea and Flood, 2014). A string starts from its mixed length in bytes
and takes in its UTF-8 bytes eight at a time: ``h = mix(h ^ word)``, the last word filled up with zero bytes.
A number with a fraction is mixed by the bits of its float64, a whole one as an integer, whatever its type; a
time by its microseconds since 1970 UTC.
"""

import struct
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from math import isnan, nan
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from shortlist.features._compiled import kernels
from shortlist.features._numbered import frozen, missing, plain_integers

__all__ = ["Hashes", "hash_columns", "hash_integers", "hash_strings", "hash_value", "hash_values", "mix"]

Hashes = npt.NDArray[np.uint64]

_STEP, _FIRST, _SECOND = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
_ALL = 2**64 - 1
_NULL = 0x6E756C6C
_KEPT_BYTES = np.array([2 ** (8 * kept) - 1 for kept in range(9)], dtype=np.uint64)
_WHOLE = 2.0**63
_BLOCK = 1 << 15
_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)


def mix(numbers: Hashes) -> Hashes:
    """Splitmix64 of each number.

    >>> hex(int(mix(np.array([0], np.uint64))[0]))
    '0xe220a8397b1dcdaf'
    """
    loops = kernels(np.size(numbers), asked=0)
    if loops is not None:
        found: Hashes = loops.mix_all(frozen(numbers))
        return found
    mixed = np.atleast_1d(numbers + np.uint64(_STEP))
    shifted = np.empty(min(len(mixed), _BLOCK), dtype=np.uint64)
    for start in range(0, len(mixed), _BLOCK):  # a block stays in the processor's cache
        block = mixed[start : start + _BLOCK]
        spare = shifted[: len(block)]
        for shift, factor in ((30, _FIRST), (27, _SECOND)):
            block ^= np.right_shift(block, np.uint64(shift), out=spare)
            block *= np.uint64(factor)
        block ^= np.right_shift(block, np.uint64(31), out=spare)
    return mixed


def hash_integers(values: npt.NDArray[np.int64]) -> Hashes:
    """The hash of each integer."""
    return mix(values.view(np.uint64))


def hash_strings(values: pl.Series) -> Hashes:
    """The hash of each string, eight bytes of all strings at a time; nulls hash like the empty string."""
    arrow = values.cast(pl.String).fill_null("").rechunk().to_arrow()
    _, bounds, data = arrow.cast("large_string").buffers()
    offsets = np.frombuffer(bounds, np.int64)[arrow.offset : arrow.offset + len(values) + 1]
    plain = np.frombuffer(data, np.uint8) if data is not None else np.zeros(0, np.uint8)
    # Eight bytes more, so that a word may be read from every place.
    filled = np.concatenate([plain, np.zeros(8, np.uint8)])
    words = np.ndarray(len(filled) - 7, "<u8", buffer=filled, strides=(1,))
    place, left = offsets[:-1].copy(), np.diff(offsets)
    hashes = mix(left.view(np.uint64))
    rows = np.flatnonzero(left > 0)
    while len(rows):
        mine = slice(None) if len(rows) == len(left) else rows
        word = words[place[mine]] & _KEPT_BYTES[np.minimum(left[mine], 8)]
        hashes[mine] = mix(hashes[mine] ^ word)
        place[mine] += 8
        left[mine] -= 8
        rows = rows[left[rows] > 0]
    return hashes


def hash_values(values: pl.Series) -> Hashes:
    """The hash of each value of a column of numbers, booleans, strings, times, or structs of these."""
    if values.dtype == pl.Struct:
        return hash_columns(values.struct.unnest().get_columns())
    if values.dtype == pl.String:
        return hash_strings(values)
    if values.dtype.is_float():
        return _hash_floats(values.cast(pl.Float64).fill_null(0.0).to_numpy())
    if values.dtype.is_temporal():
        return mix(_microseconds(values).fill_null(0).to_numpy().view(np.uint64))
    numbers = values if values.dtype == pl.UInt64 else values.cast(pl.Int64)
    return mix(numbers.fill_null(0).to_numpy().view(np.uint64))


def hash_columns(columns: Sequence[pl.Series], seed: int = 0) -> Hashes:
    """The hash of each row of several columns; a null is a value of its own, another seed gives others."""
    total = np.full(len(columns[0]), seed % 2**64, dtype=np.uint64)
    for column in columns:
        loops = kernels(len(column), asked=0) if column.dtype.is_integer() else None
        if loops is not None:
            loops.mix_in(total, plain_integers(column).view(np.uint64), missing(column), np.uint64(_NULL))
            continue
        hashes = hash_values(column)
        if column.null_count():
            hashes[column.is_null().to_numpy()] = _NULL
        total = mix(total ^ hashes)
    return total


def hash_value(value: Any) -> int:
    """The hash of one value: what `hash_values` gives it within a column; a tuple is a row of columns.

    >>> column = pl.Series(["a", "a longer string", "Ä"])
    >>> [hash_value(value) for value in column] == hash_values(column).tolist()
    True
    """
    if isinstance(value, tuple):
        total = 0
        for member in value:
            total = _mix_one(total ^ (_NULL if member is None else hash_value(member)))
        return total
    if not isinstance(value, str):
        return _mix_one(_number(value) & _ALL)
    data = value.encode()
    total = _mix_one(len(data))
    for start in range(0, len(data), 8):
        total = _mix_one(total ^ int.from_bytes(data[start : start + 8], "little"))
    return total


def _hash_floats(values: npt.NDArray[np.float64]) -> Hashes:
    whole = (np.abs(values) < _WHOLE) & (np.rint(values) == values)
    bits = np.where(np.isnan(values), np.nan, values).view(np.uint64)
    if whole.any():
        integers = np.where(whole, values, 0.0).astype(np.int64).view(np.uint64)
        bits = np.where(whole, integers, bits)
    return mix(bits)


def _microseconds(values: pl.Series) -> pl.Series:
    if values.dtype == pl.Time:
        return values.to_physical() // 1000
    unit: pl.DataType = pl.Duration("us") if values.dtype == pl.Duration else pl.Datetime("us")
    return values.cast(unit).to_physical()


def _number(value: Any) -> int:
    """The integer that stands for one number or time."""
    if isinstance(value, float) and not (value.is_integer() and abs(value) < _WHOLE):
        return int.from_bytes(struct.pack("<d", nan if isnan(value) else value), "little")
    if isinstance(value, timedelta):
        return value // _MICROSECOND
    if isinstance(value, time):
        value = datetime.combine(_EPOCH, value)
    elif isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    if isinstance(value, datetime):
        return ((value if value.tzinfo else value.replace(tzinfo=UTC)) - _EPOCH) // _MICROSECOND
    return int(value)


def _mix_one(number: int) -> int:
    mixed = (number + _STEP) & _ALL
    mixed = ((mixed ^ (mixed >> 30)) * _FIRST) & _ALL
    mixed = ((mixed ^ (mixed >> 27)) * _SECOND) & _ALL
    return mixed ^ (mixed >> 31)
