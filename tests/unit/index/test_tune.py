"""The tuner reaches the target on queries that it did not tune on, and picks the cheapest kind."""

from dataclasses import replace

import numpy as np
import pytest

from shortlist.errors import ArgumentError
from shortlist.index import KINDS, IndexTuneOptions, build, tune_index
from shortlist.testing._index import clustered_vectors, planted_vectors, recall_against

VECTORS, QUERIES = clustered_vectors(3000), clustered_vectors(60, seed=0)
QUICK = IndexTuneOptions(rounds=12)


@pytest.fixture(scope="module")
def tuning():
    return tune_index(VECTORS, QUERIES, recall=0.9, k=50, options=QUICK)


def test_every_kind_reaches_the_target_on_held_out_queries(tuning):
    assert [trial.kind for trial in tuning.trials if trial.kind != "pca"] == [k for k in KINDS if k != "pca"]
    assert [trial.name for trial in tuning.trials if trial.kind == "pca"] == ["pca 4", "pca 8"]
    assert all(trial.recall >= 0.9 for trial in tuning.trials)
    assert tuning.held_out == 30
    assert all(trial.ms > 0 and trial.p99_ms >= trial.ms and trial.seconds > 0 for trial in tuning.trials)


def test_the_chosen_index_is_the_fastest_and_answers_as_measured(tuning):
    assert tuning.chosen.ms == min(trial.ms for trial in tuning.trials)
    index = tuning.index
    assert index.facts == tuning.chosen.facts
    held = np.ascontiguousarray(QUERIES[1::2])
    found = index.search(held, 50)
    assert recall_against(found, held @ VECTORS.T, 50) == pytest.approx(tuning.chosen.recall, abs=0.01)
    assert index.keys.values.tolist() == [*range(3000)]


def test_it_is_printed_plotted_and_written(tuning, tmp_path):
    text = str(tuning)
    assert "3,000 items of width 16; recall@50 of 30 held-out queries" in text
    assert [line.split()[0] for line in text.splitlines()[2:]] == [t.name.split()[0] for t in tuning.trials]
    assert text.count(" *") == 1
    plot = tuning.plot(width=500, height=300)
    assert plot.startswith("<svg")
    assert 'width="500" height="300"' in plot
    assert all(trial.name in plot for trial in tuning.trials)
    assert plot.count("<title>") == sum(1 + len(trial.curve) for trial in tuning.trials)
    page = tuning.to_html(tmp_path / "page.html").read_text()
    assert f"{tuning.chosen.ms:.3f} ms" in page
    assert plot.partition(">")[2][:40] != ""
    assert "<svg" in page


def test_the_curve_trades_recall_for_time(tuning):
    by_name = {trial.name: trial for trial in tuning.trials}
    for name in ("ivf", "hnsw", "pq"):
        recalls = [point.recall for point in by_name[name].curve]
        assert recalls == sorted(recalls)
        assert recalls[0] < recalls[-1]
    assert by_name["exact"].curve == ()


@pytest.mark.parametrize("by", ["bytes", "seconds"])
def test_what_is_cheapest_is_said(by):
    options = replace(QUICK, kinds=("exact", "sq8", "ivf"), by=by)
    tuning = tune_index(VECTORS, QUERIES, recall=0.9, k=50, options=options)
    cost = {"bytes": lambda trial: trial.total_bytes, "seconds": lambda trial: trial.seconds}[by]
    assert tuning.chosen is min(tuning.trials, key=cost)


def test_bounds_are_kept():
    small = replace(QUICK, kinds=("exact", "sq8"), max_bytes=100_000)
    assert tune_index(VECTORS, QUERIES, k=50, options=small).chosen.kind == "sq8"
    with pytest.raises(ArgumentError, match=r"within the bounds.*received recalls exact 1\.000"):
        tune_index(VECTORS, QUERIES, k=50, options=replace(small, kinds=("exact",)))
    short = replace(QUICK, kinds=("exact", "hnsw"), max_build_seconds=0.03)
    tuning = tune_index(VECTORS, QUERIES, k=50, options=short)
    assert [trial.kind for trial in tuning.trials] == ["exact"]
    assert "hnsw left out: about" in str(tuning)


def test_seed_and_rounds_have_an_effect():
    def outcome(**changes):
        options = IndexTuneOptions(**({"kinds": ("ivf",), "rounds": 3} | changes))
        return tune_index(VECTORS, QUERIES, k=50, options=options)

    one, other = outcome().index, outcome(seed=1).index
    assert (
        one.search(QUERIES, 50)[1].tolist() != other.search(QUERIES, 50)[1].tolist()
        or one.facts != other.facts
    )
    assert outcome().index.facts == one.facts


def test_an_index_lends_its_vectors_ids_and_model():
    index = build(planted_vectors(300), [f"i{n}" for n in range(300)], fingerprint="m").without(["i7"])
    options = IndexTuneOptions(kinds=("fp16",), rounds=3)
    found = tune_index(index, planted_vectors(10, seed=1), k=1000, options=options)
    assert found.k == 299
    assert found.index.facts.model == "m"
    assert found.index.keys.values.tolist() == index.keys.values.tolist()
    named = tune_index(VECTORS[:5], QUERIES, k=2, ids=list("abcde"), options=options)
    assert named.index.keys.values.tolist() == list("abcde")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"recall": 0.0}, r"a share in \(0, 1\]"),
        ({"queries": QUERIES[:1]}, "1 queries"),
        ({"queries": QUERIES[:, :3]}, r"\[N, 16\]"),
        ({"items": VECTORS[:0]}, "0 items"),
        ({"k": 0}, "k = 0"),
        ({"ids": [1, 2]}, "2 ids"),
    ],
)
def test_a_wrong_tuning_is_refused(arguments, message):
    with pytest.raises(ArgumentError, match=message):
        tune_index(**{"items": VECTORS, "queries": QUERIES} | arguments)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kinds": ("ivfs",)}, "did you mean 'ivf'"),
        ({"kinds": ()}, "at least one"),
        ({"by": "price"}, "'ms', 'bytes' or 'seconds'"),
        ({"rounds": 0}, "rounds"),
        ({"max_bytes": 0}, "max_bytes"),
        ({"max_build_seconds": -1.0}, "max_build_seconds"),
    ],
)
def test_wrong_options_are_refused(options, message):
    with pytest.raises(ArgumentError, match=message):
        IndexTuneOptions(**options)
