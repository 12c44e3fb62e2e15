"""The index in PostgreSQL: the suite of every index, against a real server."""

import sys

import numpy as np
import pytest

from shortlist.errors import ArgumentError, BundleError, DataError, MissingExtraError
from shortlist.index import PgVectorIndex, PgVectorOptions
from shortlist.testing._index import INDEX_CHECKS, clustered_vectors, planted_vectors, recall_against

SMALL = PgVectorOptions(recall_at=20, sample=16)
VECTORS = planted_vectors(40, 4)
services = pytest.mark.services


@pytest.fixture
def opened(address):
    """Opens an index over a table of that name, and closes it after the test."""
    held = []

    def opening(table="items", **arguments):
        held.append(PgVectorIndex(address, table, **{"options": SMALL} | arguments).open())
        return held[-1]

    yield opening
    for one in held:
        one.close()


@services
@pytest.mark.parametrize("check", INDEX_CHECKS, ids=lambda check: check.__name__)
def test_suite(check, opened):
    check(lambda vectors, ids: opened("suite").replace(vectors, ids))


@services
def test_a_catalogue_is_replaced_in_one_step_and_found_by_others(opened):
    one = opened().replace(VECTORS[:10], [f"i{n}" for n in range(10)], fingerprint="m")
    other = opened(fingerprint="m")
    assert (len(other), other.dim, other.recall) == (10, 4, 1.0)
    assert repr(other) == "PgVectorIndex(items, 10 x 4, recall 1.000)"
    one.replace(VECTORS[:20], range(20), fingerprint="m")
    assert other.keys.values.tolist()[0] == "i0"
    other.refresh()
    assert other.keys.values.tolist() == [*range(20)]
    with pytest.raises(BundleError, match=r"model 'n'; received .* 'm'"):
        opened(fingerprint="n")


@services
def test_a_failed_replacement_leaves_the_table(opened):
    index = opened("kept").replace(VECTORS[:10], range(10))
    with pytest.raises(DataError, match="2,000 numbers"):
        index.replace(np.ones((3, 2001), np.float32), range(3))
    index.refresh()
    assert len(index) == 10
    assert len(opened("kept")) == 10


@services
def test_items_are_added_changed_and_removed(opened):
    index = opened("edited").replace(VECTORS[:5], [10, 20, 30, 40, 50], fingerprint="m")
    other = opened("edited")
    index.upsert([60, "20"], VECTORS[5:7], fingerprint="m")
    index.delete([10, "x"])
    assert index.keys.values.tolist() == [20, 30, 40, 50, 60]
    np.testing.assert_allclose(
        index.vectors(np.array([0, 4, -1])), [VECTORS[6], VECTORS[5], [0] * 4], atol=1e-7
    )
    assert index.search(VECTORS[[5, 6]], 2)[0][:, 0].tolist() == [4, 0]
    rows, _ = other.search(VECTORS[[5]], 7)  # does not know of 60 yet, and has lost 10
    assert set(rows[0].tolist()) == {1, 2, 3, 4, -1}
    other.refresh()
    assert other.search(VECTORS[[5]], 1)[0].tolist() == [[4]]
    with pytest.raises(ArgumentError, match=r"\[N, 4\]"):
        index.upsert([1], np.ones((1, 3)))
    with pytest.raises(BundleError, match=r"model 'n'"):
        index.upsert([1], VECTORS[:1], fingerprint="n")


@services
def test_recall_is_that_of_the_target(opened):
    vectors, queries = clustered_vectors(3000), clustered_vectors(64, seed=0)
    scores = queries @ vectors.T
    found = []
    for target in (0.5, 0.97):
        options = PgVectorOptions(recall_target=target, recall_at=20, links=8, build_effort=16)
        index = opened("tuned", options=options).replace(vectors, range(3000), queries=queries)
        found.append((index.facts.effort, recall_against(index.search(queries, 20), scores, 20)))
        assert index.recall >= target
        assert index.recall == pytest.approx(found[-1][1], abs=0.02)
    assert found[0] < found[1]


@services
def test_another_table_is_refused(opened):
    index = opened("foreign").replace(VECTORS, range(40))
    index._table._run("COMMENT ON TABLE {table} IS 'mine'")
    with pytest.raises(BundleError, match="without the facts"):
        opened("foreign")
    index._table.describe(index.facts.__class__("hnsw", 4, 40, metric="l2"))
    with pytest.raises(BundleError, match=r"'inner_product'; received the metric 'l2'"):
        opened("foreign")
    with pytest.raises(DataError, match="no catalogue"):
        opened("nothing").search(VECTORS, 1)


def test_a_database_that_is_not_there():
    with pytest.raises(DataError, match=r"look at the address"):
        PgVectorIndex("host=/nowhere/at/all dbname=x", "items").open()


def test_a_closed_index_says_so():
    index = PgVectorIndex("host=x", "items")
    assert repr(index) == "PgVectorIndex(items, closed)"
    with pytest.raises(DataError, match=r"call open\(\)"):
        index.search(VECTORS, 1)
    with pytest.raises(DataError, match="a closed connection"):
        index.replace(VECTORS, range(40))


def test_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'shortlist\[pgvector\]'"):
        PgVectorIndex("host=x", "items").open()


@pytest.mark.parametrize(
    ("options", "message"),
    [({"links": 0}, "links"), ({"sample": 0}, "sample"), ({"recall_target": 1.5}, r"\(0, 1\]")],
)
def test_wrong_options_are_refused(options, message):
    with pytest.raises(ArgumentError, match=message):
        PgVectorOptions(**options)


def test_ids_and_vectors_are_of_one_length():
    with pytest.raises(ArgumentError, match="2 ids"):
        PgVectorIndex("host=x", "items").replace(VECTORS, [1, 2])
