import json
from collections.abc import Callable
from dataclasses import replace
from math import log2
from typing import Any

import numpy as np
import pytest

from shortlist.errors import ArgumentError, DataError
from shortlist.evaluation import Evaluation, by_stage, evaluate
from shortlist.io import Dataset
from shortlist.pipeline import Drop, Learned, Pipeline, Popular, Repeats, State, Take

NDCG = ("ndcg@3", "recall@3")
SECOND = 1 / log2(3)
BEST_OF_TWO = 1 + SECOND


def alone(pipe: Any, test: Dataset, **options: Any) -> Evaluation:
    return evaluate(pipe, test, **{"metrics": NDCG, "baselines": False, **options})


def test_seen_items_kept(popular: Pipeline, test: Dataset) -> None:
    got = alone(popular, test)
    a, b, c, d = (1 + 1 / log2(4)) / BEST_OF_TWO, SECOND, SECOND, 1 / BEST_OF_TWO
    assert got.values["pipeline"]["ndcg@3"].tolist() == pytest.approx([a, b, c, d])
    assert got.values["pipeline"]["recall@3"].tolist() == [1.0, 1.0, 1.0, 0.5]
    assert got.of("pipeline", "recall@3") == 3.5 / 4
    assert got.coverage == {"pipeline": 3 / 5}
    assert str(got.protocol) == (
        "split: held-out events as given | candidates: all 5 items | seen items kept | "
        "one query a user: 4 queries\n"
        "1 items of the truth are not in the catalogue and count as misses; "
        "33.3% of the test's events are of users, 16.7% of items without an event before"
    )


def test_seen_items_dropped_from_lists_and_truth(popular: Pipeline, test: Dataset) -> None:
    got = alone(popular, test, seen="drop")
    # a is shown 3 and takes it, b is shown 2 and takes it, c takes nothing new, d takes 1 of 1 and 9.
    assert got.values["pipeline"]["recall@3"].tolist() == [1.0, 1.0, 0.5]
    assert got.values["pipeline"]["ndcg@3"].tolist() == pytest.approx([1.0, 1.0, 1 / BEST_OF_TWO])
    assert (got.protocol.left_out, got.protocol.unknown_items, got.protocol.count) == (1, 1, 3)
    assert "seen items filtered" in str(got)
    assert "1 users left out: nothing to find" in str(got)


def test_every_event_a_query(popular: Pipeline, test: Dataset) -> None:
    got = alone(popular, test, queries="event", metrics=("mrr@3", "hit_rate@3"))
    assert got.values["pipeline"]["mrr@3"].tolist() == [1, 1 / 3, 1 / 2, 1 / 2, 1, 0]
    assert got.of("pipeline", "hit_rate@3") == pytest.approx(5 / 6)
    assert "one query an event: 6 queries" in str(got.protocol)
    fresh = alone(popular, test, queries="event", seen="drop", metrics=("recall@3",))
    assert fresh.values["pipeline"]["recall@3"].tolist() == [1, 1, 1, 0]


def test_only_positives_are_to_be_found(popular: Pipeline, make_log: Callable[..., Dataset]) -> None:
    held_out = make_log([("a", 1, 10, 1.0), ("b", 1, 11, -1.0), ("c", 1, 12, 0.0)])
    assert alone(popular, held_out).protocol.count == 1
    with pytest.raises(DataError, match="no positive event to find"):
        alone(popular, make_log([("b", 1, 11, -1.0)]))
    with pytest.raises(DataError, match="no positive event to find"):
        alone(popular, make_log([("a", 1, 11)]), seen="drop")
    with pytest.raises(DataError, match="no positive event to find"):
        alone(popular, make_log([]))


