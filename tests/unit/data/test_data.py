import numpy as np
import pytest

from shortlist.data import Batch, Candidates, Keys, Ragged, Requests, merge, stack
from shortlist.errors import ArgumentError, DataError, SchemaError


def test_ids_that_end_in_nul_stay_apart() -> None:
    keys = Keys(["a\0", "a", "\0"])
    assert keys.positions(["\0", "a", "a\0", ""]).tolist() == [2, 1, 0, -1]
    more = keys.joined(Keys(["b\0"]).values)
    assert more.take(more.positions(["b\0", "a\0"])).tolist() == ["b\0", "a\0"]


def test_keys_find_integers_and_strings_in_either_notation() -> None:
    numbers, words = Keys([30, 10, 20]), Keys(["30", "b"])
    assert numbers.positions(["10", 20, "x", None, 10.0, 2**70, 1.5]).tolist() == [1, 2, -1, -1, 1, -1, -1]
    assert numbers.positions(np.array([20, 99])).tolist() == [2, -1]
    assert words.positions([30, "b", None, "c"]).tolist() == [0, 1, -1, -1]
    assert words.take(np.array([1, 0])).tolist() == ["b", "30"]


def test_keys_may_be_empty_and_never_doubled() -> None:
    assert Keys([]).positions([1, "a"]).tolist() == [-1, -1]
    for doubled in ([1, 1], ["a", "a"]):
        with pytest.raises(DataError, match="every id once"):
            Keys(doubled)


def test_ragged_refuses_offsets_that_do_not_fit() -> None:
    with pytest.raises(ArgumentError, match="offsets"):
        Ragged(np.zeros(2), np.array([0, 3]))


def test_batch_lengths_must_agree() -> None:
    with pytest.raises(ArgumentError, match="one length"):
        Batch({"a": np.zeros(2), "b": np.zeros(3)})
    with pytest.raises(ArgumentError, match="query_of"):
        Batch({"a": np.zeros(2)}, query=("a",))


def test_batch_columns_are_read_by_kind() -> None:
    batch = Batch({"a": np.zeros(2), "l": Ragged.of([[1], []])})
    assert (len(batch), batch.array("a").shape, batch.ragged("l").to_lists()) == (2, (2,), [[1], []])
    for read in (lambda: batch.array("l"), lambda: batch.ragged("a"), lambda: batch["b"]):
        with pytest.raises(SchemaError):
            read()
    assert len(Batch({}, rows=4)) == 4
    assert repr(batch) == "Batch(a, l; 2 rows)"


def test_ranking_batch_keeps_queries_once() -> None:
    columns = {"item": np.array([1, 2, 3]), "past": Ragged.of([[9], []])}
    batch = Batch(columns, query=("past",), query_of=np.array([0, 0, 1]))
    assert (len(batch), batch.queries) == (3, 2)
    assert batch.flat().ragged("past").to_lists() == [[9], [9], []]
    assert batch.take(np.array([2])).query_of.tolist() == [1]
    assert batch.select(["item"]).queries == 3
    assert batch.with_columns({"age": np.array([1, 2])}, query=("age",)).query == {"past", "age"}
    plain = Batch({"a": np.zeros(1)})
    assert plain.flat() is plain


def test_requests_refuse_what_is_not_a_batch() -> None:
    with pytest.raises(ArgumentError, match="list of user ids"):
        Requests("u1")
    with pytest.raises(ArgumentError, match="integer >= 1"):
        Requests(["u1"], k=0)
    with pytest.raises(ArgumentError, match="one row for each user"):
        Requests(["u1"], context={"hour": [1, 2]})
    both = Requests(["u", "v"], k=3, context={"hour": [1, 2]}, recent=Ragged.of([[1], [2]]), ids=["a", "b"])
    assert (both.one(1).users, both.one(1).context, both.one(1).ids) == (["v"], {"hour": [2]}, ["b"])


def test_candidates_keep_reasons_and_order() -> None:
    items = np.array([[3, 1, 2], [5, -1, -1]])
    found = Candidates.of(items, np.array([[0.1, 0.9, 0.9], [1, 0, 0]], np.float32), "ann")
    assert found.lengths.tolist() == [3, 1]
    assert found.ordered().items.tolist() == [1, 2, 3, 5]
    kept = found.keep(found.items != 1, reason="seen")
    assert kept.items.tolist() == [3, 2, 5]
    assert [(gone.reason, gone.query.tolist(), gone.items.tolist()) for gone in kept.dropped] == [
        ("seen", [0], [1])
    ]
    assert kept.first(1).items.tolist() == [3, 5]
    assert kept.matrix(2).tolist() == [[3, 2], [5, -1]]
    assert found.with_scores(np.array([3, 2, 1, 0], np.float32)).items.tolist() == [3, 1, 2, 5]
    with_nan = found.with_scores(np.array([np.nan, 2, 1, 0], np.float32))
    assert with_nan.items.tolist() == [1, 2, 3, 5]
    assert len(Candidates.empty(0)) == 0


def test_merge_fills_columns_that_a_source_lacks() -> None:
    left = Candidates.of(np.array([[1]]), np.ones((1, 1), np.float32), "a").with_columns(
        {"x": np.array([0.5])}
    )
    right = Candidates.of(np.array([[2]]), np.ones((1, 1), np.float32), "b")
    both = merge([left, right])
    assert both.items.tolist() == [1, 2]
    assert both.columns["x"][0] == 0.5
    assert np.isnan(both.columns["x"][1])


def test_batches_are_stacked_and_placed() -> None:
    left = Candidates.of(np.array([[1, 2], [3, -1]]), np.ones((2, 2), np.float32), "a").with_columns(
        {"name": np.array(["x", "y", "z"], dtype=object)}
    )
    right = Candidates.of(np.array([[1]]), np.ones((1, 1), np.float32), "b").keep(
        np.array([False]), reason="no"
    )
    both = stack([left, right, left])
    assert both.offsets.tolist() == [0, 2, 3, 3, 5, 6]
    assert both.items.tolist() == [1, 2, 3, 1, 2, 3]
    assert both.columns["name"].tolist() == ["x", "y", "z"] * 2
    assert (both.dropped[0].query.tolist(), both.dropped[0].reason) == ([2], "no")
    assert len(stack([])) == 0
    turned = left.placed(-left.places)
    assert turned.items.tolist() == [2, 1, 3]
    assert turned.columns["name"].tolist() == ["y", "x", "z"]
    wide = stack([left, Candidates.of(np.array([[9]]), np.ones((1, 1), np.float32), "b")])
    assert wide.columns["name"].tolist() == ["x", "y", "z", None]


@pytest.mark.parametrize("text", [False, True])
def test_keys_grow_and_shrink_as_if_made_anew(text):
    rng = np.random.default_rng(0)
    drawn = rng.permutation(200)
    ids = [f"i{n}" for n in drawn] if text else drawn.tolist()
    keys = Keys(ids[:100])
    for step in range(5):
        fresh = np.array(ids[100 + 10 * step : 110 + 10 * step], dtype=object if text else np.int64)
        gone = rng.permutation(len(keys))[:7]
        keys = keys.joined(fresh).without(gone)
        anew = Keys(keys.values)
        assert keys.values.dtype == anew.values.dtype
        np.testing.assert_array_equal(keys.positions(ids), anew.positions(ids))
        np.testing.assert_array_equal(keys.take(np.arange(len(keys))), keys.values)
    assert Keys([]).joined(np.array(["a"], dtype=object)).positions(["a", "b"]).tolist() == [0, -1]
    assert keys.without(np.arange(len(keys))).positions(ids[:2]).tolist() == [-1, -1]
