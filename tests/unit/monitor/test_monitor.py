"""Counts of stages, windows, the probe."""

import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.unit.monitor.conftest import Shop

import shortlist as sl
from shortlist.bundle import Reader
from shortlist.data import Candidates, Requests
from shortlist.errors import ArgumentError
from shortlist.index import IndexOptions, VectorIndex
from shortlist.monitor import DriftOptions, Monitor, MonitorOptions, Probe, read_fingerprint
from shortlist.monitor._shown import Shown, popular_items
from shortlist.monitor._stages import StageCounts
from shortlist.pipeline import Drop, Merge, Pipeline, Popular, Repeats, Take
from shortlist.testing._bundles import tiny_pipeline

EVERY = MonitorOptions(sample=1.0, cpu_share=1.0)


def values(monitor: Monitor | StageCounts) -> dict[tuple[str, ...], Any]:
    return {(row.name.removeprefix("shortlist_"), *row.labels.values()): row.value for row in monitor.rows()}


def measured(pipe: Pipeline, options: MonitorOptions | None = None) -> tuple[Monitor, Pipeline]:
    monitor = Monitor(pipe, "none was taken", options)
    return monitor, pipe.watched(monitor.stages)


def ask(monitor: Monitor, pipe: Pipeline, users: Sequence[Any], k: int = 10) -> Candidates:
    requests = Requests(users, k)
    found = pipe.run(requests)
    monitor.answered(requests, found)
    return found


def test_stages_users_sources_and_drops_are_counted() -> None:
    monitor, pipe = measured(tiny_pipeline())
    ask(monitor, pipe, ["u1", "u2", "stranger", None])
    ask(monitor, pipe, ["u1"], k=1)
    told = values(monitor)
    assert sum(told["stage_duration_seconds", "drop"].counts) == 2
    assert told["stage_requests_total", "repeats"] == 5
    assert told["stage_candidates_total", "repeats"] - told["stage_candidates_total", "drop"] == 3
    assert told["dropped_total", "drop", "not stock > 0"] == 3
    assert told["fallbacks_total", "popular", "empty"] == 2
    assert [told["users_total", kind] for kind in ("known", "unknown", "anonymous")] == [3, 1, 1]
    assert told["fallback_users_total",] == 2
    assert told["short_lists_total",] == 4
    assert told["catalogue_items",] == 4
    assert told["coverage_ratio",] == 2 / 4
    assert told["fingerprint_available", "none was taken"] == 0
    assert told["drift_requests",] == 0


def test_sources_within_others_are_stages_of_their_own() -> None:
    state = tiny_pipeline().state.live()
    monitor, pipe = measured(Pipeline([Merge(Repeats(k=2), Popular(k=3))], state=state))
    ask(monitor, pipe, ["u1"])
    told = values(monitor)
    for stage in ("merge", "merge/repeats", "merge/popular"):
        assert sum(told["stage_duration_seconds", stage].counts) == 1
    assert ("stage_candidates_total", "merge/popular") not in told
    assert told["stage_candidates_total", "merge"] > 0


def test_reasons_are_bounded_however_many_conditions_come() -> None:
    counts = StageCounts()
    pipe = tiny_pipeline().watched(counts)
    for number in range(80):
        pipe.narrowed([f"price < {0.5 + number / 1000}"]).run(Requests(["u1"]))
    told = values(counts)
    reasons = [key for key in told if key[0] == "dropped_total"]
    assert len(reasons) <= 52
    assert told["dropped_total", "filter", "other"] >= 20


def test_coverage_and_popularity_look_back_one_window() -> None:
    time = [0.0]
    pipe = Pipeline([Popular(k=1)], state=tiny_pipeline().state)
    monitor = Monitor(pipe, "none", MonitorOptions(window_s=60.0), clock=lambda: time[0])
    ask(monitor, pipe, ["u1"])
    assert values(monitor)["coverage_ratio",] == 1 / 4
    assert values(monitor)["popular_share_ratio",] == 1.0
    time[0] = 61.0
    assert ("coverage_ratio",) not in values(monitor)


def test_the_popular_hundredth_is_at_least_one_item_and_new_items_are_counted() -> None:
    state = tiny_pipeline().state
    popular = popular_items(state.store)
    assert state.items.take(np.flatnonzero(popular)).tolist() == ["i2"]
    shown = Shown(popular)
    shown.add(np.array([0, 1, 9]))
    shown.add(np.array([], np.int64))
    assert shown.seen.sum() == 3
    assert shown.popular_share == 1 / 3


def live(
    shop: Shop, options: MonitorOptions = EVERY, pipe: Pipeline | None = None
) -> tuple[Monitor, Pipeline]:
    held = read_fingerprint(Reader(shop.folder).open())
    until = shop.pipe.state.store.until
    chosen = pipe or shop.pipe
    monitor = Monitor(chosen, held, options)
    return monitor, chosen.with_state(chosen.state.live(lambda: until)).watched(monitor.stages)


