"""Laws of engines, on random partitions, for every engine."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shortlist.features import engine
from shortlist.testing import _engines as suite

few = settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(scope="module")
def client() -> Iterator[object]:
    with suite.worker_processes(2) as connected:
        yield connected


@pytest.fixture(scope="module", params=["Local", "Local of one thread", "Dask"])
def any_engine(request: pytest.FixtureRequest) -> engine.Engine:
    if request.param == "Dask":
        return engine.Dask(request.getfixturevalue("client"))
    return engine.Local(threads=1 if "one" in request.param else 3)


@few
@given(parts=suite.partitions())
def test_map_changes_each_partition_lazily(any_engine: engine.Engine, parts: list[pl.DataFrame]) -> None:
    suite.check_map(any_engine, parts)


@few
@given(parts=suite.partitions())
def test_totals_are_the_same_bit_by_bit(any_engine: engine.Engine, parts: list[pl.DataFrame]) -> None:
    suite.check_map_reduce(any_engine, parts)


@pytest.mark.parametrize("key", suite.KEYS, ids=str)
@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(parts=suite.partitions(), count=st.integers(1, 5))
def test_shuffle_keeps_keys_together_and_rows_in_order(
    any_engine: engine.Engine, key: str | tuple[str, ...], parts: list[pl.DataFrame], count: int
) -> None:
    suite.check_shuffle(any_engine, parts, key, count)


@pytest.mark.parametrize("count", [1, 2, 3, 16, 37, 100])
def test_any_number_of_parts_is_merged_by_one_tree(any_engine: engine.Engine, count: int) -> None:
    suite.check_tree(any_engine, count)


def test_errors_come_through(any_engine: engine.Engine) -> None:
    suite.check_errors(any_engine)


def test_local_leaves_nothing_behind(tmp_path: Path) -> None:
    suite.check_scratch(lambda root: engine.Local(scratch=root), tmp_path)


def test_dask_leaves_nothing_behind(client: object, tmp_path: Path) -> None:
    suite.check_scratch(lambda root: engine.Dask(client, scratch=root), tmp_path)
