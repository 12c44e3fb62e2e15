"""Beyond accuracy, written out, and against plain loops."""

from itertools import combinations
from math import log, log2

import numpy as np
import pytest

from shortlist import metrics as m
from shortlist.data import Ragged
from shortlist.errors import ArgumentError

LISTS = np.array([[0, 1, 2], [3, -1, -1], [-1, -1, -1], [2, 4, -1]])


def test_novelty_is_in_bits() -> None:
    counts = np.array([7, 3, 1, 0, 0])
    bits = [log2(16 / (count + 1)) for count in counts]
    expected = [(bits[0] + bits[1] + bits[2]) / 3, bits[3], np.nan, (bits[2] + bits[4]) / 2]
    np.testing.assert_allclose(m.novelty(LISTS, counts, 15), expected)
    with pytest.raises(ArgumentError, match=r"item 4; expected|positions below the catalogue size 2"):
        m.novelty(LISTS, counts[:2], 15)


def test_diversity_is_over_pairs() -> None:
    rng = np.random.default_rng(0)
    lists = np.where(
        rng.random((40, 6)) < 0.8, rng.permuted(np.tile(np.arange(9), (40, 1)), axis=1)[:, :6], -1
    )
    codes, vectors = rng.integers(0, 3, 9), rng.standard_normal((9, 4))
    vectors[3] = 0
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    for value, other in (
        (m.category_diversity(lists, codes), lambda a, b: float(codes[a] != codes[b])),
        (m.intra_list_diversity(lists, vectors), lambda a, b: 1 - float(unit[a] @ unit[b])),
    ):
        expected = [
            np.mean([other(a, b) for a, b in pairs])
            if (pairs := [*combinations(row[row >= 0], 2)])
            else np.nan
            for row in lists
        ]
        np.testing.assert_allclose(value, expected, atol=1e-12)


def test_serendipity_is_right_and_not_expected() -> None:
    hits = np.array([[True, False, True], [True, False, False]])
    shown, expected = np.array([[1, 2, 3], [4, 5, 6]]), np.array([[1, 9], [9, 9]])
    assert m.serendipity(hits, shown, expected).tolist() == [1 / 3, 1 / 3]
    with pytest.raises(ArgumentError, match=r"\[Q, K\], \[Q, K\] and \[Q, E\]"):
        m.serendipity(hits, shown[:1], expected)


def test_calibration_compares_shares() -> None:
    codes = np.array([0, 0, 1, 1, 2])
    histories = Ragged.of([[0, 0, 2], [4], [1], []])
    p = (2 / 3, 1 / 3)
    q = (0.99 * 2 / 3 + 0.01 * p[0], 0.99 * 1 / 3 + 0.01 * p[1])
    first = p[0] * log(p[0] / q[0]) + p[1] * log(p[1] / q[1])
    found = m.calibration(LISTS, histories, codes)
    np.testing.assert_allclose(found, [first, log(1 / 0.01), np.nan, np.nan], atol=1e-12)
    assert m.calibration(LISTS, histories, codes, smoothing=0.5)[1] == pytest.approx(log(2))
    with pytest.raises(ArgumentError, match="a share between 0 and 1"):
        m.calibration(LISTS, histories, codes, smoothing=0.0)


def test_percentiles_count_equals_half() -> None:
    assert m.percentiles(np.array([3, 1, 1, 2])).tolist() == [7 / 8, 2 / 8, 2 / 8, 5 / 8]
    assert m.percentiles(np.zeros(0)).tolist() == []
