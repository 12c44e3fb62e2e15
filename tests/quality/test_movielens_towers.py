"""Towers with features and a history, and BPR-MF, on MovieLens 100k: the benchmark's figures hold.

Run with ``-rP`` to see them.
"""

import os
import runpy
from pathlib import Path

import numpy as np
import pytest

import shortlist as sl

pytestmark = pytest.mark.data

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "towers_movielens.py"


@pytest.mark.parametrize(("name", "least"), [("features and history", 0.335), ("BPR-MF", 0.270)])
def test_figures_of_the_benchmark(name: str, least: float) -> None:
    file = os.environ.get("SHORTLIST_ML100K")
    if file is None:
        pytest.fail("SHORTLIST_ML100K must be the path of ml-100k.inter; make test-data sets it")
    bench = runpy.run_path(str(BENCHMARK))
    ratings = sl.datasets.movielens_100k(Path(file).parent)
    variant = bench["VARIANTS"][name]
    found = [bench["run"](bench["deal"](ratings, seed), variant)[0] for seed in bench["SEEDS"]]
    print(f"{name} NDCG@10 {np.mean(found):.4f} +- {np.std(found, ddof=1):.4f}: {np.round(found, 4)}")
    assert np.mean(found) >= least
