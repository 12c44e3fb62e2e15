from typing import Any

import numpy as np
import pytest

from shortlist import index
from shortlist.data import Candidates, Ragged, Requests
from shortlist.errors import ArgumentError, PipelineError
from shortlist.features import Workflow
from shortlist.pipeline import (
    Apply,
    Drop,
    Learned,
    Merge,
    Popular,
    Repeats,
    Retrieve,
    Rule,
    Score,
    Stage,
    State,
    Take,
)
from shortlist.testing._stages import check_stage, lists_of

ASKED = Requests(["ann", "bob", "nobody", None, "eve"], times=np.array([250, 601, 601, 601, 100]))


def found(rows: list[list[int]], source: str = "x") -> Candidates:
    items = Ragged.of(rows, dtype=np.int64)
    scores = np.linspace(1, 0.1, len(items.values), dtype=np.float32)
    return Candidates(items.values, items.offsets, scores, np.zeros(len(scores), np.int16), (source,))


def items(candidates: Candidates) -> list[list[int]]:
    return [[item for item, _ in row] for row in lists_of(candidates)]


class Ones:
    def scores(self, rows: Any, users: Any = None) -> Any:
        return np.asarray(rows.todense(), dtype=np.float32) + np.arange(rows.shape[1]) / 10


@pytest.fixture
def stages(tower: Any, cheap: Any, vectors: index.VectorIndex, flow: Workflow) -> list[Stage]:
    return [
        Retrieve(tower, vectors, flow, k=3),
        Retrieve(tower, vectors, flow, k=3, where="stock > 0", name="stocked"),
        Popular(k=2),
        Popular(k=9, window="1s"),
        Repeats(k=2),
        Learned(Ones(), k=3),
        Merge(Repeats(k=1), Popular(k=2)),
        Drop(seen=True),
        Drop(where="price > 2.5", unless="stock > 0", seen=True),
        Score(cheap, flow),
        Take(1),
        Apply(lambda _r, candidates, _s: candidates.with_scores(-candidates.scores), "reverse"),
    ]


@pytest.mark.parametrize("place", range(12))
def test_every_stage_keeps_the_form(stages: list[Stage], place: int, state: State) -> None:
    check_stage(stages[place], ASKED, found([[0, 4], [2, 1, 0], [], [3], [4, 1]]), state)


def test_retrieve_finds_the_largest_products(tower: Any, vectors: Any, flow: Workflow, state: State) -> None:
    got = Retrieve(tower, vectors, flow, k=2).run(Requests(["ann", "bob"]), Candidates.empty(2), state)
    assert items(got) == [[0, 1], [0, 2]]
    np.testing.assert_allclose(got.scores, [1.023, 1.023, 2.03, 1.03], atol=1e-5)
    assert got.columns["retrieval_score"].tolist() == got.scores.tolist()
    assert got.sources == ("retrieve",)


def test_retrieve_searches_within_the_conditions(
    tower: Any, vectors: Any, flow: Workflow, state: State
) -> None:
    stage = Retrieve(tower, vectors, flow, k=9, where=("stock > 0", "price < 5"), name="ann")
    assert items(stage.run(Requests(["ann"]), Candidates.empty(1), state)) == [[0, 3]]
    assert stage.gives == ("candidates", "scores", "ann_score")


def test_retrieve_leaves_out_rows_the_catalogue_lacks(tower: Any, flow: Workflow, state: State) -> None:
    wide = index.build(np.eye(6, dtype=np.float32)[:3], [999, 10, 20])
    got = Retrieve(tower, wide, flow, k=9).run(Requests(["ann"]), Candidates.empty(1), state)
    assert items(got) == [[0, 1]]
    empty = index.build(np.zeros((0, 6), np.float32), [])
    assert items(Retrieve(tower, empty, flow).run(Requests(["ann"]), Candidates.empty(1), state)) == [[]]


def test_popular_counts_as_of_each_request(state: State) -> None:
    requests = Requests(["x"] * 4, times=np.array([100, 101, 301, 601]))
    got = Popular(k=2).run(requests, Candidates.empty(4), state)
    assert items(got) == [[], [0], [0, 1], [0, 1]]
    assert got.scores.tolist() == [1, 2, 1, 3, 1]
    day = Requests(["x"], times=np.array([86_400_000_000 + 550]))
    assert items(Popular(k=9, window="1d").run(day, Candidates.empty(1), state)) == [[3]]


