"""Statistics that outgrow their memory go through files and come back the same."""

from functools import reduce

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shortlist.features import Workflow, ops
from shortlist.features._spill import Pile, Spill
from shortlist.features._statistics import Counts, Moments
from shortlist.features.engine import Local
from shortlist.io import Dataset

KEYS = st.lists(st.one_of(st.none(), st.integers(-50, 50)), max_size=60)
COUNTS = Counts({"value": pl.col("x")})


def counted(values: list[int | None]) -> pl.DataFrame:
    return COUNTS.plan(pl.LazyFrame({"x": values}, schema={"x": pl.Int64})).collect()


@settings(deadline=None, max_examples=25)
@given(parts=st.lists(KEYS, min_size=1, max_size=5), limit=st.sampled_from([0, 100, 10**6]))
def test_counts_are_the_same_whatever_fits_into_memory(parts, limit, tmp_path_factory) -> None:
    spill = Spill(tmp_path_factory.mktemp("spill"), limit)
    (pile,) = reduce(lambda a, b: spill.add([COUNTS], a, b), [[Pile((counted(part),))] for part in parts])
    total = spill.total(COUNTS, pile).sort("value", nulls_last=True)
    assert total.equals(counted([value for part in parts for value in part]).sort("value", nulls_last=True))


def test_only_statistics_by_key_go_to_disk(tmp_path) -> None:
    moments = Moments(pl.col("x"))
    parts = [moments.plan(pl.LazyFrame({"x": [float(n), n + 1.0]})).collect() for n in range(3)]
    spill = Spill(tmp_path, 0)
    (pile,) = reduce(lambda a, b: spill.add([moments], a, b), [[Pile((part,))] for part in parts])
    assert not pile.folders
    assert spill.total(moments, pile).row(0)[:2] == (6, 1.5)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "branch",
    [
        "user" >> ops.Categorify(min_count=2),
        [["user", "item"]] >> ops.Categorify(group="combo"),
        [["user"]] >> ops.JoinGroupby(["price"], stats=("count", "mean", "std")),
    ],
)
def test_a_workflow_fitted_in_little_memory_is_the_same(branch, tmp_path) -> None:
    rows = pl.DataFrame({"user": [n * n % 977 for n in range(4000)], "item": [n % 31 for n in range(4000)]})
    rows = rows.with_columns(price=(pl.col("user") % 7).cast(pl.Float64))
    data = Dataset.of([rows[start : start + 400] for start in range(0, 4000, 400)])
    roomy = Workflow([branch]).fit(data, engine=Local(threads=1, memory=10**9))
    scarce = Workflow([branch]).fit(data, engine=Local(threads=1, memory=2_000, scratch=tmp_path))
    assert scarce.schema == roomy.schema
    expected, received = (flow.transform(data, training=False).collect() for flow in (roomy, scarce))
    for name in expected.columns:
        assert (expected[name] - received[name]).abs().max() <= 1e-6
