"""Stages that draw: how often what comes out is what they say."""

from collections import Counter
from itertools import permutations
from typing import Any

import numpy as np
import pytest

from shortlist.data import Candidates, Requests
from shortlist.errors import ArgumentError, PipelineError, SchemaError
from shortlist.pipeline import Cap, Explore, Listed, Merge, Pipeline, Popular, Sample, State, Take, Thompson
from shortlist.testing._stages import lists_of

MANY = 4000


def asked(number: int = MANY) -> Requests:
    return Requests(["ann"] * number, k=5, ids=[f"r{place}" for place in range(number)])


def found(scores: list[float], number: int = MANY, **columns: Any) -> Candidates:
    items = np.tile(np.arange(len(scores)), number)
    offsets = np.arange(number + 1) * len(scores)
    values = np.tile(np.array(scores, np.float32), number)
    wide = {name: np.tile(column, number) for name, column in columns.items()}
    return Candidates(items, offsets, values, np.zeros(len(values), np.int16), ("x",), wide)


def orders(candidates: Candidates) -> Counter[tuple[int, ...]]:
    return Counter(tuple(item for item, _ in row) for row in lists_of(candidates))


def luce(scores: list[float], temperature: float) -> dict[tuple[int, ...], float]:
    weights = np.exp(np.array(scores) / temperature)
    chances = {}
    for order in permutations(range(len(scores))):
        left = [weights[list(order[place:])].sum() for place in range(len(order))]
        chances[order] = float(
            np.prod([weights[item] / total for item, total in zip(order, left, strict=True)])
        )
    return chances


@pytest.mark.parametrize("scores", [[1.0, 0.0, -0.5], [-3.0, -4.0, -4.5], [0.2, 0.2, 0.2]])
def test_orders_come_as_often_as_the_softmax_says(scores: list[float], state: State) -> None:
    got = Sample(temperature=0.7).run(asked(), found(scores), state)
    counts, chances = orders(got), luce(scores, 0.7)
    for order, chance in chances.items():
        assert abs(counts[order] - MANY * chance) < 4 * np.sqrt(MANY * chance * (1 - chance)) + 1
    drawn = got.columns["propensity"].reshape(MANY, 3).prod(axis=1)
    expected = [chances[tuple(row)] for row in got.items.reshape(MANY, 3).tolist()]
    np.testing.assert_allclose(drawn, expected, rtol=1e-5)


def test_a_low_temperature_sorts_and_a_high_one_shuffles(state: State) -> None:
    scores = [0.3, 0.2, 0.1]
    cold = orders(Sample(temperature=1e-3).run(asked(500), found(scores, 500), state))
    assert cold[0, 1, 2] == 500
    hot = orders(Sample(temperature=1e3).run(asked(), found(scores), state))
    assert min(hot[order] for order in permutations(range(3))) > MANY / 6 - 150
    huge = Sample().run(asked(3), found([1e30, -1e30], 3), state)
    assert np.isfinite(huge.columns["propensity"]).all()


def test_what_has_no_score_stands_last_and_the_start_stays(state: State) -> None:
    got = Sample().run(asked(50), found([np.nan, 1.0, -np.inf, 0.9], 50), state)
    assert {row[2:] for row in orders(got)} == {(0, 2)}
    assert (got.columns["propensity"].reshape(50, 4)[:, 1:] == 1).all()
    kept = Sample(start=2, temperature=10).run(asked(50), found([1.0, 2.0, 3.0, 4.0], 50), state)
    assert set(orders(kept)) == {(0, 1, 2, 3), (0, 1, 3, 2)}
    assert (kept.columns["propensity"].reshape(50, 4)[:, :2] == 1).all()


def test_each_user_has_an_order_of_its_own(state: State) -> None:
    twice = Requests(["ann", "bob", "ann"])
    rows = lists_of(Sample(temperature=100, seed=1).run(twice, found([1, 2, 3, 4, 5], 3), state))
    assert rows[0] == rows[2]
    assert rows[0] != rows[1]


def test_places_are_given_away_as_often_as_said(state: State) -> None:
    new = np.array([0.0, 0.0, 0.0, 1.0, 1.0])
    got = Explore(epsilon=0.3, where="new == 1", places=1).run(
        asked(), found([5, 4, 3, 2, 1], new=new), state
    )
    counts = Counter(got.items.reshape(MANY, 5)[:, 0].tolist())
    for item, chance in ((0, 0.7), (3, 0.15), (4, 0.15)):
        assert abs(counts[item] - MANY * chance) < 4 * np.sqrt(MANY * chance * (1 - chance))
    first = got.items.reshape(MANY, 5)[:, 0]
    said = got.columns["propensity"].reshape(MANY, 5)
    np.testing.assert_allclose(said[:, 0], np.where(first == 0, 0.7, 0.15), rtol=1e-6)
    assert (said[:, 1:] == 1).all()
    assert got.columns["explored"].reshape(MANY, 5)[:, 0].tolist() == (first > 0).astype(float).tolist()
    assert got.columns["explored"].reshape(MANY, 5)[:, 1:].sum() == 0


