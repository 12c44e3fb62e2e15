"""Drift that was planted is found and named; where there is none, nothing is flagged."""

import json
import logging
from dataclasses import replace
from math import isnan
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.unit.monitor.conftest import Shop

import shortlist as sl
from shortlist.bundle import Reader
from shortlist.data import Requests
from shortlist.errors import ArgumentError, BundleError
from shortlist.monitor import (
    Bins,
    Drift,
    DriftOptions,
    Embedding,
    Feature,
    Fingerprint,
    FingerprintOptions,
    Observed,
    Observer,
    Seen,
    Tally,
    drifts,
    fingerprint,
    known_fingerprint,
    read_fingerprint,
)

NUMBERS = ("age", "visits", "basket")


def drawn(rows: int, seed: int, moved: str = "") -> Observed:
    rng = np.random.default_rng(seed)
    features: dict[str, Seen] = {}
    for name in NUMBERS:
        values = rng.normal(0.7 if name == moved else 0.0, 1.0, rows)
        features[name] = Seen("query", values)
    shares = [0.2, 0.3, 0.5] if moved == "city" else [0.5, 0.3, 0.2]
    features["city"] = Seen("query", rng.choice(["x", "y", "z"], rows, p=shares).astype(object))
    nulls = rng.random(rows) < (0.3 if moved == "income" else 0.05)
    features["income"] = Seen("query", np.where(nulls, np.nan, rng.normal(size=rows)))
    cloud = rng.normal(size=(rows, 6)) + (0.6 if moved == "tower query" else 0.0)
    return Observed(rows, features, {"tower query": cloud.astype(np.float32)})


def taken(seen: Observed) -> Fingerprint:
    features = {
        name: Feature(
            one.side,
            Bins.of_numbers(one.values) if one.is_number else Bins.of_categories(one.values.tolist()),
        )
        for name, one in seen.features.items()
    }
    clouds = {
        name: Embedding.of(vectors, directions=8, seed=0, most=50) for name, vectors in seen.vectors.items()
    }
    return Fingerprint(seen.requests, 0, 1, 10, features, clouds)


def found(rows: int, seed: int, moved: str = "") -> dict[str, Drift]:
    tally = Tally(taken(drawn(2000, 99))).add(drawn(rows, seed, moved))
    return {one.name: one for one in drifts(tally)}


@pytest.mark.parametrize("rows", [300, 1000])
def test_without_drift_psi_is_what_chance_gives_and_nothing_is_flagged(rows: int) -> None:
    many = [found(rows, seed) for seed in range(40)]
    for name in ("age", "city"):
        mean = np.mean([one[name].psi for one in many])
        assert mean == pytest.approx(many[0][name].chance, rel=0.4)
    flagged = [one.name for rows_of in many for one in rows_of.values() if one.verdict != "steady"]
    assert len(flagged) <= 2


@pytest.mark.parametrize("moved", ["age", "city", "income", "tower query"])
def test_a_planted_shift_is_flagged_and_named_alone(moved: str) -> None:
    rows = found(1000, 1, moved)
    assert {name for name, one in rows.items() if one.verdict in ("moved", "drifted")} == {moved}
    assert next(iter(rows)) == moved
    assert rows[moved].psi > 3 * rows[moved].limit
    if moved == "city":
        assert rows[moved].most.startswith(("x: ", "z: "))
    if moved == "income":
        assert rows[moved].null == pytest.approx(0.3, abs=0.05)
        assert rows[moved].null_before == pytest.approx(0.05, abs=0.02)
        assert rows[moved].most.startswith("null: ")
    if moved == "tower query":
        assert rows[moved].shift == pytest.approx(0.6, abs=0.1)
    if moved == "age":
        assert rows[moved].ks == pytest.approx(0.27, abs=0.06)


def test_few_requests_leave_it_open() -> None:
    rows = found(20, 3)
    assert {one.verdict for one in rows.values()} == {"unclear"}
    assert all(isnan(one.shift) == (one.kind != "vectors") for one in rows.values())