def test_slices(popular: Pipeline, test: Dataset) -> None:
    got = alone(popular, test)
    masks = {name: mask.tolist() for name, mask in got.slices.items()}
    assert masks["cold user"] == [False, False, False, True]
    assert masks["light"] == [True, True, True, False]
    assert masks["head"] == [True, False, False, True]  # item 1 alone makes half of the events
    assert masks["tail"] == [False, True, True, False]
    assert masks["cold item"] == [False, False, False, True]
    assert got.sliced("recall@3").rows == [("pipeline", 1.0, 0.5, 1.0, 0.75, 1.0, 0.5)]
    assert got.sliced().columns == (
        "ndcg@3",
        "warm (3)",
        "cold user (1)",
        "light (3)",
        "head (2)",
        "tail (2)",
        "cold item (1)",
    )


def test_activity_is_cut_in_thirds(popular: Pipeline, make_log: Callable[..., Dataset]) -> None:
    seen = make_log([(user, 1, time) for user, n in zip("abc", (1, 2, 4), strict=True) for time in range(n)])
    pipe = popular.with_state(State(seen))
    got = alone(pipe, make_log([("a", 1, 9), ("b", 1, 9), ("c", 1, 9)]))
    assert [got.slices[name].tolist() for name in ("light", "medium", "heavy")] == np.eye(
        3, dtype=bool
    ).tolist()


def test_items_only_events_mention_are_no_candidates(
    popular: Pipeline, make_log: Callable[..., Dataset]
) -> None:
    from shortlist.io import item_table

    events = make_log([("a", 1, 1), ("a", 7, 2), ("b", 7, 3)])
    pipe = popular.with_state(State(events, items=item_table(make_log([("a", 1, 1)]))))
    got = alone(pipe, make_log([("b", 1, 9), ("c", 7, 9)]))
    assert got.values["pipeline"]["recall@3"].tolist() == [1.0, 0.0]
    assert (got.protocol.catalogue, got.protocol.unknown_items) == (1, 1)
    assert got.coverage == {"pipeline": 1.0}


class Indifferent:
    """Scores every item alike."""

    def scores(self, rows: Any, users: Any = None) -> Any:
        return np.ones(rows.shape, np.float32)


def test_equal_scores_stand_in_catalogue_order_whatever_is_right(
    state: State, make_log: Callable[..., Dataset]
) -> None:
    pipe = Pipeline([Learned(Indifferent())], state=state)
    got = [
        alone(pipe, make_log([("a", item, 9)]), metrics=("mrr@5",)).of("pipeline", "mrr@5")
        for item in range(1, 6)
    ]
    assert got == [1, 1 / 2, 1 / 3, 1 / 4, 1 / 5]


def test_a_pipeline_is_measured_as_it_serves(state: State, test: Dataset) -> None:
    ruled = Pipeline([Popular(), Drop(seen=True, unless="stock > 0"), Take(1)], state=state, fallback=None)
    served = alone(ruled, test)
    assert "seen items filtered" in str(served.protocol)
    # a is shown 3; b, who took 1 and 3, is shown nothing, as 2 is out of stock; d is shown 1 and 3.
    assert served.values["pipeline"]["recall@3"].tolist() == [1.0, 0.0, 0.5]
    kept = alone(ruled, test, seen="keep")
    # The rule stays when the seen filter goes: all are shown 1 and 3.
    assert kept.values["pipeline"]["recall@3"].tolist() == [1.0, 0.0, 0.0, 0.5]
    nobody = alone(Pipeline([Repeats()], state=state, fallback=None), test)
    assert nobody.values["pipeline"]["recall@3"].tolist() == [0.5, 0.0, 1.0, 0.0]


def test_only_the_last_cut_gives_way_to_the_metrics(state: State, test: Dataset) -> None:
    pipe = Pipeline([Popular(), Take(1), Drop(where="stock > 9"), Take(1)], state=state)
    assert alone(pipe, test).coverage == {"pipeline": 1 / 5}
    assert alone(pipe[:2], test).coverage == {"pipeline": 3 / 5}


