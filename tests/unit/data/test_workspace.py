from pathlib import Path

import numpy as np
import pytest

from shortlist.data import Workspace
from shortlist.data._sums import Sums
from shortlist.data._workspace import LARGEST, as_file, places_in

RNG = np.random.default_rng(0)
KEYS = {
    "none": np.zeros(0, np.int64),
    "few": np.array([3, 1, 2, 1]),
    "repeated": RNG.integers(0, 40, 900),
    "far": RNG.integers(-(2**62), 2**62, 900),
    "alike": np.full(900, 7),
    "rising": np.arange(900),
    "largest": np.where(RNG.random(900) < 0.5, LARGEST, RNG.integers(0, 9, 900)),
}


@pytest.mark.parametrize("keys", KEYS.values(), ids=KEYS)
@pytest.mark.parametrize("in_files", [False, True])
def test_sorting_in_files_is_sorting_in_memory(keys: np.ndarray, in_files: bool, tmp_path: Path) -> None:
    space = Workspace(tmp_path, rows=50) if in_files else Workspace()
    order, ranked = space.sorted(keys)
    assert order.tolist() == np.argsort(keys, kind="stable").tolist()
    assert ranked.tolist() == space.ranked(keys).tolist() == np.sort(keys).tolist()
    assert space.distinct(keys).tolist() == np.unique(keys).tolist()


def test_arrays_made_in_parts(tmp_path: Path) -> None:
    space = Workspace(tmp_path, rows=4)
    assert [(part.start, part.stop) for part in space.parts(9)] == [(0, 4), (4, 8), (8, 9)]
    made = space.filled(9, lambda part: np.arange(part.start, part.stop) ** 2, np.int64)
    assert made.tolist() == [0, 1, 4, 9, 16, 25, 36, 49, 64]
    assert space.joined([np.array([1.5]), np.zeros(0), np.array([2.0])], np.float32).tolist() == [1.5, 2.0]
    assert space.joined([], np.int64).tolist() == []
    assert Workspace().filled(2, lambda _: np.array([1, 2]), np.float64).dtype == np.float64


def test_arrays_of_files_travel_by_their_place(tmp_path: Path) -> None:
    stored = Workspace(tmp_path).joined([np.arange(5)], np.int64)
    assert as_file(stored).open().tolist() == [0, 1, 2, 3, 4]
    plain = np.arange(5)
    assert as_file(plain) is plain
    assert as_file(stored[1:]).tolist() == [1, 2, 3, 4]  # a part of a file is no file


def test_much_is_found_as_little_is() -> None:
    ranked, wanted = np.sort(RNG.integers(0, 10**6, 20_000)), RNG.integers(-9, 10**6 + 9, 20_000)
    assert (places_in(ranked, wanted) == ranked.searchsorted(wanted)).all()


@pytest.mark.parametrize("in_files", [False, True])
def test_sums_of_small_numbers_after_large_ones_keep_their_digits(in_files: bool, tmp_path: Path) -> None:
    space = Workspace(tmp_path, rows=100) if in_files else Workspace()
    numbers = np.concatenate([np.full(500, 1e9 + 0.3), np.full(500, 0.1), [np.nan, np.inf, -np.inf]])
    sums = Sums(len(numbers), lambda part: numbers[part], space)
    count, total = sums.between(np.array([500, 990, 1000, 0]), np.array([1000, 1003, 1003, 0]))
    assert count.tolist() == [500, 10, 0, 0]
    # A running sum in float64 alone would be off by 1e-5: it has passed 5e11.
    assert np.abs(total - [50.0, 1.0, 0.0, 0.0]).max() < 1e-7


def test_sums_of_whole_numbers_are_exact() -> None:
    numbers = RNG.integers(0, 1000, 1000).astype(np.float64)
    sums = Sums(1000, lambda part: numbers[part], Workspace())
    assert sums.between(np.array([0]), np.array([1000]))[1].tolist() == [float(numbers.sum())]
    tiny = Sums(2, lambda part: np.array([5e-324, 0.0])[part], Workspace())
    assert tiny.between(np.array([0]), np.array([2]))[1].tolist() == [5e-324]
