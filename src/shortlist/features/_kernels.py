"""Loops over keys, compiled: only `shortlist.features._compiled` imports this, where Numba is installed.

Distinct values are numbered from 1 in the order of their first rows; 0 is null. A hash table with open
addressing and linear steps, at most half full, has the numbers, 0 for an empty slot. A string is two words,
as in Arrow's views: its length and first bytes, then the rest of up to 12 bytes, or where the bytes are.
Rows go block by block: first every value's first slot is read, so that the reads wait for memory together;
then the few rows whose value is not there go on one by one.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

__all__ = [
    "add_by_cell",
    "count_by_cell",
    "find_integers",
    "find_texts",
    "mix_all",
    "number_integers",
    "number_texts",
    "sum_by_cell",
    "take",
]

# Their types differ from version to version.
_numba: Any = import_module("numba")
_extending: Any = import_module("numba.extending")
_ir: Any = import_module("llvmlite.ir")

F = TypeVar("F", bound=Callable[..., Any])
Words = npt.NDArray[np.uint64]
Integers = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.int32]
Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

_LEAST_SLOTS, _BLOCK = 1 << 12, 1 << 10
_U = np.uint64
_STEP, _ONE, _TWO = _U(0x9E3779B97F4A7C15), _U(0xBF58476D1CE4E5B9), _U(0x94D049BB133111EB)
_INLINE, _HALF, _LOW, _WORD = _U(12), _U(32), _U(0xFFFFFFFF), _U(8)


def compiled(function: F) -> F:
    """Compile at the first call, without Python's lock, and keep the machine code beside the bytecode."""
    made: F = _numba.njit(nogil=True, cache=True)(function)
    return made


def _inlined(function: F) -> F:
    """Written into its callers: a call would count its arrays' references, which costs more than the work."""
    made: F = _numba.njit(nogil=True, inline="always")(function)
    return made


def _read_word(context: Any, address: Any) -> Any:  # noqa: ARG001 - Numba's form
    """The eight bytes at an address."""

    def read(_: Any, builder: Any, __: Any, given: Any) -> Any:
        return builder.load(builder.inttoptr(given[0], _ir.IntType(64).as_pointer()), align=1)

    return _numba.types.uint64(_numba.types.uint64), read


_word: Any = _extending.intrinsic(_read_word)


@_inlined
def _mix(x: Any) -> Any:
    """Splitmix64."""
    x = x + _STEP
    x = (x ^ (x >> _U(30))) * _ONE
    x = (x ^ (x >> _U(27))) * _TWO
    return x ^ (x >> _U(31))


@compiled
def mix_all(numbers: Words) -> Words:
    """Splitmix64 of each number."""
    out = np.empty(len(numbers), np.uint64)
    for row in range(len(numbers)):
        out[row] = _mix(numbers[row])
    return out


@_inlined
def _first_slots(rows: Any) -> Any:
    """Slots of a table for values of so many rows, before it grows."""
    slots = _LEAST_SLOTS
    while slots < rows // 8:
        slots *= 2
    return slots


@compiled
def _integer_slots(keys: Integers, count: int, size: int) -> Numbers:
    """The hash table of so many keys."""
    slots, mask = np.zeros(size, np.int32), _U(size - 1)
    for number in range(1, count + 1):
        slot = _mix(_U(keys[number])) & mask
        while slots[slot] != 0:
            slot = (slot + _U(1)) & mask
        slots[slot] = number
    return slots