def test_several_pipelines_share_a_state(popular: Pipeline, state: State, test: Dataset) -> None:
    own = Pipeline([Repeats()], state=state)
    got = alone({"own": own, "popular": popular}, test)
    assert got.models == ("own", "popular")
    difference = got.difference("popular", "own", "recall@3")
    # Own items, the latest first; d, who has none, is answered by popularity.
    assert got.values["own"]["recall@3"].tolist() == [0.5, 0.0, 1.0, 0.5]
    assert difference.difference == pytest.approx((0.5 + 1 + 0 + 0) / 4)
    assert difference.low <= difference.difference <= difference.high
    other = popular.with_state(State(store=state.store))
    for wrong in ({"own": own, "other": other}, {}):
        with pytest.raises(ArgumentError, match="all with one state"):
            alone(wrong, test)


def test_a_moving_present_is_stopped(popular: Pipeline, state: State, test: Dataset) -> None:
    moments = iter(range(3, 100))
    live = popular.with_state(state.live(lambda: next(moments)))
    # Before 3 only a has taken anything: 1 and 2. Item 3 comes later, 4 and 5 have no events.
    got = alone(live, test)
    assert got.coverage == {"pipeline": 2 / 4}
    assert (got.protocol.catalogue, got.protocol.not_launched) == (4, 1)
    assert "1 items not launched yet left the catalogue (first seen in the log)" in str(got)


def test_what_each_stage_adds_and_loses(state: State, test: Dataset) -> None:
    pipe = Pipeline([Popular(), Drop(seen=True), Take(1)], state=state)
    got = by_stage(pipe, test, metrics=("recall@2",))
    assert got.models == ("1 popular", "2 drop", "3 take")
    # Every prefix is filtered: a is shown 3, b is shown 2, and d 1 and 2.
    for name in got.models:
        assert got.values[name]["recall@2"].tolist() == [1.0, 1.0, 0.5]
    kept = by_stage(pipe, test, metrics=("recall@2",), seen="keep")
    assert kept.models == ("1 popular", "2 take")


def test_tables_and_json_carry_the_protocol(popular: Pipeline, test: Dataset) -> None:
    got = alone(popular, test, split="by hand")
    for text in (str(got), str(got.sliced())):
        assert text.startswith("split: by hand | candidates: all 5 items | seen items kept")
    assert got.table().columns == ("recommender", "ndcg@3", "+-", "recall@3", "coverage")
    plain = json.loads(json.dumps(got.to_json(), allow_nan=False))
    assert plain == got.to_json()
    assert plain["protocol"] == str(got.protocol)
    assert plain["models"]["pipeline"]["recall@3"]["mean"] == 3.5 / 4
    assert plain["slices"]["ndcg@3"]["pipeline"]["cold user (1)"] == pytest.approx(1 / BEST_OF_TWO)
    low, high = (plain["models"]["pipeline"]["recall@3"][end] for end in ("low", "high"))
    assert 0.5 <= low < 3.5 / 4 < high <= 1.0


def test_the_seed_draws_the_intervals(popular: Pipeline, test: Dataset) -> None:
    values = {"pipeline": {"ndcg@3": np.linspace(0.0, 1.0, 100) ** 2}}
    first, again, other = (
        replace(alone(popular, test, seed=seed), values=values, slices={}).to_json() for seed in (0, 0, 1)
    )
    assert first == again != other


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ({"metrics": ()}, "at least one, such as 'ndcg@10'"),
        ({"metrics": ("ndgc@10",)}, "ndcg"),
        ({"seen": "dropped"}, "did you mean 'drop'"),
        ({"queries": "users"}, "did you mean 'user'"),
    ],
)
def test_wrong_options(popular: Pipeline, test: Dataset, option: dict[str, Any], words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        alone(popular, test, **option)


def test_wrong_names_of_results(popular: Pipeline, test: Dataset) -> None:
    got = alone(popular, test)
    with pytest.raises(ArgumentError, match="did you mean 'pipeline'"):
        got.of("pipelin", "recall@3")
    with pytest.raises(ArgumentError, match="did you mean 'recall@3'"):
        got.sliced("recall@33")