def test_tallies_of_batches_add_up_to_that_of_all() -> None:
    known = taken(drawn(500, 0))
    one, two = drawn(200, 1), drawn(300, 2)
    both = Tally(known).add(one).plus(Tally(known).add(two))
    whole = Tally(known).add(one).add(two)
    assert both.requests == 500
    told = [[(one.name, one.psi, one.verdict) for one in drifts(tally)] for tally in (both, whole)]
    assert told[0] == told[1]
    assert drifts(both)[0].requests == 500
    assert both.moments["tower query"].mean == pytest.approx(whole.moments["tower query"].mean)


def test_a_feature_of_another_type_or_unknown_to_the_fingerprint_does_no_harm() -> None:
    seen = drawn(100, 1)
    odd = np.array(["text", None, 3.0] * 10, dtype=object)
    features = {"age": Seen("query", odd), "new": Seen("query", np.zeros(3))}
    tally = Tally(taken(seen)).add(Observed(30, features, {"tower query": np.zeros((3, 99), np.float32)}))
    (only,) = drifts(tally)
    assert only.name == "age"
    assert only.null == pytest.approx(20 / 30)


def test_thresholds_decide_the_verdict() -> None:
    tally = Tally(taken(drawn(2000, 99))).add(drawn(1000, 1, "age"))
    strict = drifts(tally, DriftOptions(moved=0.01, drifted=0.02))
    lax = drifts(tally, DriftOptions(moved=5.0, drifted=9.0))
    assert {one.name for one in strict if one.verdict == "drifted"} == {"age"}
    assert {one.verdict for one in lax} == {"steady"}
    sure = drifts(tally, DriftOptions(sure=0.5))
    assert all(a.limit < b.limit for a, b in zip(sure, drifts(tally), strict=True))


@pytest.mark.parametrize("bad", [{"moved": 0.0}, {"moved": 0.5, "drifted": 0.2}, {"sure": 1.0}])
def test_bad_thresholds_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(ArgumentError, match="DriftOptions: expected 0 < moved <= drifted"):
        DriftOptions(**bad)


def test_the_fingerprint_of_a_bundle_is_that_of_its_pipeline(shop: Shop) -> None:
    held = read_fingerprint(Reader(shop.folder).open())
    assert isinstance(held, Fingerprint)
    assert held.requests == 1500
    assert set(held.features) >= {"best score", "user_id", "item_id", "item_id_history (length)"}
    assert {name: one.side for name, one in held.features.items() if name in ("user_id", "item_id")} == {
        "user_id": "query",
        "item_id": "item",
    }
    assert set(held.embeddings) == {"retrieve query", "retrieve item"}
    assert 0 < held.coverage <= 1
    again = fingerprint(shop.pipe, options=FingerprintOptions(requests=1500, newest=1.0))
    for name, one in again.features.items():
        if name != "best score":
            assert one.bins.counts.tolist() == held.features[name].bins.counts.tolist(), name
    assert Fingerprint.of_plain(held.to_plain()).to_plain() == held.to_plain()


def watched(shop: Shop, users: list[object], seed: int = 0) -> dict[str, Drift]:
    """Drift of requests of these users, as of moments of the whole log."""
    held = read_fingerprint(Reader(shop.folder).open())
    assert isinstance(held, Fingerprint)
    state = sl.State(store=shop.pipe.state.store)
    times = state.store.events().times
    moments = np.random.default_rng(seed).choice(times, len(users))
    requests = Requests(users, 10, moments)
    seen = Observer(shop.pipe.stages).observe(requests, shop.pipe.run(requests), state.for_run())
    return {one.name: one for one in drifts(Tally(held).add(seen))}


def test_users_as_they_were_have_not_drifted(shop: Shop) -> None:
    store = shop.pipe.state.store
    rows = np.random.default_rng(1).choice(len(store.events()), 800)
    users = store.users.take(store.events().users[rows]).tolist()
    times = store.events().times[rows]
    state = sl.State(store=store)
    requests = Requests(users, 10, times)
    held = read_fingerprint(Reader(shop.folder).open())
    assert isinstance(held, Fingerprint)
    seen = Observer(shop.pipe.stages).observe(requests, shop.pipe.run(requests), state.for_run())
    verdicts = {one.name: one.verdict for one in drifts(Tally(held).add(seen))}
    assert set(verdicts.values()) == {"steady"}, verdicts


