"""Loops that add up, mix and take, compiled.

Sums are compensated: what a step rounds off is added up too (Neumaier, 1974), so that a sum of millions has
the last digits right, whatever the order.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from shortlist.features._jit import Flags, Integers, Numbers, Words, compiled, mixed

__all__ = [
    "add_by_cell",
    "count_by_cell",
    "mix_all",
    "mix_in",
    "moments",
    "sum_by_cell",
    "take",
    "take_numbers",
]

Parts = npt.NDArray[np.uint16]
Floats = npt.NDArray[np.float64]

_BLOCK = 1 << 10


@compiled
def mix_all(numbers: Words) -> Words:
    """Splitmix64 of each number."""
    out = np.empty(len(numbers), np.uint64)
    for row in range(len(numbers)):
        out[row] = mixed(numbers[row])
    return out


@compiled
def mix_in(total: Words, numbers: Words, missing: Flags, null: np.uint64) -> None:
    """Mix the hashes of numbers into those of their rows; ``null`` stands for the hash of a missing one."""
    if len(missing) == 0:
        for row in range(len(numbers)):
            total[row] = mixed(total[row] ^ mixed(numbers[row]))
    else:
        for row in range(len(numbers)):
            total[row] = mixed(total[row] ^ (null if missing[row] else mixed(numbers[row])))


@compiled
def count_by_cell(numbers: Numbers, parts: Parts, width: int, out: Numbers) -> None:
    """Add rows to their cells, ``number * width + part``; parts may be empty for a width of 1."""
    parted = len(parts) > 0
    for row in range(len(numbers)):
        cell = numbers[row] * width
        out[cell + parts[row] if parted else cell] += 1


@compiled
def add_by_cell(numbers: Numbers, parts: Parts, width: int, values: Floats, out: Floats) -> None:
    """Add the finite values to their cells: number, sum, and what the sum has rounded off.

    Cells are [cells, 3], or [cells, 2] without the last where sums are exact.
    """
    parted, rounds = len(parts) > 0, out.shape[1] > 2
    for row in range(len(numbers)):
        value = values[row]
        if np.isfinite(value):
            cell = numbers[row] * width
            if parted:
                cell += parts[row]
            old = out[cell, 1]
            new = old + value
            out[cell, 0] += 1.0
            out[cell, 1] = new
            if rounds:
                taken = new - old
                out[cell, 2] += (old - (new - taken)) + (value - taken)


@compiled
def sum_by_cell(numbers: Numbers, parts: Parts, width: int, values: Any, out: Any) -> None:
    """Add values to their cells, in the order of the rows."""
    parted = len(parts) > 0
    for row in range(len(numbers)):
        cell = numbers[row] * width
        out[cell + parts[row] if parted else cell] += values[row]


@compiled
def moments(values: Floats, so_far: Floats) -> None:
    """Take the finite values into their number, mean and sum of squared differences, float64 [3].

    Block by block: mean and differences within a block, then the formula of Chan, Golub and LeVeque (1979).
    """
    for start in range(0, len(values), _BLOCK):
        end, n, total, first = min(start + _BLOCK, len(values)), 0, 0.0, 0.0
        for row in range(start, end):
            if np.isfinite(values[row]):
                first = values[row] if n == 0 else first  # equal values have no differences at all
                n += 1
                total += values[row] - first
        if n == 0:
            continue
        mean, m2 = first + total / n, 0.0
        for row in range(start, end):
            if np.isfinite(values[row]):
                m2 += (values[row] - mean) ** 2
        before = so_far[0]
        if before == 0:
            so_far[0], so_far[1], so_far[2] = n, mean, m2
            continue
        both, apart = before + n, mean - so_far[1]
        so_far[0] = both
        so_far[1] += apart * (n / both)
        so_far[2] += m2 + apart * apart * (before * (n / both))


@compiled
def take(values: Floats, places: Integers) -> Floats:
    """Values by place; places below 0 count from the end."""
    out, end = np.empty(len(places), values.dtype), len(values)
    for row in range(len(places)):
        place = places[row]
        out[row] = values[place if place >= 0 else place + end]
    return out


@compiled
def take_numbers(values: Floats, places: Integers) -> tuple[Floats, bool]:
    """The same, and whether there is NaN among them."""
    out, end, blank = np.empty(len(places), values.dtype), len(values), False
    for row in range(len(places)):
        place = places[row]
        value = values[place if place >= 0 else place + end]
        blank |= value != value  # noqa: PLR0124 - NaN alone is not itself
        out[row] = value
    return out, blank
