"""Laws of text embedding, functions of a user's own, and similarity of ids, on random data."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shortlist.data import Ragged
from shortlist.features import Workflow, ops
from shortlist.features.ops._sparse_rows import SparseRows, products
from shortlist.features.text import open_embedder, read_text_model
from shortlist.features.text._pooling import POOLINGS, pooled
from shortlist.io import Dataset
from shortlist.schema import LIST, Column, Schema
from shortlist.testing import _ops as suite
from shortlist.testing._texts import tiny_text_model

TEXTS = Schema([Column("s", "string", ("item", "text")), Column("t", "string", ("user",))])
VALUES = Schema(
    [
        Column("x", "float64"),
        Column("n", "int64"),
        Column("b", "bool"),
        Column("s", "string"),
        Column("xs", "float64", shape=LIST),
        Column("ss", "string", shape=LIST),
    ]
)
PAIRS = Schema(
    [
        Column("n", "int64", ("item", "id")),
        Column("s", "string", ("user", "id")),
        Column("ns", "int64", shape=LIST),
        Column("ms", "int64", shape=LIST),
    ]
)
FILMS = pl.DataFrame({"n": [1, 2, 2, 6], "feature": [-1, 0, 0, 3], "weight": [1.0, 0.5, 2.0, -1.0]})
USERS = pl.DataFrame({"s": ["a", "b", ""], "likes": [[0, 3], [], [-1, None]]})


def double(x: Any) -> Any:
    return x * 2


def lengths(words: Any) -> Any:
    return np.array([np.nan if word is None else len(word) for word in words], np.float64)


def either(n: Any, s: Any) -> Any:
    return np.array(
        [None if word is None else f"{word}{x:.0f}" for x, word in zip(n, s, strict=True)], object
    )


def first_two(rows: Ragged) -> Any:
    return rows.first_padded(2, np.nan)


def reversed_lists(rows: Ragged) -> Any:
    return Ragged.of([rows.row(place)[::-1] for place in range(len(rows))], np.float64)


EXPRESSIONS = [
    suite.OpCase("ratio", lambda: [[["x", "n"]] >> ops.LambdaOp(pl.col("x") / pl.col("n"))], VALUES),
    suite.OpCase(
        "text", lambda: [[["s", "b"]] >> ops.LambdaOp(pl.col("s") + pl.col("b").cast(pl.String))], VALUES
    ),
    suite.OpCase("list", lambda: ["xs" >> ops.LambdaOp(pl.col("xs").list.sum())], VALUES),
    suite.OpCase("lists", lambda: [[["xs", "x"]] >> ops.LambdaOp(pl.concat_list("xs", "x"))], VALUES),
    suite.OpCase("constant", lambda: ["n" >> ops.LambdaOp(pl.lit(7), "int32", ("context",))], VALUES),
    suite.OpCase(
        "after others",
        lambda: ["n" >> ops.FillMissing(1) >> ops.LambdaOp(pl.col("n") % 3, "int64", ["categorical"])],
        VALUES,
    ),
    suite.OpCase(
        "before others",
        lambda: ["s" >> ops.LambdaOp(pl.col("s").str.to_uppercase()) >> ops.Categorify()],
        VALUES,
    ),
]
LEARNED = [
    suite.OpCase(
        metric,
        lambda metric=metric: [
            [["n", "s"]] >> ops.ColumnSimilarity(left_lists="ns", right_lists="ms", metric=metric)
        ],
        PAIRS,
    )
    for metric in ("tfidf", "cosine", "inner")
]
FUNCTIONS = [
    suite.OpCase("double", lambda: ["x" >> ops.LambdaOp(double), "n" >> ops.LambdaOp(double)], VALUES),
    suite.OpCase("elements", lambda: ["xs" >> ops.LambdaOp(double)], VALUES),
    suite.OpCase("lengths", lambda: ["s" >> ops.LambdaOp(lengths, "int16", ["context"])], VALUES),
    suite.OpCase("lengths in lists", lambda: ["ss" >> ops.LambdaOp(lengths)], VALUES),
    suite.OpCase("two", lambda: [[["n", "s"]] >> ops.LambdaOp(either)], VALUES),
    suite.OpCase("flag", lambda: ["x" >> ops.LambdaOp(np.isnan)], VALUES),
    suite.OpCase("vectors", lambda: ["xs" >> ops.LambdaOp(first_two, lists="rows")], VALUES),
    suite.OpCase("lists", lambda: ["xs" >> ops.LambdaOp(reversed_lists, lists="rows")], VALUES),
    suite.OpCase("tables", lambda: [[["n", "s"]] >> ops.ColumnSimilarity(FILMS, USERS)], PAIRS),
    suite.OpCase("inner", lambda: [[["n", "s"]] >> ops.ColumnSimilarity(FILMS, USERS, "inner")], PAIRS),
]
every = pytest.mark.parametrize("case", [*EXPRESSIONS, *LEARNED, *FUNCTIONS], ids=lambda case: case.name)
saved = pytest.mark.parametrize("case", [*EXPRESSIONS, *LEARNED], ids=lambda case: case.name)


@pytest.fixture(scope="module", params=["vectors", "tokens"])
def texts(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> suite.OpCase:
    folder = tmp_path_factory.mktemp("texts")
    model = tiny_text_model(folder / "model")
    op = {
        "vectors": ops.TextEmbed(model, cache=folder / "cache", threads=1),
        "tokens": ops.Tokenize(model, max_length=5),
    }[request.param]
    return suite.OpCase(request.param, lambda: [["s", "t"] >> op], TEXTS)


@every
@settings(max_examples=6, deadline=None)
@given(data=st.data())
def test_offline_path_equals_request_path(case: suite.OpCase, data: st.DataObject) -> None:
    rows = suite.frames(case.schema)
    suite.check_paths(case, data.draw(rows), data.draw(rows))


@every
@settings(max_examples=4, deadline=None)
@given(data=st.data())
def test_partitions_do_not_matter(case: suite.OpCase, data: st.DataObject) -> None:
    cuts = data.draw(st.lists(st.integers(0, 100), max_size=4))
    suite.check_partitions(case, data.draw(suite.frames(case.schema)), cuts)


@saved
@settings(max_examples=2, deadline=None)
@given(data=st.data())
def test_saved_and_loaded_is_identical(case: suite.OpCase, data: st.DataObject, tmp_path_factory) -> None:
    suite.check_saved(case, data.draw(suite.frames(case.schema)), tmp_path_factory.mktemp("flow") / "flow")


@every
def test_no_rows_and_all_null_columns(case: suite.OpCase) -> None:
    suite.check_edges(case)


@settings(max_examples=6, deadline=None)
@given(data=st.data())
def test_texts_offline_path_equals_request_path(texts: suite.OpCase, data: st.DataObject) -> None:
    rows = suite.frames(TEXTS)
    suite.check_paths(texts, data.draw(rows), data.draw(rows))


@settings(max_examples=4, deadline=None)
@given(data=st.data())
def test_texts_partitions_do_not_matter(texts: suite.OpCase, data: st.DataObject) -> None:
    cuts = data.draw(st.lists(st.integers(0, 100), max_size=4))
    suite.check_partitions(texts, data.draw(suite.frames(TEXTS)), cuts)


@settings(max_examples=2, deadline=None)
@given(data=st.data())
def test_texts_saved_and_loaded_is_identical(
    texts: suite.OpCase, data: st.DataObject, tmp_path_factory
) -> None:
    suite.check_saved(texts, data.draw(suite.frames(TEXTS)), tmp_path_factory.mktemp("flow") / "flow")


def test_texts_no_rows_and_all_null_columns(texts: suite.OpCase) -> None:
    suite.check_edges(texts)


def test_texts_saved_in_one_process_and_loaded_in_another(texts: suite.OpCase, tmp_path: Path) -> None:
    rows = pl.DataFrame({"s": ["red shoes", None, "a"], "t": ["", "blue", "red shoes"]})
    suite.check_saved_in_fresh_process(texts, rows, tmp_path)


words = st.one_of(st.none(), st.text("abc ", max_size=6), st.sampled_from(["red shoes", "blue hat " * 20]))


@settings(max_examples=20, deadline=None)
@given(asked=st.lists(st.lists(words, max_size=6), max_size=4))
def test_a_text_has_one_vector_whatever_is_asked_with_it(
    tmp_path_factory, asked: list[list[str | None]]
) -> None:
    folder = tmp_path_factory.getbasetemp() / "one-model"
    model = read_text_model(folder if folder.exists() else tiny_text_model(folder))
    whole, alone = open_embedder(model, threads=1), open_embedder(model, threads=1)
    for texts in asked:
        together = whole.embed(texts)
        for row, text in enumerate(texts):
            one = alone.embed([text])[0]
            assert np.abs(one - together[row]).max() <= 1e-5
            assert np.any(one) == (text is not None and text.strip() != "")


@pytest.mark.parametrize("name", POOLINGS)
@settings(max_examples=15, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 5), min_size=1, max_size=4),
    wide=st.integers(0, 3),
    seed=st.integers(0, 9),
)
def test_pooling_does_not_look_at_what_fills_up(name: str, lengths: list[int], wide: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    tokens = rng.normal(size=(len(lengths), max(lengths) + wide, 3)).astype(np.float32)
    mask = np.arange(tokens.shape[1]) < np.array(lengths)[:, None]
    whole = pooled(tokens, mask, [name])
    for row, length in enumerate(lengths):
        alone = pooled(tokens[row : row + 1, :length], mask[row : row + 1, :length], [name])
        assert np.allclose(whole[row], alone[0], atol=1e-5)


sparse = st.lists(st.dictionaries(st.integers(0, 6), st.floats(-2, 2), max_size=4), min_size=1, max_size=4)


@settings(max_examples=30, deadline=None)
@given(left=sparse, right=sparse, data=st.data())
def test_products_are_those_of_dense_vectors(
    left: list[dict], right: list[dict], data: st.DataObject
) -> None:
    count = data.draw(st.integers(0, 6))
    ours, theirs = (
        np.array(
            data.draw(st.lists(st.integers(-2, len(side) - 1), min_size=count, max_size=count)), np.int64
        )
        for side in (left, right)
    )
    found = products(_sparse(left), ours, _sparse(right), theirs)
    for value, one, other in zip(found, ours, theirs, strict=True):
        dense = 0.0 if min(one, other) < 0 else float(_dense(left[one]) @ _dense(right[other]))
        assert abs(value - dense) <= 1e-12


def test_a_workflow_with_a_table_goes_on_without_it(tmp_path: Path) -> None:
    rows = pl.DataFrame(
        {"n": [1, 2, 6, None], "s": ["", "a", "a", "a"], "ns": [[]] * 4, "ms": [[]] * 4}
    ).cast({"ns": pl.List(pl.Int64), "ms": pl.List(pl.Int64)})
    data = Dataset.of(rows, PAIRS)
    flow = Workflow([[["n", "s"]] >> ops.ColumnSimilarity(FILMS, USERS, "inner")]).fit(data)
    flow.save(tmp_path / "flow")
    loaded = Workflow.load(tmp_path / "flow")
    assert loaded.transform(data).collect().equals(flow.transform(data).collect())
    # 1 shares -1 with "": 1 * 1; 2 shares 0 with "a": (0.5 + 2) * 1; 6 shares 3: -1 * 1; null shares nothing
    assert loaded.transform(data).collect()["n_s_sim"].to_list() == [1.0, 2.5, -1.0, 0.0]


def _sparse(rows: list[dict]) -> SparseRows:
    features = [sorted(row) for row in rows]
    offsets = np.cumsum([0, *map(len, rows)]).astype(np.int64)
    weights = [row[feature] for row, known in zip(rows, features, strict=True) for feature in known]
    flat = [feature for known in features for feature in known]
    return SparseRows(offsets, np.array(flat, np.int64), np.array(weights, np.float64), 7)


def _dense(row: dict) -> np.ndarray:
    out = np.zeros(7)
    out[list(row)] = list(row.values())
    return out