def sampled(probe: Probe, monitor: Monitor, pipe: Pipeline, users: Sequence[Any]) -> None:
    probe.open()
    for user in users:
        requests = Requests([user], 10)
        found = pipe.run(requests)
        monitor.answered(requests, found)
        probe.offer(monitor, pipe, requests, found)
    probe.settle()


def test_sampled_requests_give_recall_and_drift(shop: Shop) -> None:
    monitor, pipe = live(shop)
    probe = Probe(EVERY)
    sampled(probe, monitor, pipe, list(range(1, 41)))
    probe.close()
    told = values(monitor)
    assert told["samples_total", "done"] == 40
    assert told["ann_recall_ratio", "retrieve"] == 1.0
    assert told["ann_recall_queries", "retrieve"] == 40
    assert told["drift_requests",] == 40
    assert told["drift_level", "user_id", "query"] == -1
    assert told["feature_unknown_ratio", "user_id", "now"] < 0.1
    assert told["drift_shift", "retrieve query"] < 1.0
    assert probe.cpu_seconds > 0


def test_recall_of_a_coarse_index_is_below_one_and_looks_back_only_so_far(shop: Shop) -> None:
    source = shop.pipe.stages[0]
    assert isinstance(source, sl.Retrieve)
    assert isinstance(source.index, VectorIndex)
    vectors = source.index.vectors(np.arange(len(source.index)))
    coarse = sl.index.build(vectors, source.index.keys, kind="ivf", options=IndexOptions(lists=8, effort=1))
    pipe = replace(shop.pipe, stages=(replace(source, index=coarse, k=20), *shop.pipe.stages[1:]))
    options = replace(EVERY, recall_queries=5)
    monitor, watched = live(shop, options, pipe)
    probe = Probe(options)
    sampled(probe, monitor, watched, list(range(1, 21)))
    probe.close()
    told = values(monitor)
    assert told["ann_recall_queries", "retrieve"] == 5
    assert told["ann_recall_ratio", "retrieve"] <= 1.0


def test_nothing_is_sampled_at_a_share_of_nought_and_some_between(shop: Shop) -> None:
    monitor, pipe = live(shop)
    for share, low, high in ((0.0, 0, 0), (0.2, 5, 50)):
        probe = Probe(MonitorOptions(sample=share, cpu_share=1.0), seed=1)
        probe.open()
        requests = Requests(list(range(1, 101)), 5)
        chosen = probe._chosen(100) if share else []
        assert low <= len(chosen) <= high
        assert chosen == sorted(set(chosen))
        probe.offer(monitor, pipe, requests, pipe.run(requests))
        probe.settle()
        probe.close()
    assert ("samples_total", "done") in values(monitor)


def test_more_than_it_can_look_at_is_skipped_and_counted(shop: Shop) -> None:
    monitor, pipe = live(shop)
    gate = threading.Event()
    probe = Probe(EVERY, on_start=lambda: gate.wait(10) and None)
    probe.open()
    requests = Requests(list(range(1, 101)), 5)
    probe.offer(monitor, pipe, requests, pipe.run(requests))
    assert values(monitor)["samples_total", "skipped"] == 100 - 64
    gate.set()
    probe.settle()
    probe.close()
    assert values(monitor)["samples_total", "done"] == 64


def test_a_failure_off_the_path_is_counted_and_logged(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monitor, pipe = live(shop)

    def fails(*_: Any) -> None:
        raise RuntimeError("the store is gone")

    monkeypatch.setattr(monitor.observer, "observe", fails)
    probe = Probe(EVERY)
    sampled(probe, monitor, pipe, [1, 2])
    probe.close()
    assert values(monitor)["samples_total", "failed"] == 2
    assert "could not be looked at again" in caplog.text


@pytest.mark.parametrize(
    ("name", "value"), [("sample", 1.5), ("cpu_share", 0.0), ("window_s", 0.0), ("recall_queries", 0)]
)
def test_options_out_of_range_are_refused(name: str, value: float) -> None:
    with pytest.raises(ArgumentError, match=rf"MonitorOptions\.{name}: expected "):
        MonitorOptions(**{name: value})  # type: ignore[arg-type]


def test_thresholds_reach_the_levels(shop: Shop) -> None:
    strict = replace(EVERY, drift=DriftOptions(moved=1e-6, drifted=2e-6, sure=0.01))
    monitor, pipe = live(shop, strict)
    probe = Probe(strict)
    sampled(probe, monitor, pipe, list(range(1, 31)))
    probe.close()
    assert {row.verdict for row in monitor.drifts()} >= {"drifted"}


def test_a_pipeline_without_towers_is_monitored_too() -> None:
    pipe = Pipeline(
        [Popular(k=3), Drop(seen=True), Take(2)], state=tiny_pipeline().state.live(), fallback=None
    )
    monitor, watched = measured(pipe)
    probe = Probe(EVERY)
    sampled(probe, monitor, watched, ["u1", None])
    probe.close()
    assert values(monitor)["samples_total", "done"] == 2
