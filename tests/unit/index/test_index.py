"""Every kind of index meets the suite, and keeps its promises."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from shortlist.data import Keys
from shortlist.errors import ArgumentError, DataError
from shortlist.index import KINDS, Facts, IndexOptions, build
from shortlist.testing._index import INDEX_CHECKS, check_fresh_process, planted_vectors, same_answers

SMALL = IndexOptions(recall_at=20, sample=64, exact_below=100)
ALL = [*KINDS, "auto"]


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("check", INDEX_CHECKS, ids=lambda check: check.__name__)
def test_suite(check, kind):
    check(partial(build, kind=kind, options=SMALL))


def test_a_fresh_process_gives_the_same_answers(tmp_path):
    vectors = planted_vectors()
    built = {kind: build(vectors, range(600), kind=kind, options=SMALL) for kind in ALL}
    edited = {
        f"{kind}_edited": built[kind].without([3, 7]).with_items([5, 700], vectors[:2]) for kind in built
    }
    check_fresh_process(built | edited, tmp_path)


def test_the_suite_tells_answers_apart():
    scores = np.array([[0.9, 0.5, 0.5, 0.1]], dtype=np.float32)
    answer = np.array([[1, 2, 3, 4]]), scores
    assert same_answers(answer, (np.array([[1, 3, 2, 9]]), scores))
    assert not same_answers(answer, (np.array([[7, 2, 3, 4]]), scores))
    assert not same_answers(answer, (answer[0], scores + 0.1))
    assert not same_answers(answer, (answer[0][:, :3], scores[:, :3]))


integers = hnp.arrays(
    np.float32, st.tuples(st.integers(0, 40), st.just(3)), elements=st.integers(-2, 2).map(float)
)


@settings(max_examples=60, deadline=None)
@given(integers, integers, st.integers(1, 45), st.integers(0, 2**40 - 1))
def test_exact_search_is_a_stable_sort(vectors, queries, k, bits):
    allowed = np.array([bits >> row & 1 for row in range(len(vectors))], dtype=np.bool_)
    index = build(vectors, range(len(vectors)))
    scores = queries @ vectors.T
    for mask in (None, allowed):
        rows, found = index.search(queries, k, allowed=mask)
        for query in range(len(queries)):
            kept = np.arange(len(vectors)) if mask is None else np.flatnonzero(mask)
            best = kept[np.argsort(-scores[query, kept], kind="stable")][:k].tolist()
            assert rows[query].tolist() == best + [-1] * (k - len(best))
            assert found[query].tolist() == scores[query, best].tolist() + [-np.inf] * (k - len(best))


@pytest.mark.parametrize("kind", ["ivf", "ivf_sq8", "ivf_pq", "hnsw"])
def test_recall_reaches_the_target_and_is_the_recall_of_the_given_queries(kind):
    vectors, queries = planted_vectors(3000), planted_vectors(64, seed=1)
    truth = build(vectors, range(3000), kind="exact").search(queries, 20)[0]
    shares = []
    for target in (0.6, 0.99):
        index = build(vectors, range(3000), kind=kind, options=SMALL, recall_target=target, queries=queries)
        rows = index.search(queries, 20)[0]
        share = np.mean([len(np.intersect1d(*pair)) / 20 for pair in zip(rows, truth, strict=True)])
        assert index.recall == pytest.approx(share, abs=1e-6)
        assert share >= target
        shares.append((share, index.facts.effort + index.facts.refine))
    assert shares[0] < shares[1]


@pytest.mark.parametrize("kind", ["ivf", "hnsw"])
def test_a_longer_list_keeps_the_recall(kind):
    vectors, queries = planted_vectors(3000), planted_vectors(64, seed=1)
    index = build(vectors, range(3000), kind=kind, options=SMALL, queries=queries)
    truth = build(vectors, range(3000), kind="exact").search(queries, 300)[0]
    rows = index.search(queries, 300)[0]
    assert np.mean([len(np.intersect1d(*pair)) / 300 for pair in zip(rows, truth, strict=True)]) >= 0.9


def test_a_search_that_comes_back_short_is_done_again():
    vectors = planted_vectors(400)
    options = replace(SMALL, lists=40, effort=1)
    index = build(vectors, range(400), kind="ivf", options=options)
    rows, _ = index.search(vectors[:3], 300)
    assert (rows >= 0).all()
    assert all(len(set(row)) == 300 for row in rows.tolist())


def test_auto_is_exact_for_few_items_and_never_misses_the_target():
    vectors = planted_vectors(1000, 64)
    assert build(vectors, range(1000)).kind == "exact"
    hard = build(vectors, range(1000), options=SMALL, recall_target=1.0)
    assert hard.kind in ("pq", "exact")
    assert hard.recall == 1.0
    centres = planted_vectors(30, 8, seed=5)
    noise = 0.05 * planted_vectors(3000, 8, seed=6)
    easy = build(centres[np.arange(3000) % 30] + noise, range(3000), options=SMALL, queries=centres)
    assert easy.kind == "ivf"
    assert easy.recall >= 0.95


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_input_gives_the_same_index(kind, tmp_path):
    for name in ("a", "b"):
        build(planted_vectors(), range(600), kind=kind, options=SMALL, seed=3).save(tmp_path / name)
    files = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert {"index.faiss", "ids.arrow", "index.json"} <= {*files}
    for file in files:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_seed_changes_the_lists():
    one, other = (build(planted_vectors(), range(600), kind="ivf", options=SMALL, seed=s) for s in (0, 1))
    assert (
        one.facts != other.facts
        or one.search(planted_vectors(9), 20)[0].tolist() != other.search(planted_vectors(9), 20)[0].tolist()
    )


def test_every_option_has_an_effect():
    vectors, queries = planted_vectors(2000), planted_vectors(64, seed=1)

    def outcome(kind, **changes):
        index = build(vectors, range(2000), kind=kind, options=replace(SMALL, effort=8, **changes))
        return index.facts, index.threads, index.search(queries, 10)[1].tolist()

    assert outcome("ivf", recall_at=5) != outcome("ivf")
    assert outcome("ivf", sample=5) != outcome("ivf")
    assert outcome("ivf", lists=7) != outcome("ivf")
    assert outcome("ivf", threads=2) != outcome("ivf")
    kinds = [
        build(vectors, range(2000), options=replace(SMALL, exact_below=below), recall_target=0.3).kind
        for below in (1000, 5000)
    ]
    assert kinds == ["ivf", "exact"]
    assert outcome("hnsw", links=4) != outcome("hnsw")
    assert outcome("hnsw", build_effort=4) != outcome("hnsw")
    assert outcome("pq", refine=2) != outcome("pq", refine=8)
    assert outcome("sq8", refine=2) != outcome("sq8", refine=0)
    assert outcome("pca", reduced=4, refine=2) != outcome("pca", reduced=8, refine=2)
    tuned = build(vectors, range(2000), kind="ivf", options=SMALL)
    assert tuned.facts.effort != 8


def test_threads_do_not_change_the_answers():
    vectors, queries = planted_vectors(2000), planted_vectors(64, seed=1)
    one, two = (
        build(vectors, range(2000), kind="ivf", options=replace(SMALL, threads=threads)) for threads in (1, 2)
    )
    assert same_answers(one.search(queries, 10), two.search(queries, 10))


def test_facts_say_what_was_built():
    vectors = planted_vectors(600)
    index = build(vectors, Keys(range(600)), kind="ivf", options=replace(SMALL, lists=10), fingerprint="m1")
    facts = index.facts
    assert (facts.kind, facts.dim, facts.count, facts.metric) == ("ivf", 16, 600, "inner_product")
    assert (facts.lists, facts.recall_at, facts.recall_target, facts.model) == (10, 20, 0.95, "m1")
    assert 1 <= facts.effort <= 10
    assert facts.vectors != build(vectors[::-1], range(600)).facts.vectors
    assert len(index) == 600
    assert repr(index) == (
        f"VectorIndex(ivf, 600 x 16, recall@20 {facts.recall:.3f}, {facts.effort} of 10 lists)"
    )
    pca = build(vectors, range(600), kind="pca", options=replace(SMALL, refine=2)).without([5])
    recall = pca.facts.recall
    assert repr(pca) == f"VectorIndex(pca, 599 x 16, recall@20 {recall:.3f}, width 8, refine 2, 1 edits)"
    hnsw = build(vectors, range(600), kind="hnsw", options=replace(SMALL, effort=50))
    assert repr(hnsw) == f"VectorIndex(hnsw, 600 x 16, recall@20 {hnsw.recall:.3f}, effort 50)"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kind": "ivfs"}, "did you mean 'ivf'"),
        ({"recall_target": 0.0}, r"a share in \(0, 1\]"),
        ({"recall_target": 1.5}, r"a share in \(0, 1\]"),
        ({"ids": [1, 2]}, "2 ids"),
        ({"vectors": np.zeros(3)}, r"shape \(3,\)"),
        ({"vectors": np.zeros((3, 0))}, "D >= 1"),
        ({"vectors": np.array([[0.0], [np.nan], [np.inf]])}, "NaN or infinity in 2 rows, the first 1"),
        ({"queries": np.zeros((4, 9))}, r"\[N, 4\]"),
    ],
)
def test_a_wrong_build_is_refused(arguments, message):
    good = {"vectors": planted_vectors(3, 4), "ids": [1, 2, 3]}
    with pytest.raises(ArgumentError, match=message):
        build(**good | arguments)


def test_an_id_twice_is_refused():
    with pytest.raises(DataError, match="twice"):
        build(planted_vectors(2, 4), [5, 5])


@pytest.mark.parametrize(
    "name", ["recall_at", "sample", "exact_below", "lists", "effort", "reduced", "threads"]
)
def test_options_are_positive(name):
    with pytest.raises(ArgumentError, match=rf"IndexOptions\.{name}"):
        IndexOptions(**{name: 0})
    with pytest.raises(ArgumentError, match=r"IndexOptions\.refine.*>= 0"):
        IndexOptions(refine=-1)


@pytest.mark.parametrize("kind", ["fp16", "sq8", "ivf_sq8"])
def test_codes_alone_are_kept_only_if_they_reach_the_target(kind):
    vectors = planted_vectors(2000)
    codes, both = (
        build(vectors, range(2000), kind=kind, options=SMALL, recall_target=target) for target in (0.8, 1.0)
    )
    assert (codes.facts.refine, codes.sizes()[1]) == (0, 0)
    assert both.facts.refine > 0 or kind == "fp16"
    assert both.recall == 1.0
    assert codes.sizes()[0] < 4 * 16 * 2000


def test_bytes_are_those_of_the_codes_and_of_the_vectors_beside_them():
    index = build(planted_vectors(2000), range(2000), kind="pq", options=SMALL)
    searched, kept = index.sizes()
    assert 2000 * 16 / 4 <= searched <= 2000 * 16 / 4 + 16 * 16 * 4 + 3_000
    assert 2000 * 16 * 4 <= kept <= 2000 * 16 * 4 + 200
    assert index.with_items([9999], planted_vectors(1)).sizes()[1] == kept + 16 * 4


@pytest.mark.parametrize(
    ("queries", "k", "allowed", "message"),
    [
        (np.zeros((1, 4)), 0, None, "k=10"),
        (np.zeros((1, 4)), 2.5, None, "k=10"),
        (np.zeros(4), 1, None, r"one query is \[1, D\]"),
        (np.zeros((1, 5)), 1, None, r"\[Q, 4\]"),
        (np.zeros((1, 4)), 1, np.ones(2, dtype=bool), r"shape \(3,\)"),
        (np.zeros((1, 4)), 1, np.ones(3), "float64"),
    ],
)
def test_a_wrong_search_is_refused(queries, k, allowed, message):
    index = build(planted_vectors(3, 4), [1, 2, 3])
    with pytest.raises(ArgumentError, match=message):
        index.search(queries, k, allowed=allowed)


def test_facts_survive_json():
    facts = Facts("hnsw", 3, 4, effort=7)
    assert Facts.from_json(facts.to_json()) == facts