def test_popular_counts_again_once_a_minute_when_live(state: State) -> None:
    minute = 60_000_000
    times = iter([minute + 5, minute - 1])
    live = state.live(clock=times.__next__)
    asked = [Popular().run(Requests(["x"]), Candidates.empty(1), live) for _ in range(2)]
    assert items(asked[0]) == [[0, 1, 2, 3]]
    assert items(asked[1]) == [[]]


@pytest.mark.parametrize("window", ["30", "d", "0d", "1y", "-1d"])
def test_windows_are_a_number_and_a_unit(window: str) -> None:
    with pytest.raises(ArgumentError, match=r"Popular\.window: expected a length of time"):
        Popular(window=window)


def test_repeats_orders_by_count_then_by_recency(state: State) -> None:
    got = Repeats().run(Requests(["ann", "bob", "x"]), Candidates.empty(3), state)
    assert items(got) == [[1, 0], [0, 2], []]
    np.testing.assert_allclose(got.scores, [1 + 1 / 2, 1 + 1 / 3, 2 + 1 / 2, 1 + 1 / 3])


def test_learned_sees_the_history_and_its_order_of_items(state: State) -> None:
    got = Learned(Ones(), k=2).run(Requests(["ann", "x"]), Candidates.empty(2), state)
    assert items(got) == [[1, 0], [4, 3]]
    assert got.columns["learned_score"].tolist() == got.scores.tolist()


def test_learned_refuses_scores_of_another_catalogue(state: State) -> None:
    class Odd:
        def scores(self, rows: Any, users: Any = None) -> Any:
            return np.zeros((rows.shape[0], 2), np.float32)

    with pytest.raises(PipelineError, match="every item of the catalogue"):
        Learned(Odd()).run(Requests(["ann"]), Candidates.empty(1), state)


def test_merge_keeps_the_first_source_of_an_item(state: State) -> None:
    got = Merge(Repeats(k=2), Popular(k=9)).run(Requests(["ann"]), Candidates.empty(1), state)
    assert items(got) == [[1, 0, 2, 3]]
    assert [got.sources[s] for s in got.source] == ["repeats", "repeats", "popular", "popular"]
    np.testing.assert_array_equal(got.columns["popular_score"], [np.nan, np.nan, 1, 1])


@pytest.mark.parametrize("parts", [(), (Take(3),), (Popular(), Popular())])
def test_merge_wants_sources_of_different_names(parts: tuple[Any, ...]) -> None:
    with pytest.raises(PipelineError, match="sources with different names"):
        Merge(*parts)


def test_drop_keeps_the_reasons(state: State) -> None:
    got = Drop(seen=True, where="price > 4.5", unless="stock > 0").run(
        Requests(["ann", "bob"]), found([[0, 4, 3], [0, 1, 3]]), state
    )
    assert items(got) == [[3], [3]]
    assert [(d.reason, d.query.tolist(), d.items.tolist()) for d in got.dropped] == [
        ("seen", [0, 1], [0, 0]),
        ("price > 4.5", [0], [4]),
        ("not stock > 0", [1], [1]),
    ]


def test_drop_by_a_column_that_a_source_gave(state: State) -> None:
    candidates = found([[0, 1]]).with_columns({"closeness": np.array([0.2, 0.9])})
    assert items(Drop(unless="closeness > 0.5").run(Requests(["ann"]), candidates, state)) == [[1]]


def test_drop_by_a_function(state: State) -> None:
    stage = Drop(where=lambda _r, candidates, _s: candidates.items == 4, reason="sold out")
    got = stage.run(Requests(["ann"]), found([[0, 4]]), state)
    assert items(got) == [[0]]
    assert got.dropped[0].reason == "sold out"
    with pytest.raises(PipelineError, match="2 answers for 1 candidates"):
        Drop(where=lambda *_: np.zeros(2, bool)).run(Requests(["ann"]), found([[0]]), state)
    with pytest.raises(PipelineError, match="functions cannot be saved"):
        stage.to_plain(lambda *_: "")


def test_drop_wants_a_condition() -> None:
    with pytest.raises(ArgumentError, match="no condition"):
        Drop()


def test_seen_means_before_the_request_and_just_now(state: State) -> None:
    requests = Requests(["ann"], times=np.array([150]), recent=Ragged.of([[50]], dtype=object))
    assert items(Drop(seen=True).run(requests, found([[0, 1, 4]]), state)) == [[1]]