def test_strangers_are_unknown_and_have_no_history(shop: Shop) -> None:
    rows = watched(shop, [f"stranger {number}" for number in range(300)])
    assert rows["user_id"].unknown == 1.0
    assert rows["user_id"].unknown_before == 0.0
    assert rows["item_id_history (length)"].verdict == "drifted"
    assert rows["retrieve query"].verdict == "drifted"


def test_context_that_the_log_lacks_is_left_out_and_with_a_log_is_there() -> None:
    options = FingerprintOptions(requests=50, k=3)
    log = sl.datasets.planted(users=30, items=20, events=300, groups=2)
    pipe = sl.Pipeline([sl.Popular(k=5)], state=sl.State(log.events, items=log.items), fallback=None)
    plain = fingerprint(pipe, options=options)
    given = fingerprint(pipe, log.events, options)
    assert set(plain.features) == set(given.features) == {"best score"}
    assert (plain.requests, given.requests, plain.k) == (50, 50, 3)
    assert plain.embeddings == {}


def test_options_change_the_fingerprint(shop: Shop) -> None:
    base = FingerprintOptions(requests=200)
    plain = fingerprint(shop.pipe, options=base)
    for change in (
        {"requests": 100},
        {"newest": 1.0},
        {"k": 3},
        {"bins": 4},
        {"categories": 2},
        {"directions": 2},
        {"seed": 1},
    ):
        other = fingerprint(shop.pipe, options=replace(base, **change))  # type: ignore[arg-type]
        assert other.to_plain() != plain.to_plain(), change
    assert fingerprint(shop.pipe, options=base).to_plain() == plain.to_plain()


@pytest.mark.parametrize("name", ["requests", "k", "bins", "categories", "directions"])
def test_options_out_of_range_are_refused(name: str) -> None:
    with pytest.raises(ArgumentError, match=rf"FingerprintOptions\.{name}: expected an integer >= "):
        FingerprintOptions(**{name: 0})


def test_a_share_of_the_log_out_of_range_is_refused() -> None:
    with pytest.raises(ArgumentError, match=r"FingerprintOptions\.newest: expected a share above 0"):
        FingerprintOptions(newest=0.0)


def test_a_log_without_events_has_no_fingerprint_and_is_saved_all_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log = sl.datasets.planted(users=30, items=20, events=300, groups=2)
    empty = log.events.filter(pl.lit(value=False))
    pipe = sl.Pipeline([sl.Popular(k=5)], state=sl.State(empty, items=log.items), fallback=None)
    with pytest.raises(ArgumentError, match="fingerprint: expected at least one event; received a log"):
        fingerprint(pipe)
    with caplog.at_level(logging.WARNING):
        sl.save(pipe, tmp_path / "bundle")
    assert "gets no fingerprint" in caplog.text
    why = read_fingerprint(Reader(tmp_path / "bundle").open())
    assert isinstance(why, str)
    assert "a log without events" in why


def test_a_fingerprint_of_a_newer_format_or_damaged_is_refused_but_served() -> None:
    with pytest.raises(BundleError, match=r"expected format 1 or older; received format 2"):
        Fingerprint.of_plain({"format": 2})
    for odd in ({"format": 1}, [], {"format": 1, "features": 3}, None):
        with pytest.raises(BundleError, match="expected a fingerprint as shortlist writes it"):
            Fingerprint.of_plain(odd)


def test_an_older_bundle_says_that_it_has_none(shop: Shop) -> None:
    reader = Reader(shop.folder).open()
    del reader.manifest["files"]["fingerprint.json"]
    assert read_fingerprint(reader) == "the bundle was saved without one"
    assert known_fingerprint(reader) == "the bundle was saved without one"


def test_it_is_small(shop: Shop) -> None:
    assert len(json.dumps(json.loads((shop.folder / "fingerprint.json").read_text()))) < 60_000
