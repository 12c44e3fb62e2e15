"""Conformance of ops: what every op must do, checked on random data by hypothesis."""

import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isclose, isnan
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from hypothesis import strategies as st

from shortlist.data import Array, Batch, Ragged
from shortlist.features import Workflow, ops
from shortlist.io import Dataset
from shortlist.schema import Column, Schema
from shortlist.store import EmbeddedStore

__all__ = [
    "OpCase",
    "as_batch",
    "check_decoding",
    "check_edges",
    "check_partitions",
    "check_paths",
    "check_replay",
    "check_saved",
    "check_saved_in_fresh_process",
    "frames",
    "rows_of",
]

_TYPES: dict[str, Any] = {"int64": pl.Int64, "float64": pl.Float64, "bool": pl.Boolean, "string": pl.String}
_ELEMENTS: dict[str, st.SearchStrategy[Any]] = {
    "int64": st.one_of(st.integers(-3, 6), st.sampled_from([2**62, -(2**62)])),
    "float64": st.one_of(st.floats(-1e6, 1e6), st.just(float("nan"))),
    "bool": st.booleans(),
    "string": st.sampled_from(["a", "b", "c", "", "Ä", "a string longer than sixteen bytes"]),
}


@dataclass(frozen=True)
class OpCase:
    """An op at work: branches over columns of a schema.

    Attributes:
        name: shown by the test.
        branches: makes the branches of a workflow.
        schema: the raw columns.
        decodes: raw columns whose values come back from the codes of the same name.
        drops_rows: whether rows are left out offline, so that the two paths differ in rows.
    """

    name: str
    branches: Callable[[], Sequence[Any]]
    schema: Schema
    decodes: tuple[str, ...] = ()
    drops_rows: bool = False

    def fit(self, *parts: pl.DataFrame) -> Workflow:
        """The workflow fitted on partitions."""
        return Workflow(self.branches()).fit(Dataset.of(parts, self.schema))


def frames(schema: Schema, max_rows: int = 12) -> st.SearchStrategy[pl.DataFrame]:
    """Frames of a schema: nulls, NaN, empty lists, missing lists, repeats, and no rows at all among them."""
    rows = st.lists(st.tuples(*map(_cells, schema)), max_size=max_rows)
    types = {c.name: pl.List(_TYPES[c.dtype]) if c.is_list else _TYPES[c.dtype] for c in schema}
    return rows.map(lambda cells: pl.DataFrame(cells, schema=types, orient="row"))


def as_batch(frame: pl.DataFrame, schema: Schema) -> Batch:
    """A frame as the request path gets it: arrays, None or NaN for null."""
    columns = {column.name: _as_column(frame[column.name], column) for column in schema}
    return Batch(columns, rows=len(frame))


def rows_of(column: pl.Series | Array | Ragged) -> list[Any]:
    """Python values of a column of either path, None for null and NaN."""
    if isinstance(column, Ragged):
        plain = column.to_lists()
    else:
        plain = column.to_list() if isinstance(column, pl.Series) else column.tolist()
    return [[_one(v) for v in value] if isinstance(value, list) else _one(value) for value in plain]


def check_paths(case: OpCase, fitted_on: pl.DataFrame, frame: pl.DataFrame) -> None:
    """Offline and request path give the same, on rows seen in fitting and on others."""
    flow = case.fit(fitted_on)
    offline = flow.transform(Dataset.of(frame, case.schema)).collect()
    assert tuple(offline.columns) == flow.schema.names
    online = flow.transform_batch(as_batch(frame, case.schema))
    for column in flow.schema:
        assert column.is_list == isinstance(offline.schema[column.name], pl.List)
        if not case.drops_rows:
            assert_close(rows_of(offline[column.name]), rows_of(online[column.name]), 1e-6)
            single = [
                rows_of(flow.transform_batch(as_batch(frame[row : row + 1], case.schema))[column.name])[0]
                for row in range(min(len(frame), 3))
            ]
            assert_close(rows_of(online[column.name])[:3], single, 0.0)