def test_the_propensity_of_each_place_is_its_frequency_given_those_before(state: State) -> None:
    got = Explore(epsilon=0.5, places=3).run(asked(), found([3, 2, 1]), state)
    counts, chance = orders(got), got.columns["propensity"].reshape(MANY, 3).prod(axis=1)
    by_order = dict(zip(map(tuple, got.items.reshape(MANY, 3).tolist()), chance.tolist(), strict=True))
    assert sum(by_order.values()) == pytest.approx(1)
    for order, likely in by_order.items():
        assert abs(counts[order] - MANY * likely) < 4 * np.sqrt(MANY * likely)
    assert by_order[0, 1, 2] == pytest.approx((0.5 + 0.5 / 3) * (0.5 + 0.5 / 2))


def test_an_empty_pool_changes_nothing(state: State) -> None:
    got = Explore(epsilon=1.0, where="new == 1").run(asked(3), found([2, 1], 3, new=np.zeros(2)), state)
    assert orders(got) == {(0, 1): 3}
    assert (got.columns["propensity"] == 1).all()
    assert orders(Explore(epsilon=0.0).run(asked(9), found([2, 1], 9), state)) == {(0, 1): 9}
    kept = Explore(epsilon=1.0, start=1).run(asked(90), found([3, 2, 1], 90), state)
    assert set(orders(kept)) == {(0, 1, 2), (0, 2, 1)}


def test_a_source_is_explored(state: State) -> None:
    source = Merge(Popular(), Listed((50,), name="new"))
    pipe = Pipeline([source, Explore(epsilon=1.0, source="new", places=1), Take(1)], state=state)
    assert pipe.run(asked(3)).items.tolist() == [4, 4, 4]
    _, trace = pipe.run(asked(3), trace=True)
    assert trace.stages[1].notes == ("gave 3 places to chance",)
    with pytest.raises(PipelineError, match=r"stage 'explore'.*did you mean 'new'"):
        Pipeline([source, Explore(source="mew")], state=state)


def test_nothing_follows_a_draw_but_a_cut(state: State) -> None:
    for after in (Cap("price"), Sample(name="again")):
        with pytest.raises(PipelineError, match="only Take behind it"):
            Pipeline([Popular(), Sample(), after], state=state)


def test_beta_draws_have_the_moments_of_the_posterior(clicks: State) -> None:
    got = Thompson("clicked", prior=4, mean=0.25).run(asked(), found([0.0] * 5), clicks)
    # Outcomes: 10 has 3 of 4, 20 one of 3, 30 one of 1, 40 none of 2, 50 none at all.
    for item, (won, shown) in enumerate([(3, 4), (1, 3), (1, 1), (0, 2), (0, 0)]):
        a, b = 1 + won, 3 + shown - won
        draws = got.scores[got.items == item]
        deviation = np.sqrt(a * b / ((a + b) ** 2 * (a + b + 1)))
        assert draws.mean() == pytest.approx(a / (a + b), abs=4 * deviation / np.sqrt(MANY))
        assert draws.std() == pytest.approx(deviation, rel=0.1)


def test_gaussian_draws_have_the_moments_of_the_posterior(clicks: State) -> None:
    stage = Thompson("clicked", belief="gaussian", prior=2, mean=None, spread=3)
    got = stage.run(asked(), found([0.5, 0, 0, 0, 7.0]), clicks)
    for item, mean, weight in ((0, (2 * 0.5 + 3) / 6, 6), (4, 7.0, 2)):
        draws = got.scores[got.items == item]
        assert draws.mean() == pytest.approx(mean, abs=4 * 3 / np.sqrt(weight * MANY))
        assert draws.std() == pytest.approx(3 / np.sqrt(weight), rel=0.1)


def test_outcomes_are_those_before_the_request_and_within_the_window(clicks: State) -> None:
    alone = Requests(["ann"], times=np.array([12]))
    early = Thompson("clicked", belief="gaussian", spread=1e-6, mean=0.0).run(alone, found([0.0], 1), clicks)
    np.testing.assert_allclose(early.scores, [2 / (2 + 2)], atol=1e-4)
    late = Requests(["ann"], times=np.array([1_000_011]))
    windowed = Thompson("clicked", belief="gaussian", spread=1e-6, mean=0.0, window="1s")
    np.testing.assert_allclose(windowed.run(late, found([0.0], 1), clicks).scores, [2 / (2 + 3)], atol=1e-4)


def test_a_column_of_outcomes_must_be_there(state: State, clicks: State) -> None:
    with pytest.raises(SchemaError, match="no column 'clicked'"):
        Thompson("clicked").run(asked(1), found([0.0], 1), state)
    assert lists_of(Thompson("clicked").run(Requests([]), Candidates.empty(0), clicks)) == []


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Sample(temperature=0), r"Sample\.temperature"),
        (lambda: Sample(start=-1), r"Sample\.start.*an integer >= 0"),
        (lambda: Explore(epsilon=1.1), r"Explore\.epsilon"),
        (lambda: Explore(places=0), r"Explore\.places"),
        (lambda: Explore(start=-1), r"Explore\.start"),
        (lambda: Explore(where="new"), "a column, one of"),
        (lambda: Thompson("c", belief="cauchy"), r"Thompson\.belief"),  # type: ignore[arg-type]
        (lambda: Thompson("c", prior=0), r"Thompson\.prior"),
        (lambda: Thompson("c", spread=0), r"Thompson\.spread"),
        (lambda: Thompson("c", mean=1.0), r"Thompson\.mean"),
        (lambda: Thompson("c", window="30"), r"Thompson\.window"),
    ],
)
def test_options_are_checked(make: Any, words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        make()