def test_score_orders_by_the_ranker(cheap: Any, flow: Workflow, state: State) -> None:
    got = Score(cheap, flow).run(Requests(["bob"]), found([[4, 0, 1]]), state)
    assert items(got) == [[1, 0, 4]]
    assert got.scores.tolist() == [-2.0, -3.0, -5.0]


class Both:
    """Two targets: click is the price, buy one over it."""

    targets = ("click", "buy")

    def score(self, batch: Any) -> Any:
        return self.predict(batch)["click"]

    def predict(self, batch: Any) -> Any:
        price = batch.array("price").astype(np.float32)
        return {"click": price, "buy": 1 / price**2}


def test_score_orders_by_a_target_or_by_several(flow: Workflow, state: State) -> None:
    def scores(**options: Any) -> list[float]:
        stage = Score(Both(), flow, **options)
        (got,) = lists_of(stage.run(Requests(["bob"]), found([[0, 1, 3]]), state))
        return [round(float(score), 5) for _, score in sorted(got)]

    prices = [1.0, 2.0, 4.0]
    assert scores() == prices
    assert scores(target="buy") == [1.0, 1 / 4, 1 / 16]
    both = {"click": 1.0, "buy": 8.0}
    assert scores(weights=both) == [1 + 8, 2 + 8 / 4, 4 + 8 / 16]
    powers = {"click": 3.0, "buy": 1.0}
    assert scores(weights=powers, by="product") == [1.0, 2**3 / 4, 4**3 / 16]


def test_score_knows_the_targets_of_its_ranker(cheap: Any, flow: Workflow) -> None:
    with pytest.raises(PipelineError, match="did you mean 'buy'"):
        Score(Both(), flow, target="bui")
    with pytest.raises(PipelineError, match="a target of the ranker"):
        Score(cheap, flow, weights={"click": 1.0})
    for wrong in ({"target": "buy", "weights": {"buy": 1.0}}, {"by": "max"}):
        with pytest.raises(PipelineError, match="or weights of targets"):
            Score(Both(), flow, **wrong)  # type: ignore[arg-type]


def test_score_refuses_another_number_of_scores(flow: Workflow, state: State) -> None:
    class Odd:
        def score(self, batch: Any) -> Any:
            return np.zeros(1, np.float32)

    with pytest.raises(PipelineError, match="one for each candidate"):
        Score(Odd(), flow).run(Requests(["bob"]), found([[4, 0]]), state)


@pytest.mark.parametrize("make", [Take, Popular, Repeats, lambda k: Learned(Ones(), k=k)])
@pytest.mark.parametrize("k", [0, -1, 2.5, True, "3"])
def test_counts_are_positive_integers(make: Any, k: Any) -> None:
    with pytest.raises(ArgumentError, match="an integer >= 1"):
        make(k)


@pytest.mark.parametrize(
    ("text", "values", "holds"),
    [
        ("stock > 0", [1, 0, None], [True, False, False]),
        ("stock<=0", [1, 0, None], [False, True, False]),
        ("price != 2", [1.0, 2.0, np.nan], [True, False, False]),
        ("unit price >= 2", [1.0, 2.0], [False, True]),
        ("colour == red", ["red", "blue", None], [True, False, False]),
        ("colour == 'dark red'", ["dark red", "red"], [True, False]),
        ("colour not in ['red']", ["red", "blue", None], [False, True, False]),
        ("adult == true", [True, False], [True, False]),
        ("brand == null", ["a", None], [False, True]),
        ("brand != None", ["a", None], [True, False]),
        ("brand < 'b'", ["a", "c", None], [True, False, False]),
    ],
)
def test_rules_hold_as_they_read(text: str, values: list[Any], holds: list[bool]) -> None:
    plain = np.array(values, dtype=object if None in values or isinstance(values[0], str) else None)
    assert Rule.parse(text).holds(plain).tolist() == holds
    assert Rule.parse(text).holds(plain[:0]).tolist() == []


@pytest.mark.parametrize("text", ["stock", "> 3", "a in 3", "a == [1]", "stock >", 7, "__import__('os')"])
def test_other_texts_are_no_rules(text: Any) -> None:
    with pytest.raises(ArgumentError, match="a column, one of"):
        Rule.parse(text)


@pytest.mark.parametrize(("text", "values"), [("price > 'x'", [1.0]), ("name < 3", ["a"])])
def test_rules_compare_like_with_like(text: str, values: list[Any]) -> None:
    array = np.array(values, dtype=object if isinstance(values[0], str) else None)
    with pytest.raises(ArgumentError, match="text in quotes and numbers without"):
        Rule.parse(text).holds(array)