def check_partitions(case: OpCase, frame: pl.DataFrame, cuts: Sequence[int]) -> None:
    """Fitting and transforming do not depend on where the rows are cut into partitions."""
    edges = [0, *sorted(cut % (len(frame) + 1) for cut in cuts), len(frame)]
    parts = [frame[low:high] for low, high in pairwise(edges)]
    whole, cut = case.fit(frame), case.fit(*parts)
    assert whole.schema == cut.schema
    assert whole.coverage().equals(cut.coverage())
    expected = whole.transform(Dataset.of(frame, case.schema)).collect()
    received = cut.transform(Dataset.of(parts, case.schema)).collect()
    for column in whole.schema:
        tolerance = 1e-6 if column.dtype.startswith("float") else 0.0
        assert_close(rows_of(expected[column.name]), rows_of(received[column.name]), tolerance)


def check_saved(case: OpCase, frame: pl.DataFrame, folder: Path) -> None:
    """A workflow that was saved and loaded gives identical columns on both paths, and can be fitted anew."""
    flow = case.fit(frame)
    flow.save(folder)
    loaded = Workflow.load(folder)
    dataset = Dataset.of(frame, case.schema)
    assert (loaded.schema, loaded.input_schema) == (flow.schema, flow.input_schema)
    assert loaded.transform(dataset).collect().equals(flow.transform(dataset).collect())
    batch = as_batch(frame, case.schema)
    for name, column in flow.transform_batch(batch).items():
        assert rows_of(column) == rows_of(loaded.transform_batch(batch)[name])
    again = loaded.fit(dataset)
    assert again.transform(dataset, training=False).collect().equals(flow.transform(dataset).collect())


def check_saved_in_fresh_process(case: OpCase, frame: pl.DataFrame, folder: Path) -> None:
    """The same, loaded by a Python process that has seen nothing of this one."""
    flow = case.fit(frame)
    flow.save(folder / "flow")
    frame.write_ipc(folder / "rows.arrow")
    code = (
        "import sys, polars as pl; from shortlist.features import Workflow; from shortlist.io import Dataset;"
        "from shortlist.schema import Schema; from pathlib import Path; root = Path(sys.argv[1]);"
        "schema = Schema.from_json((root / 'schema.json').read_text());"
        "rows = Dataset.of(pl.read_ipc(root / 'rows.arrow'), schema);"
        "Workflow.load(root / 'flow').transform(rows).collect().write_ipc(root / 'out.arrow')"
    )
    (folder / "schema.json").write_text(case.schema.to_json())
    subprocess.run([sys.executable, "-c", code, str(folder)], check=True)  # noqa: S603 - our own interpreter
    expected = flow.transform(Dataset.of(frame, case.schema)).collect()
    assert pl.read_ipc(folder / "out.arrow").equals(expected)


def check_edges(case: OpCase) -> None:
    """No rows, and columns that are wholly null, in fitting and after."""
    types = {c.name: pl.List(_TYPES[c.dtype]) if c.is_list else _TYPES[c.dtype] for c in case.schema}
    none = pl.DataFrame(schema=types)
    nulls = pl.DataFrame({name: [None] * 3 for name in types}, schema=types)
    for fitted_on in (none, nulls):
        flow = case.fit(fitted_on)
        for frame in (none, nulls):
            out = flow.transform(Dataset.of(frame, case.schema)).collect()
            assert len(out) == len(frame) or case.drops_rows
            assert len(flow.transform_batch(as_batch(frame, case.schema))) == len(frame)
            check_paths(case, fitted_on, frame)


def check_decoding(case: OpCase, frame: pl.DataFrame) -> None:
    """``decode(encode(x)) == x`` for every value that has a code of its own."""
    flow, raw = case.fit(frame), as_batch(frame, case.schema)
    batch = flow.transform_batch(raw)
    for name in case.decodes:
        known = flow.vocabulary(name)["code"].to_list()
        decoded, values, codes = flow.decode(name, batch[name]), rows_of(raw[name]), rows_of(batch[name])
        assert [_length(row) for row in decoded] == [_length(row) for row in values]
        for back, value, code in zip(*map(_elements, (decoded, values, codes)), strict=True):
            assert back == (value if code in known else None)


