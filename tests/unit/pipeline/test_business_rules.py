"""Boosts, pins, caps, lists and look-ups on the small shop."""

from typing import Any

import numpy as np
import pytest

from shortlist.data import Candidates, Ragged, Requests
from shortlist.errors import ArgumentError, PipelineError
from shortlist.pipeline import Boost, Cap, Drop, Listed, Lookup, Pin, Pipeline, Popular, State, Take
from shortlist.testing._stages import lists_of


def found(rows: list[list[int]], scores: list[float] | None = None) -> Candidates:
    items = Ragged.of(rows, dtype=np.int64)
    values = np.linspace(1, 0.1, len(items.values)) if scores is None else np.array(scores)
    source = np.zeros(len(values), np.int16)
    return Candidates(items.values, items.offsets, values.astype(np.float32), source, ("x",))


def items(candidates: Candidates) -> list[list[int]]:
    return [[item for item, _ in row] for row in lists_of(candidates)]


ONE = Requests(["ann"])


def test_a_boost_raises_negative_scores_too(state: State) -> None:
    candidates = found([[0, 1, 2, 3]], [2.0, 1.0, -1.0, -3.0])
    got = Boost(where="price > 1.5", multiply=4).run(ONE, candidates, state)
    assert lists_of(got) == [[(1, 4.0), (0, 2.0), (2, -0.25), (3, -0.75)]]
    got = Boost(items=(30, "40"), add=3.5).run(ONE, candidates, state)
    assert lists_of(got) == [[(2, 2.5), (0, 2.0), (1, 1.0), (3, 0.5)]]
    assert Boost(items=(30,), add=1).told(candidates, got) == ("changed 2 of 4 scores",)


def test_a_boost_by_both_is_for_items_that_meet_both(state: State) -> None:
    got = Boost(where="stock > 0", items=(10, 20), add=5).run(ONE, found([[4, 1, 0]], [3, 2, 1]), state)
    assert lists_of(got) == [[(0, 6.0), (4, 3.0), (1, 2.0)]]


