"""Loops over keys, compiled.

Distinct values are numbered from 1 in the order of their first rows; 0 is null. A hash table with open
addressing and linear steps, at most half full, has the numbers, 0 for an empty slot. A string is two words,
as in Arrow's views: its length and first bytes, then the rest of up to 12 bytes, or where the bytes are.
Rows go block by block: first every value's first slot is read, so that the reads wait for memory together;
then the rows are compared one by one, and the few whose value is not there go on to the next slots.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from shortlist.features._jit import Flags, Integers, Numbers, U, Words, compiled, inlined, mixed, word_at

__all__ = [
    "find_integers",
    "find_texts",
    "number_integers",
    "number_texts",
    "place_integers",
    "place_texts",
]

Bytes = npt.NDArray[np.uint8]

_BLOCK = 1 << 10
_INLINE, _HALF, _LOW, _WORD = U(12), U(32), U(0xFFFFFFFF), U(8)


@compiled
def place_integers(keys: Integers, count: int, slots: Numbers) -> None:
    """Fill the empty hash table of so many keys."""
    mask = U(len(slots) - 1)
    for number in range(1, count + 1):
        slot = mixed(U(keys[number])) & mask
        while slots[slot] != 0:
            slot = (slot + U(1)) & mask
        slots[slot] = number


@compiled
def number_integers(  # noqa: PLR0917 - compiled loops take no keywords
    values: Integers, missing: Flags, keys: Integers, slots: Numbers, count: int, out: Numbers, start: int
) -> tuple[int, int]:
    """Number the values from a row on, until the table is half full; where it ends, and the keys by then.

    Args:
        values: int64 [N].
        missing: bool [N], True for null; empty where there is none.
        keys: the distinct values behind a place for null, then room for others.
        slots: the hash table, twice as many as there is room for keys.
        count: how many keys there are.
        out: int32 [N]: takes the numbers.
        start: the first row.
    """
    mask, most, nulls = U(len(slots) - 1), len(keys) - 1, len(missing) > 0
    spots, firsts = np.empty(_BLOCK, np.uint32), np.empty(_BLOCK, np.int32)
    for begin in range(start, len(values), _BLOCK):
        rows = min(_BLOCK, len(values) - begin)
        if count + rows > most:
            return begin, count
        for place in range(rows):
            spots[place] = mixed(U(values[begin + place])) & mask
        for place in range(rows):
            firsts[place] = slots[spots[place]]
        for place in range(rows):
            row, number = begin + place, firsts[place]
            if nulls and missing[row]:
                out[row] = 0
                continue
            value = values[row]
            if number == 0 or keys[number] != value:
                slot = U(spots[place])
                while slots[slot] != 0 and keys[slots[slot]] != value:
                    slot = (slot + U(1)) & mask
                if slots[slot] == 0:
                    count += 1
                    keys[count], slots[slot] = value, count
                number = slots[slot]
            out[row] = number
    return len(values), count


@compiled
def find_integers(values: Integers, missing: Flags, keys: Integers, slots: Numbers) -> Integers:
    """The number of each value less one, -1 for one without a number, -2 for null: int64 [N]."""
    out, mask = np.empty(len(values), np.int64), U(len(slots) - 1)
    spots, firsts = np.empty(_BLOCK, np.uint32), np.empty(_BLOCK, np.int32)
    for start in range(0, len(values), _BLOCK):
        rows = min(_BLOCK, len(values) - start)
        for place in range(rows):
            spots[place] = mixed(U(values[start + place])) & mask
        for place in range(rows):
            firsts[place] = slots[spots[place]]
        for place in range(rows):
            value, number = values[start + place], firsts[place]
            if number != 0 and keys[number] != value:
                slot = U(spots[place])
                while number != 0 and keys[number] != value:
                    slot = (slot + U(1)) & mask
                    number = slots[slot]
            out[start + place] = number - 1
    _mark(missing, out)
    return out


@inlined
def _mark(missing: Any, out: Any) -> None:
    """Put -2 where a value is null."""
    for row in range(len(missing)):
        if missing[row]:
            out[row] = -2


@inlined
def _place_of(second: Any, buffers: Any) -> Any:
    """Where the bytes of a long string are."""
    return buffers[second & _LOW] + (second >> _HALF)


@inlined
def _text_hash(first: Any, second: Any, buffers: Any) -> Any:
    length = first & _LOW
    if length <= _INLINE:
        return mixed(first ^ mixed(second))
    place, total, done = _place_of(second, buffers), mixed(length), U(0)
    while done + _WORD <= length:
        total = mixed(total ^ word_at(place + done))
        done += _WORD
    return total if done == length else mixed(total ^ word_at(place + length - _WORD))


@inlined
def _text_spots(  # noqa: PLR0917 - compiled loops take no keywords
    views: Any, buffers: Any, missing: Any, start: Any, mask: Any, rows: Any, spots: Any
) -> Any:
    """The first slot of each string of a block, and how many bytes the long ones have."""
    long: Any = 0
    found = 0
    for place in range(rows):
        first, second = views[start + place, 0], views[start + place, 1]
        spots[place] = mixed(first ^ mixed(second)) & mask
        found += (first & _LOW) > _INLINE
    if found:
        for place in range(rows):
            row = start + place
            length = views[row, 0] & _LOW
            if length > _INLINE and not (len(missing) > 0 and missing[row]):
                spots[place] = _text_hash(views[row, 0], views[row, 1], buffers) & mask
                long += np.int64(length)
    return long


@inlined
def _same_bytes(second: Any, buffers: Any, other: Any, others: Any, length: Any) -> Any:
    """Whether two long strings of one length and beginning are equal."""
    left, right, done = _place_of(second, buffers), _place_of(other, others), U(0)
    while done + _WORD <= length:
        if word_at(left + done) != word_at(right + done):
            return False
        done += _WORD
    return done == length or word_at(left + length - _WORD) == word_at(right + length - _WORD)


@inlined
def _is_short(views: Any, row: Any, keys: Any, number: Any) -> Any:
    """Whether a string is a key that needs no more than its two words."""
    same = (views[row, 0] == keys[number, 0]) & (views[row, 1] == keys[number, 1])
    return same & ((views[row, 0] & _LOW) <= _INLINE)


@inlined
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
def place_texts(keys: Words, count: int, buffers: Words, slots: Numbers) -> None:
    """Fill the empty hash table of so many strings."""
    mask = U(len(slots) - 1)
    for number in range(1, count + 1):
        slot = _text_hash(keys[number, 0], keys[number, 1], buffers) & mask
        while slots[slot] != 0:
            slot = (slot + U(1)) & mask
        slots[slot] = number


@inlined
def _keep(second: Any, length: Any, buffers: Any, heap: Any, used: Any) -> None:
    """Copy the bytes of a long string."""
    place = _place_of(second, buffers)
    for start in range(0, length, 8):
        at = min(start, length - 8)
        word = word_at(place + U(at))
        for byte in range(8):
            heap[used + at + byte] = (word >> U(8 * byte)) & U(0xFF)


@compiled
def number_texts(  # noqa: PLR0917 - the same
    column: tuple[Words, Words, Flags],
    table: tuple[Words, Words, Numbers, Bytes],
    count: int,
    used: Any,
    out: Numbers,
    start: int,
) -> tuple[int, int, int]:
    """The same for strings, until the heap is full too; where it ends, the keys and the bytes by then.

    Args:
        column: the strings' words [N, 2], addresses of the bytes they refer to, and where they are null.
        table: the keys' words, addresses of the bytes they refer to, the hash table, and the last of these
            heaps, which takes the bytes of new long strings.
        count: how many keys there are.
        used: how many bytes the heap has.
        out: int32 [N]: takes the numbers.
        start: the first row.
    """
    (views, buffers, missing), (keys, key_buffers, slots, heap) = column, table
    mask, most, nulls = U(len(slots) - 1), len(keys) - 1, len(missing) > 0
    spots, firsts = np.empty(_BLOCK, np.uint32), np.empty(_BLOCK, np.int32)
    last = U(len(key_buffers) - 1)
    for begin in range(start, len(views), _BLOCK):
        rows = min(_BLOCK, len(views) - begin)
        long = _text_spots(views, buffers, missing, begin, mask, rows, spots)
        if count + rows > most or used + long > len(heap):
            return begin, count, used
        for place in range(rows):
            firsts[place] = slots[spots[place]]
        for place in range(rows):
            row, number = begin + place, firsts[place]
            if nulls and missing[row]:
                out[row] = 0
                continue
            if number == 0 or not _is_short(views, row, keys, number):
                first, second, slot = views[row, 0], views[row, 1], U(spots[place])
                while slots[slot] != 0 and not _is_text(
                    first, second, buffers, keys, slots[slot], key_buffers
                ):
                    slot = (slot + U(1)) & mask
                if slots[slot] == 0:
                    if first & _LOW > _INLINE:
                        length = np.int64(first & _LOW)
                        _keep(second, length, buffers, heap, used)
                        second = last | (U(used) << _HALF)
                        used += length
                    count += 1
                    keys[count, 0], keys[count, 1], slots[slot] = first, second, count
                number = slots[slot]
            out[row] = number
    return len(views), count, used


@compiled
def find_texts(  # noqa: PLR0917 - compiled loops take no keywords
    views: Words, buffers: Words, missing: Flags, keys: Words, key_buffers: Words, slots: Numbers
) -> Integers:
    """The number of each string less one, -1 for one without a number, -2 for null: int64 [N]."""
    out, nulls, mask = np.empty(len(views), np.int64), len(missing) > 0, U(len(slots) - 1)
    spots, firsts = np.empty(_BLOCK, np.uint32), np.empty(_BLOCK, np.int32)
    for start in range(0, len(views), _BLOCK):
        rows = min(_BLOCK, len(views) - start)
        _text_spots(views, buffers, missing, start, mask, rows, spots)
        for place in range(rows):
            firsts[place] = slots[spots[place]]
        for place in range(rows):
            row, number = start + place, firsts[place]
            if nulls and missing[row]:
                out[row] = -2
                continue
            if number != 0 and not _is_short(views, row, keys, number):
                first, second, slot = views[row, 0], views[row, 1], U(spots[place])
                while number != 0 and not _is_text(first, second, buffers, keys, number, key_buffers):
                    slot = (slot + U(1)) & mask
                    number = slots[slot]
            out[row] = number - 1
    return out