def check_replay(sources: ops.Source | Sequence[ops.Source], rows: pl.DataFrame, schema: Schema) -> None:
    """History ops give offline what a store gives that was fed the events one by one, in order of time.

    Args:
        sources: one op or several, in the words of a log ("user", "item").
        rows: columns ``user``, ``item`` (integers from 0, null for unknown), ``time``, ``weight``, and those
            that the ops read.
        schema: their schema.
    """
    every = [sources] if isinstance(sources, ops.Source) else list(sources)
    dataset = Dataset.of(rows, schema)
    offline = Workflow(every).fit(dataset).transform(dataset).collect()
    read = {name: None for source in every for name in (*source.needs.events, *source.needs.row)}
    own = [name for name in read if name not in ("user", "item")]
    tables = [
        Dataset.of(pl.DataFrame({side: rows[side].drop_nulls().unique().sort()}), Schema([schema[side]]))
        for side in ("item", "user")
    ]
    store = EmbeddedStore.build(Dataset.of(rows.clear(), schema), *tables, columns=own)
    times = rows["time"].to_physical().to_numpy()
    order, fed = np.argsort(times, kind="stable").tolist(), 0
    for row in order:
        while times[order[fed]] < times[row]:
            _append(store, rows[order[fed] : order[fed] + 1], own)
            fed += 1
        for source in every:
            found = rows_of(_asked(source, store, rows[row : row + 1], own))
            assert_close(found, rows_of(offline[source.column(schema).name][row : row + 1]), 1e-6)


def _append(store: EmbeddedStore, one: pl.DataFrame, own: Sequence[str]) -> None:
    times = one["time"].to_physical().to_numpy()
    columns = {name: one[name].to_list() for name in own}
    store.append_events(
        one["user"].to_list(), one["item"].to_list(), times, one["weight"].to_numpy(), columns
    )


def _asked(source: ops.Source, store: EmbeddedStore, one: pl.DataFrame, own: Sequence[str]) -> Array | Ragged:
    """What a store answers for a row, in raw values."""
    users, items = store.user_positions(one["user"].to_list()), store.items.positions(one["item"].to_list())
    columns = {name: store.event_codes(name, one[name].to_list()) for name in own}
    found = source.from_log(store, users, items, one["time"].to_physical().to_numpy(), columns)
    codes = source.needs.codes
    if codes is None:
        return found
    plain = found.values if isinstance(found, Ragged) else found
    raw = store.items.take(plain) if codes == "item" else store.event_values(codes, plain)
    return found.with_values(raw) if isinstance(found, Ragged) else raw


def assert_close(expected: list[Any], received: list[Any], tolerance: float) -> None:
    """Equal, numbers up to a relative tolerance."""
    assert len(expected) == len(received), (expected, received)
    for one, other in zip(_flat(expected), _flat(received), strict=True):
        if isinstance(one, float) and isinstance(other, float):
            assert isclose(one, other, rel_tol=tolerance, abs_tol=tolerance), (expected, received)
        else:
            assert one == other, (expected, received)


def _cells(column: Column) -> st.SearchStrategy[Any]:
    cell = st.one_of(st.none(), _ELEMENTS[column.dtype])
    return st.one_of(st.none(), st.lists(cell, max_size=4)) if column.is_list else cell


def _as_column(values: pl.Series, column: Column) -> Array | Ragged:
    if not column.is_list:
        return _as_array(values.to_list(), column.dtype)
    lists = [value or [] for value in values.to_list()]
    offsets = np.cumsum([0, *map(len, lists)]).astype(np.int64)
    return Ragged(_as_array([element for value in lists for element in value], column.dtype), offsets)


def _as_array(values: list[Any], dtype: str) -> Array:
    if dtype == "float64":
        return np.array(values, dtype=np.float64)
    if dtype == "string" or None in values:
        out = np.empty(len(values), dtype=object)
        out[:] = values
        return out
    return np.array(values, dtype={"int64": np.int64, "bool": np.bool_}[dtype])


def _one(value: Any) -> Any:
    return None if isinstance(value, float) and isnan(value) else value


def _elements(rows: list[Any]) -> list[Any]:
    return [value for row in rows for value in (row if isinstance(row, list) else [row])]


def _length(row: Any) -> int:
    return len(row) if isinstance(row, list) else -1


def _flat(rows: list[Any]) -> list[Any]:
    return [value for row in rows for value in ([len(row), *row] if isinstance(row, list) else [row])]
