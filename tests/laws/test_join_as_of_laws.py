"""A point-in-time join is what a plain loop over the versions finds."""

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from shortlist.io import Dataset, join_as_of

KEYS = st.sampled_from(["a", "b", None])
TIMES = st.one_of(st.none(), st.integers(0, 12))
ROWS = st.lists(st.tuples(KEYS, TIMES), max_size=12)
VERSIONS = st.lists(st.tuples(KEYS, TIMES, st.one_of(st.none(), st.integers(0, 9))), max_size=12)


def plain(
    row: tuple[str | None, int | None], versions: list[tuple], ttl: int | None, strict: bool
) -> int | None:
    key, time = row
    best = (-1, None)
    for other, since, value in versions:
        if key is None or time is None or since is None or other != key:
            continue
        young = ttl is None or time - since <= ttl
        if (since < time or (since == time and not strict)) and young and since >= best[0]:
            best = (since, value)
    return best[1]


@settings(deadline=None)
@given(ROWS, VERSIONS, st.one_of(st.none(), st.integers(1, 6)), st.booleans(), st.integers(0, 12))
def test_join_as_of_is_a_plain_loop(
    rows: list[tuple], versions: list[tuple], ttl: int | None, strict: bool, split: int
) -> None:
    types = {"key": pl.String, "time": pl.Int64}
    second = pl.col("time") * 1_000_000
    times = second.cast(pl.Datetime("us"))
    frame = pl.DataFrame(rows, schema=types, orient="row").with_columns(times)
    table = pl.DataFrame(versions, schema={**types, "value": pl.Int64}, orient="row").with_columns(times)
    data = Dataset.of([frame[:split], frame[split:]]).tag("time", "time")
    lasting = None if ttl is None else f"{ttl}s"
    found = join_as_of(data, Dataset.of(table).tag("time", "time"), on="key", ttl=lasting, strict=strict)
    assert found.collect()["value"].to_list() == [plain(row, versions, ttl, strict) for row in rows]
