"""Items are added, changed and removed by raw id, whatever the kind."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shortlist.data import Keys
from shortlist.errors import ArgumentError, BundleError, DataError
from shortlist.index import KINDS, HeldIndex, IndexOptions, build, load, pinned, rebuild
from shortlist.testing._index import clustered_vectors, planted_vectors, recall_against, same_answers

SMALL = IndexOptions(recall_at=20, sample=64)
IDS = st.integers(0, 12)
EDITS = st.lists(st.tuples(st.booleans(), st.lists(IDS, unique=True, max_size=5)), max_size=8)


@settings(max_examples=40, deadline=None)
@given(st.lists(IDS, unique=True), EDITS, st.integers(1, 15), st.integers(0, 2**13 - 1))
def test_an_edited_index_is_one_built_of_what_is_left(first, edits, k, bits):
    rng = np.random.default_rng(0)
    vectors = {one: rng.integers(-2, 3, 4).astype(np.float32) for one in first}
    index = build(np.array([*vectors.values()], np.float32).reshape(-1, 4), first)
    for adds, ids in edits:
        if adds:
            fresh = rng.integers(-2, 3, (len(ids), 4)).astype(np.float32)
            index = index.with_items(ids, fresh)
            vectors |= dict(zip(ids, fresh, strict=True))
        else:
            index = index.without(ids)
            vectors = {one: vector for one, vector in vectors.items() if one not in ids}
    other = build(np.array([*vectors.values()], np.float32).reshape(-1, 4), [*vectors])
    assert index.keys.values.tolist() == other.keys.values.tolist() == [*vectors]
    assert len(index) == len(vectors)
    allowed = np.array([bits >> row & 1 for row in range(len(vectors))], dtype=np.bool_)
    queries = rng.integers(-2, 3, (3, 4)).astype(np.float32)
    for mask in (None, allowed):
        found, right = (one.search(queries, k, allowed=mask) for one in (index, other))
        np.testing.assert_array_equal(found[0], right[0])
        np.testing.assert_array_equal(found[1], right[1])
    rows = np.array([*range(len(vectors)), -1])
    np.testing.assert_array_equal(index.vectors(rows), other.vectors(rows))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_keeps_its_recall_through_edits(kind, tmp_path):
    vectors, queries = clustered_vectors(2500), clustered_vectors(40, seed=0)
    index = build(vectors[:2000], [f"i{n}" for n in range(2000)], kind=kind, options=SMALL)
    edited = index.without([f"i{n}" for n in range(0, 2000, 5)])
    edited = edited.with_items([f"i{n}" for n in range(1900, 2500)], vectors[1900:] + np.float32(0.25))
    left = [n for n in range(1900) if n % 5] + [n for n in range(1900, 2000) if n % 5]
    rest = [n for n in range(1900, 2000) if n % 5 == 0] + [*range(2000, 2500)]
    assert edited.keys.values.tolist() == [f"i{n}" for n in [*left, *rest]]
    assert edited.edits == 400 + 600 + 80  # gone, added, and of those added 80 in place of others
    now = vectors + np.float32(0.25) * (np.arange(2500) >= 1900)[:, None]
    scores = queries @ now[[*left, *rest]].T
    for one in (edited, rebuild(edited)):
        assert recall_against(one.search(queries, 20), scores, 20) >= 0.9
        half = np.arange(len(edited)) % 2 == 0
        found = one.search(queries, 20, allowed=half)
        assert recall_against(found, np.where(half, scores, -np.inf), 20) >= 0.9
    assert rebuild(edited).edits == 0
    assert rebuild(edited).kind == kind
    edited.save(tmp_path / "index")
    again = load(tmp_path / "index")
    assert again.facts == edited.facts
    assert again.edits == edited.edits
    assert same_answers(again.search(queries, 20), edited.search(queries, 20), 0)
    assert len(index) == 2000
    assert index.edits == 0


def test_an_index_without_items_grows():
    index = build(planted_vectors(0, 4), [], kind="ivf")
    grown = index.with_items(["a", "b"], planted_vectors(2, 4))
    assert grown.search(planted_vectors(2, 4), 3)[0].tolist() == [[0, 1, -1], [1, 0, -1]]
    assert grown.without(Keys(["a", "b"])).search(planted_vectors(2, 4), 1)[0].tolist() == [[-1], [-1]]
    assert rebuild(grown, kind="sq8").kind == "sq8"


def test_ids_are_found_in_either_notation():
    index = build(planted_vectors(3, 4), [10, 20, 30])
    assert index.without(["20", "x", None]).keys.values.tolist() == [10, 30]
    assert index.with_items(["20", "40"], planted_vectors(2, 4)).keys.values.tolist() == [10, 20, 30, 40]
    named = build(planted_vectors(2, 4), ["a", "7"])
    assert named.with_items([7, 8], planted_vectors(2, 4)).keys.values.tolist() == ["a", "7", "8"]
    assert index.without(["x"]) is index
    assert index.with_items([20], planted_vectors(1, 4)).keys is index.keys


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((["x"], planted_vectors(1, 4)), ArgumentError, "ids of text, such as 'x'"),
        (([1], planted_vectors(2, 4)), ArgumentError, "1 ids"),
        (([1], planted_vectors(1, 5)), ArgumentError, r"\[N, 4\]"),
        (([1], np.full((1, 4), np.nan)), ArgumentError, "NaN or infinity"),
        (([1, 1], planted_vectors(2, 4)), DataError, "twice"),
    ],
)
def test_a_wrong_edit_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        build(planted_vectors(3, 4), [1, 2, 3]).with_items(*arguments)


def test_vectors_of_another_model_are_refused():
    index = build(planted_vectors(3, 4), [1, 2, 3], fingerprint="old")
    assert index.with_items([4], planted_vectors(1, 4), fingerprint="old").facts.model == "old"
    with pytest.raises(BundleError, match=r"expected vectors of the model 'new'; received .* 'old'"):
        index.with_items([4], planted_vectors(1, 4), fingerprint="new")


def test_an_index_in_memory_is_edited_while_it_is_searched():
    first = build(np.eye(3, dtype=np.float32), ["a", "b", "c"], fingerprint="m")
    held = HeldIndex(first)
    assert pinned(held) is held.current is first
    held.upsert(["a", "b"], np.eye(3, dtype=np.float32)[:2], fingerprint="m")
    assert held.current is first  # nothing changed
    held.upsert(["b", "d"], np.array([[0, 1, 0], [0, 0, 2]], np.float32))
    assert (held.keys.values.tolist(), held.current.edits, len(held)) == (["a", "b", "c", "d"], 1, 4)
    rows, scores = held.search(np.array([[0, 0, 1]], np.float32), 2)
    assert (rows.tolist(), scores.tolist()) == ([[3, 2]], [[2.0, 1.0]])
    assert held.vectors(np.array([3])).tolist() == [[0, 0, 2]]
    held.delete(["c", "nothing"])
    assert held.keys.values.tolist() == ["a", "b", "d"]
    assert (held.first, held.dim, held.facts.count) == (first, 3, 3)
    with pytest.raises(BundleError, match=r"HeldIndex\.upsert: .*'other'"):
        held.upsert(["a"], np.ones((1, 3), np.float32), fingerprint="other")
    with pytest.raises(ArgumentError, match=r"with_items\.vectors"):
        held.upsert(["a"], np.ones((1, 2), np.float32))


def test_vectors_out_of_use_are_dropped():
    """An item whose vector is replaced a thousand times leaves no thousand vectors."""
    index = build(np.eye(4, dtype=np.float32), range(4))
    for number in range(50):
        index = index.with_items([2, 9], np.full((2, 4), number, np.float32))
        assert index.edits <= 1 + 2 * 2 + 2
    assert index.vectors(np.arange(5)).tolist() == [
        [1, 0, 0, 0],
        [0, 1, 0, 0],
        [49] * 4,
        [0, 0, 0, 1],
        [49] * 4,
    ]


def test_a_mask_that_changes_is_looked_at_again():
    index = build(np.eye(3, dtype=np.float32), range(3)).with_items([7], np.ones((1, 3), np.float32))
    query, mask = np.array([[3, 2, 1]], np.float32), np.array([True, True, True, False])
    assert index.search(query, 2, allowed=mask)[0].tolist() == [[0, 1]]
    mask[0] = False
    assert index.search(query, 2, allowed=mask)[0].tolist() == [[1, 2]]
    frozen = mask.copy()
    frozen.flags.writeable = False
    for _ in range(2):
        assert index.search(query, 2, allowed=frozen)[0].tolist() == [[1, 2]]
    assert index.search(query, 2)[0].tolist() == [[3, 0]]