def test_rules_for_some_requests(state: State) -> None:
    requests = Requests(["ann", "bob", "eve", None], context={"country": ["DE", "DE", None, "FR"]})
    candidates = found([[0, 4]] * 4, [2, 1] * 4)
    german = Boost(items=(50,), add=5, when="country == 'DE'")
    assert items(german.run(requests, candidates, state)) == [[4, 0], [4, 0], [0, 4], [0, 4]]
    old = Pin(1, items=(50,), when="age > 40")
    assert items(old.run(requests, candidates, state)) == [[0, 4], [0, 4], [4, 0], [0, 4]]
    unknown = Boost(items=(50,), add=5, when="planet == 'Mars'")
    assert items(unknown.run(requests, candidates, state)) == [[0, 4]] * 4
    young = Drop(where="price > 4", when="age < 40").run(requests, candidates, state)
    assert items(young) == [[0], [0, 4], [0, 4], [0, 4]]
    seen = Drop(seen=True, when="country == 'DE'").run(requests, found([[0], [0], [3], [0]]), state)
    assert items(seen) == [[], [], [3], [0]]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Boost(add=1), r"Boost: expected where= or items=; received no items"),
        (lambda: Boost(items=(1,)), "a factor above 0 other than 1, or something to add"),
        (lambda: Boost(items=(1,), multiply=-2), "a factor above 0"),
        (lambda: Boost(items=(1,), add=float("inf")), "a factor above 0"),
        (lambda: Boost(where="price", add=1), "a column, one of"),
        (lambda: Boost(items=(1,), add=1, when="country"), "a column, one of"),
        (lambda: Pin(1), r"Pin: expected where= or items="),
        (lambda: Pin(0, items=(1,)), r"Pin\.place"),
        (lambda: Pin(1, items=(1,), most=0), r"Pin\.most"),
        (lambda: Cap("price", most=0), r"Cap\.most"),
        (lambda: Cap("price", within=0), r"Cap\.within"),
        (lambda: Listed(()), r"Listed\.items"),
        (lambda: Listed((1, "1")), r"Listed\.items"),
        (lambda: Listed((1,), k=0), r"Listed\.k"),
        (Lookup, "one or more, each once"),
        (lambda: Lookup(items=("a",), users=("a",)), "one or more, each once"),
        (lambda: Drop(seen=True, when="age"), "a column, one of"),
    ],
)
def test_options_are_checked(make: Any, words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        make()


def test_pins_stand_where_they_should_and_the_rest_moves_aside(state: State) -> None:
    candidates = found([[0, 1, 2, 3], [3, 0], [1], []])
    requests = Requests(["ann"] * 4)
    assert items(Pin(2, items=(40,)).run(requests, candidates, state)) == [[0, 3, 1, 2], [0, 3], [1], []]
    both = Pin(2, where="price > 2", most=2)
    assert items(both.run(requests, candidates, state)) == [[0, 2, 3, 1], [0, 3], [1], []]
    far = Pin(9, items=(10,)).run(requests, candidates, state)
    assert items(far) == [[1, 2, 3, 0], [3, 0], [1], []]
    assert sorted(far.scores.tolist()) == sorted(candidates.scores.tolist())
    assert Pin(9, items=(10,)).told(candidates, far) == ("moved items of 1 lists",)
    assert Pin(1, items=(10,)).told(far, far) == ()


def test_a_cap_takes_out_what_is_over(state: State) -> None:
    brands = np.array(["a", "a", None, "b", None, "a"], dtype=object)
    candidates = found([[0, 1, 2, 3, 4], [1]]).with_columns({"brand": brands})
    requests = Requests(["ann", "bob"])
    got = Cap("brand").run(requests, candidates, state)
    assert items(got) == [[0, 2, 3, 4], [1]]
    assert [(gone.reason, gone.items.tolist()) for gone in got.dropped] == [("over 1 of one brand", [1])]
    assert Cap("brand", most=2).run(requests, candidates, state) is candidates


def test_a_cap_within_places_only_moves(state: State) -> None:
    brands = np.array(["a", "a", "a", "b", "c"], dtype=object)
    candidates = found([[0, 1, 2, 3, 4]]).with_columns({"brand": brands})
    assert items(Cap("brand", within=2).run(ONE, candidates, state)) == [[0, 3, 1, 2, 4]]
    assert items(Cap("brand", within=9).run(ONE, candidates, state)) == [[0, 3, 4, 1, 2]]
    assert items(Cap("brand", most=2, within=3).run(ONE, candidates, state)) == [[0, 1, 3, 2, 4]]


def test_a_list_is_the_same_for_everybody(state: State) -> None:
    got = Listed((50, 999, 10)).run(Requests(["ann", None]), Candidates.empty(2), state)
    assert lists_of(got) == [[(4, 2.0), (0, 1.0)]] * 2
    assert items(Listed((50, 10)).limited(1).run(ONE, Candidates.empty(1), state)) == [[4]]
    assert items(Listed((999,)).run(ONE, Candidates.empty(1), state)) == [[]]


def test_columns_are_looked_up(state: State) -> None:
    stage = Lookup(items=("name",), users=("age",), context=("device", "hour"))
    requests = Requests(["ann", "nobody"], context={"device": ["web", "app"], "hour": np.array([7, 8])})
    got = stage.run(requests, found([[1, 0], [4]]), state)
    assert got.columns["name"].tolist() == ["twenty", "ten", "fifty"]
    np.testing.assert_array_equal(got.columns["age"], [30, 30, np.nan])
    assert got.columns["device"].tolist() == ["web", "web", "app"]
    assert got.columns["hour"].tolist() == [7, 7, 8]
    nothing = Lookup(context=("device",)).run(ONE, found([[1]]), state)
    assert nothing.columns["device"].tolist() == [None]
    for wrong in (Lookup(items=("nam",)), Lookup(users=("agee",))):
        with pytest.raises(PipelineError, match=r"no column .*did you mean"):
            wrong.run(ONE, found([[1]]), state)


def test_a_pipeline_of_rules(state: State) -> None:
    stages = [
        Popular(),
        Lookup(users=("age",)),
        Boost(where="age > 40", add=9.0),
        Boost(items=(20,), add=5.0),
        Pin(1, items=(40,)),
        Take(3),
    ]
    pipe = Pipeline(stages, state=state)
    pipe.check()
    found_items, trace = pipe.run(Requests(["ann", "eve"]), trace=True)
    assert items(found_items) == [[3, 1, 0], [3, 1, 0]]
    assert "changed 4 of 8 scores" in trace.stages[2].notes
    assert "moved items of 2 lists" in trace.stages[4].notes
    with pytest.raises(PipelineError, match="no column 'colour' before it"):
        Pipeline([Popular(), Cap("colour")], state=state).check()
