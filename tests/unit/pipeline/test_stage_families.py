"""Every stage by the conformance suite."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from shortlist import index
from shortlist.data import Candidates, Ragged, Requests, stack
from shortlist.pipeline import (
    Boost,
    Cache,
    Calibrate,
    Cap,
    Diversify,
    Drop,
    Explore,
    Fallback,
    Limit,
    Listed,
    Lookup,
    Merge,
    Pin,
    Pipeline,
    Popular,
    Repeats,
    Sample,
    Stage,
    State,
    Take,
    Thompson,
    is_source,
)
from shortlist.scorers import Isotonic, Platt, Sliced
from shortlist.testing._stages import check_recommender, check_saved_stage, check_stage, lists_of

ASKED = Requests(
    ["ann", "bob", "nobody", None, "eve", "ann"],
    times=np.array([250, 601, 601, 601, 100, 601]),
    context={"country": ["DE", "FR", None, "DE", "DE", "FR"]},
    ids=["r1", "r2", "r3", "r4", "r5", "r1"],
)
VECTORS = index.build(np.random.default_rng(0).normal(size=(5, 6)).astype(np.float32), [10, 20, 30, 40, 50])
STAGES = [
    Boost(where="price > 2.5", add=0.5),
    Boost(items=(10, "30"), multiply=3.0, when="country == 'DE'"),
    Boost(where="stock > 0", items=(50,), multiply=0.5, add=-1.0, when="age > 20", name="push"),
    Pin(2, where="price > 3"),
    Pin(1, items=(50, 40), most=2, when="country == 'DE'"),
    Calibrate(Platt(0.5, -1.0, odds=False)),
    Calibrate(Isotonic((-0.5, 0.5), (0.1, 0.7), odds=False), name="steps"),
    Calibrate(Sliced("stock", {"4": Platt(1.0, 3.0, odds=False)}, Platt(1.0, 0.0, odds=False))),
    Cap("price"),
    Cap("stock", most=1, within=2),
    Diversify(by="stock", strength=0.9, places=3),
    Diversify(index=VECTORS, strength=0.7, method="dpp", pool=4),
    Diversify(index=VECTORS, strength=0.4),
    Sample(temperature=0.3, seed=3),
    Sample(start=2),
    Explore(epsilon=0.8, places=2),
    Explore(epsilon=0.5, where="stock > 0", start=1),
    Explore(epsilon=0.5, source="x"),
    Thompson("clicked", mean=None),
    Thompson("clicked", belief="gaussian", spread=2.0, window="1s", prior=0.5),
    Lookup(items=("price", "name"), users=("age",), context=("country", "device")),
    Listed((50, 10, 999), k=2),
    Fallback(Repeats(k=2), Listed((50,)), Popular(), at_least=2),
    Fallback(Merge(Repeats(k=1), Listed((50,))), Popular(), name="either"),
    Limit(Cap("price"), timeout_ms=50),
    Limit(Popular(k=2), timeout_ms=50),
    Cache(Repeats(k=2), size=3, seconds=5),
    Drop(seen=True, when="country == 'DE'"),
    Drop(where="price > 2", unless="stock > 0", when="age < 40"),
    Take(2),
]


def found() -> Candidates:
    items = Ragged.of([[0, 4, 2], [2, 1, 0, 3], [], [3], [4, 1, 2, 3, 0], [0, 1]], dtype=np.int64)
    scores = np.concatenate([np.linspace(0.9, -0.9, n) for n in (3, 4, 0, 1, 5, 2)]).astype(np.float32)
    return Candidates(items.values, items.offsets, scores, np.zeros(len(scores), np.int16), ("x",))


@pytest.mark.parametrize("stage", STAGES, ids=repr)
def test_every_stage_keeps_the_form(stage: Stage, clicks: State) -> None:
    check_stage(stage, ASKED, found(), clicks)


@pytest.mark.parametrize("stage", STAGES, ids=repr)
def test_every_stage_is_saved_as_plain_data(stage: Stage, clicks: State) -> None:
    check_saved_stage(stage, ASKED, found(), clicks)


@pytest.mark.parametrize("stage", STAGES, ids=repr)
def test_every_stage_is_part_of_a_pipeline(stage: Stage, clicks: State) -> None:
    source = Listed((10, 20, 30, 40, 50), name="x")
    stages = [stage] if is_source(stage) else [source, stage]
    pipe = Pipeline([*stages, Take(3)], state=clicks)
    pipe.check()
    check_recommender(pipe, ASKED)
    live = pipe.with_state(clicks.live(clock=lambda: 601)).cached()
    for _ in range(2):
        assert lists_of(live.run(ASKED)) == lists_of(pipe.run(ASKED))
    assert lists_of(pipe[: len(stages)].run(ASKED).first(3)) == lists_of(pipe.run(ASKED))


DRAWING = [stage for stage in STAGES if hasattr(stage, "seed")]


@pytest.mark.parametrize("stage", DRAWING, ids=repr)
def test_draws_follow_from_seed_request_and_user(stage: Any, clicks: State) -> None:
    requests = Requests(["ann"] * 40, ids=[f"r{n}" for n in range(40)])
    one = found()
    many = stack([one.keep(one.query_of == 4).first(5)] * 40)
    many = Candidates(many.items, np.arange(41) * 5, many.scores, many.source, many.sources)
    drawn = lists_of(stage.run(requests, many, clicks))
    assert len({tuple(row) for row in map(tuple, drawn)}) > 3
    assert lists_of(replace(stage, seed=9).run(requests, many, clicks)) != drawn
    alike = stage.run(replace(requests, ids=["r0"] * 40), many, clicks)
    assert lists_of(alike) == [drawn[0]] * 40
