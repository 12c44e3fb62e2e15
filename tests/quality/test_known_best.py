"""Logs whose best possible answer is known, at their full size: the examples, over three seeds.

Run with ``-rP`` to see the figures.
"""

import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

EXAMPLES = Path(__file__).parents[2] / "examples"
SEEDS = (0, 1, 2)


def printed(example: str, rows: int, seed: int) -> str:
    command = [sys.executable, str(EXAMPLES / example), str(rows), str(seed)]
    started = time.perf_counter()
    text = subprocess.run(command, check=True, capture_output=True, text=True, timeout=900).stdout
    print(f"{text}{example}, seed {seed}: {time.perf_counter() - started:.1f} s\n")
    return text


def first(pattern: str, text: str) -> float:
    found = re.search(pattern, text)
    assert found is not None, text
    return float(found[1])


def test_towers_reach_the_bound_of_clicks_that_hold_nothing_but_popularity() -> None:
    texts = [printed("two_tower_aliccp.py", 1_000_000, seed) for seed in SEEDS]
    found = [first(r"pipeline +(\.\d+)", text) for text in texts]
    print(f"recall@10 {statistics.mean(found):.4f} +- {statistics.stdev(found):.4f}")
    assert min(found) >= 0.30


def test_towers_find_most_of_a_planted_signal() -> None:
    texts = [printed("planted_signal.py", 100_000, seed) for seed in SEEDS]
    shares = [first(r"reaches (\d+\.\d)%", text) for text in texts]
    print(f"share of the oracle {statistics.mean(shares):.1f} +- {statistics.stdev(shares):.1f} %")
    assert min(shares) >= 80.0
    for text in texts:
        assert first(r"pipeline +(\.\d+)", text) > 2 * first(r"popular +(\.\d+)", text)