@compiled
def number_integers(values: Integers, missing: Flags) -> tuple[Numbers, Integers, Numbers]:
    """Number of each value; the distinct values behind a place for null; the hash table.

    Args:
        values: int64 [N].
        missing: bool [N], True for null; empty where there is none.
    """
    slots = np.zeros(_first_slots(len(values)), np.int32)
    mask, count, nulls = _U(len(slots) - 1), 0, len(missing) > 0
    keys = np.zeros(len(slots) // 2 + 1, np.int64)
    out, hashes, left = (
        np.zeros(len(values), np.int32),
        np.empty(_BLOCK, np.uint64),
        np.empty(_BLOCK, np.int64),
    )
    for start in range(0, len(values), _BLOCK):
        end = min(start + _BLOCK, len(values))
        for row in range(start, end):
            hashes[row - start] = _mix(_U(values[row]))
        for row in range(start, end):
            out[row] = slots[hashes[row - start] & mask]
        waiting = 0
        for row in range(start, end):
            null = nulls and missing[row]
            left[waiting] = row
            waiting += (out[row] == 0 or keys[out[row]] != values[row]) and not null
            out[row] = 0 if null else out[row]
        for place in range(waiting):
            row, value = left[place], values[left[place]]
            slot = hashes[row - start] & mask
            while slots[slot] != 0 and keys[slots[slot]] != value:
                slot = (slot + _U(1)) & mask
            if slots[slot] == 0:
                count += 1
                keys[count], slots[slot] = value, count
            out[row] = slots[slot]
            if 2 * count >= len(slots):
                keys = np.concatenate((keys, np.zeros(len(slots) // 2, np.int64)))
                slots = _integer_slots(keys, count, 2 * len(slots))
                mask = _U(len(slots) - 1)
    return out, keys[: count + 1], slots


@compiled
def find_integers(values: Integers, missing: Flags, keys: Integers, slots: Numbers) -> Integers:
    """The number of each value less one, -1 for one without a number, -2 for null: int64 [N]."""
    out, nulls, mask = np.empty(len(values), np.int64), len(missing) > 0, _U(len(slots) - 1)
    hashes, left = np.empty(_BLOCK, np.uint64), np.empty(_BLOCK, np.int64)
    for start in range(0, len(values), _BLOCK):
        end = min(start + _BLOCK, len(values))
        for row in range(start, end):
            hashes[row - start] = _mix(_U(values[row]))
        for row in range(start, end):
            out[row] = slots[hashes[row - start] & mask]
        waiting = 0
        for row in range(start, end):
            null = nulls and missing[row]
            left[waiting] = row
            waiting += out[row] != 0 and keys[out[row]] != values[row] and not null
            out[row] = -2 if null else out[row] - 1
        for place in range(waiting):
            row, value = left[place], values[left[place]]
            slot = hashes[row - start] & mask
            while slots[slot] != 0 and keys[slots[slot]] != value:
                slot = (slot + _U(1)) & mask
            out[row] = slots[slot] - 1
    return out


@_inlined
def _place_of(second: Any, buffers: Any) -> Any:
    """Where the bytes of a long string are."""
    return buffers[second & _LOW] + (second >> _HALF)


@_inlined
def _text_hash(first: Any, second: Any, buffers: Any) -> Any:
    length = first & _LOW
    if length <= _INLINE:
        return _mix(first ^ _mix(second))
    place, total, done = _place_of(second, buffers), _mix(length), _U(0)
    while done + _WORD <= length:
        total = _mix(total ^ _word(place + done))
        done += _WORD
    return total if done == length else _mix(total ^ _word(place + length - _WORD))


@_inlined
def _same_bytes(second: Any, buffers: Any, other: Any, others: Any, length: Any) -> Any:
    """Whether two long strings of one length and beginning are equal."""
    left, right, done = _place_of(second, buffers), _place_of(other, others), _U(0)
    while done + _WORD <= length:
        if _word(left + done) != _word(right + done):
            return False
        done += _WORD
    return done == length or _word(left + length - _WORD) == _word(right + length - _WORD)


@_inlined
def _is_short(views: Any, row: Any, keys: Any, number: Any) -> Any:
    """Whether a string is a key that needs no more than its two words."""
    same = (views[row, 0] == keys[number, 0]) & (views[row, 1] == keys[number, 1])
    return same & ((views[row, 0] & _LOW) <= _INLINE)


@_inlined
def _is_text(  # noqa: PLR0917 - the same
    first: Any, second: Any, buffers: Any, keys: Any, number: Any, key_buffers: Any
) -> Any:
    """Whether a string is a key."""
    if first != keys[number, 0]:
        return False
    if first & _LOW <= _INLINE:
        return second == keys[number, 1]
    return _same_bytes(second, buffers, keys[number, 1], key_buffers, first & _LOW)


@compiled
def _text_slots(keys: Words, count: int, buffers: Words, size: int) -> Numbers:
    """The hash table of so many strings."""
    slots, mask = np.zeros(size, np.int32), _U(size - 1)
    for number in range(1, count + 1):
        slot = _text_hash(keys[number, 0], keys[number, 1], buffers) & mask
        while slots[slot] != 0:
            slot = (slot + _U(1)) & mask
        slots[slot] = number
    return slots


@compiled
def number_texts(views: Words, buffers: Words, missing: Flags) -> tuple[Numbers, Words, Numbers, Integers]:
    """Number of each string; the distinct strings' words behind a place for null; the hash table.

    The last that comes out is the first row of each distinct string, behind a place for null.

    Args:
        views: uint64 [N, 2].
        buffers: addresses of the bytes that views refer to.
        missing: bool [N], True for null; empty where there is none.
    """
    slots = np.zeros(_first_slots(len(views)), np.int32)
    mask, count, nulls = _U(len(slots) - 1), 0, len(missing) > 0
    keys, rows = np.zeros((len(slots) // 2 + 1, 2), np.uint64), np.zeros(len(slots) // 2 + 1, np.int64)
    out, hashes, left = (
        np.zeros(len(views), np.int32),
        np.empty(_BLOCK, np.uint64),
        np.empty(_BLOCK, np.int64),
    )
    for start in range(0, len(views), _BLOCK):
        end = min(start + _BLOCK, len(views))
        for row in range(start, end):
            hashes[row - start] = (
                _U(0) if nulls and missing[row] else _text_hash(views[row, 0], views[row, 1], buffers)
            )
        for row in range(start, end):
            out[row] = slots[hashes[row - start] & mask]
        waiting = 0
        for row in range(start, end):
            null, number = nulls and missing[row], out[row]
            left[waiting] = row
            waiting += (number == 0 or not _is_short(views, row, keys, number)) and not null
            out[row] = 0 if null else number
        for place in range(waiting):
            row = left[place]
            first, second, slot = views[row, 0], views[row, 1], hashes[row - start] & mask
            while slots[slot] != 0 and not _is_text(first, second, buffers, keys, slots[slot], buffers):
                slot = (slot + _U(1)) & mask
            if slots[slot] == 0:
                count += 1
                keys[count, 0], keys[count, 1], rows[count], slots[slot] = first, second, row, count
            out[row] = slots[slot]
            if 2 * count >= len(slots):
                keys = np.concatenate((keys, np.zeros((len(slots) // 2, 2), np.uint64)))
                rows = np.concatenate((rows, np.zeros(len(slots) // 2, np.int64)))
                slots = _text_slots(keys, count, buffers, 2 * len(slots))
                mask = _U(len(slots) - 1)
    return out, keys[: count + 1], slots, rows[: count + 1]


@compiled
def find_texts(  # noqa: PLR0917 - compiled loops take no keywords
    views: Words, buffers: Words, missing: Flags, keys: Words, key_buffers: Words, slots: Numbers
) -> Integers:
    """The number of each string less one, -1 for one without a number, -2 for null: int64 [N]."""
    out, nulls, mask = np.empty(len(views), np.int64), len(missing) > 0, _U(len(slots) - 1)
    hashes, left = np.empty(_BLOCK, np.uint64), np.empty(_BLOCK, np.int64)
    for start in range(0, len(views), _BLOCK):
        end = min(start + _BLOCK, len(views))
        for row in range(start, end):
            hashes[row - start] = (
                _U(0) if nulls and missing[row] else _text_hash(views[row, 0], views[row, 1], buffers)
            )
        for row in range(start, end):
            out[row] = slots[hashes[row - start] & mask]
        waiting = 0
        for row in range(start, end):
            null, number = nulls and missing[row], out[row]
            left[waiting] = row
            waiting += number != 0 and not _is_short(views, row, keys, number) and not null
            out[row] = -2 if null else number - 1
        for place in range(waiting):
            row = left[place]
            first, second, slot = views[row, 0], views[row, 1], hashes[row - start] & mask
            while slots[slot] != 0 and not _is_text(first, second, buffers, keys, slots[slot], key_buffers):
                slot = (slot + _U(1)) & mask
            out[row] = slots[slot] - 1
    return out


@compiled
def count_by_cell(numbers: Numbers, parts: npt.NDArray[np.uint16], width: int, cells: int) -> Integers:
    """Rows of each cell, ``number * width + part``: int64 [cells]; parts may be empty for a width of 1."""
    out, parted = np.zeros(cells, np.int64), len(parts) > 0
    for row in range(len(numbers)):
        cell = numbers[row] * width
        out[cell + parts[row] if parted else cell] += 1
    return out


@compiled
def add_by_cell(
    numbers: Numbers, parts: npt.NDArray[np.uint16], width: int, values: Floats, cells: int
) -> tuple[Integers, Floats]:
    """Number and sum of the finite values of each cell, added in the order of the rows: [cells] each."""
    count, total, parted = np.zeros(cells, np.int64), np.zeros(cells, np.float64), len(parts) > 0
    for row in range(len(numbers)):
        value = values[row]
        if np.isfinite(value):
            cell = numbers[row] * width
            if parted:
                cell += parts[row]
            count[cell] += 1
            total[cell] += value
    return count, total


@compiled
def sum_by_cell(numbers: Numbers, parts: npt.NDArray[np.uint16], width: int, values: Any, out: Any) -> None:
    """Add values to their cells, in the order of the rows."""
    parted = len(parts) > 0
    for row in range(len(numbers)):
        cell = numbers[row] * width
        out[cell + parts[row] if parted else cell] += values[row]


@compiled
def take(values: Floats, places: Integers) -> Floats:
    """Values by place; places below 0 count from the end."""
    out, end = np.empty(len(places), values.dtype), len(values)
    for row in range(len(places)):
        place = places[row]
        out[row] = values[place if place >= 0 else place + end]
    return out
