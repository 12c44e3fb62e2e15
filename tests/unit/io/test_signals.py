"""Positives, negatives and cancellations, by arithmetic."""

import polars as pl
import pytest

from shortlist.errors import ArgumentError, SchemaError
from shortlist.io import Dataset, Signals, scan
from shortlist.testing._io import assert_accounted

ROLES = {"user": "u", "item": "i", "time": "t", "event": "e", "value": "v"}


def read(
    rows: list[tuple[object, ...]], signals: Signals, columns: str = "uitev", size: int = 100
) -> Dataset:
    frame = pl.DataFrame(rows, schema=list(columns), orient="row", infer_schema_length=None)
    data = scan(
        frame, roles={r: n for r, n in ROLES.items() if n in columns}, signals=signals, partition_rows=size
    )
    assert_accounted(data)
    return data


def left_out(data: Dataset) -> dict[str, int]:
    assert data.report is not None
    return dict(data.report.left_out)


def test_event_types_have_weights_and_the_rest_is_no_signal() -> None:
    rows = [(1, 1, 1, "view"), (1, 1, 2, "buy"), (1, 1, 3, "dislike"), (1, 1, 4, "scroll"), (1, 1, 5, None)]
    data = read(rows, Signals({"view": 0.5, "buy": 2.0}, negatives=("dislike",)), "uite")
    assert data.collect()["weight"].to_list() == [0.5, 2.0, -1.0]
    assert left_out(data) == {"no signal": 2}
    assert data.schema["weight"].has("weight")


def test_without_named_positives_every_other_type_is_one() -> None:
    data = read([(1, 1, 1, "a"), (1, 1, 2, "no")], Signals(negatives=("no",)), "uite")
    assert data.collect()["weight"].to_list() == [1.0, -1.0]


def test_values_decide_and_weigh() -> None:
    rows = [(1, 1, 1, 5.0), (1, 2, 2, 3.0), (1, 3, 3, None), (1, 4, 4, float("nan"))]
    data = read(rows, Signals(min_value=4.0, weight_by_value=True), "uitv")
    assert data.collect()["weight"].to_list() == [5.0]
    assert left_out(data) == {"missing value": 2, "no signal": 1}
    data = read([(1, 1, 1, 2), (1, 2, 2, 0), (1, 3, 3, -1)], Signals(weight_by_value=True), "uitv")
    assert data.collect()["weight"].to_list() == [2.0]


@pytest.mark.parametrize("size", [1, 3, 100])
def test_a_return_takes_back_the_newest_units_first(size: int) -> None:
    rows = [
        (1, 1, 10, 5),  # keeps 5 - 2 = 3
        (1, 1, 20, 4),  # wholly taken back
        (1, 1, 30, -6),  # takes 4 of the second and 2 of the first
        (1, 1, 40, 7),  # later: untouched
        (2, 1, 25, 6),  # another user: untouched
        (1, 2, 25, 6),  # another item: untouched
        (3, 1, 50, -1),  # nothing to take back
    ]
    data = read(rows, Signals(negative_value_cancels=True), "uitv", size)
    assert data.collect().select("u", "i", "v").rows() == [(1, 1, 3.0), (1, 1, 7.0), (2, 1, 6.0), (1, 2, 6.0)]
    assert left_out(data) == {"taken back": 1, "cancellation": 1, "cancellation of nothing": 1}
    assert data.report is not None
    assert data.report.reduced == 1
    assert data.report.taken_back.select(pl.all().to_physical() // 1_000_000).rows() == [(10, 30), (20, 30)]


def test_two_returns_share_one_purchase_and_weights_follow_the_rest() -> None:
    rows = [(1, 1, 10, 5), (1, 1, 20, -2), (1, 1, 30, -1)]
    data = read(rows, Signals(negative_value_cancels=True, weight_by_value=True), "uitv")
    assert data.collect().select("v", "weight").rows() == [(2.0, 2.0)]
    assert left_out(data) == {"cancellation": 2}
    data = read([*rows, (1, 1, 40, -5)], Signals(negative_value_cancels=True), "uitv")
    assert data.count() == 0
    assert left_out(data) == {"taken back": 1, "cancellation": 3}


def test_rows_out_of_order_are_settled_in_order_of_time() -> None:
    rows = [(1, 1, 30, -1), (1, 1, 10, 1), (1, 1, 40, 1)]
    data = read(rows, Signals(negative_value_cancels=True), "uitv")
    assert data.collect()["t"].to_physical().to_list() == [40_000_000]


def test_at_one_time_the_purchase_is_first() -> None:
    data = read([(1, 1, 10, -1), (1, 1, 10, 1)], Signals(negative_value_cancels=True), "uitv")
    assert left_out(data) == {"taken back": 1, "cancellation": 1}


def test_an_event_type_cancels_only_the_type_it_names() -> None:
    rows = [(1, 1, 1, "buy"), (1, 1, 2, "buy"), (1, 1, 3, "view"), (1, 1, 4, "return")]
    signals = Signals({"buy": 1.0, "view": 0.1}, cancels={"return": "buy"})
    data = read(rows, signals, "uite")
    assert data.collect().select("e", pl.col("t").to_physical() // 1_000_000).rows() == [
        ("buy", 1),
        ("view", 3),
    ]


def test_without_times_the_order_of_the_rows_counts() -> None:
    rows = [(1, 1, "return"), (1, 1, "buy"), (2, 2, "buy"), (2, 2, "return")]
    data = read(rows, Signals({"buy": 1.0}, cancels={"return": "buy"}), "uie")
    assert data.collect().rows() == [(1, 1, "buy", 1.0)]
    assert left_out(data) == {"taken back": 1, "cancellation": 1, "cancellation of nothing": 1}


def test_a_repeated_cancellation_counts_as_a_repeat() -> None:
    rows = [(1, 1, 1, 2), (1, 1, 5, -1), (1, 1, 5, -1)]
    data = read(rows, Signals(negative_value_cancels=True), "uitv")
    assert data.collect()["v"].to_list() == [1.0]
    assert left_out(data) == {"exact duplicate": 1, "cancellation": 1}


def test_a_quantity_of_zero_is_no_signal() -> None:
    data = read([(1, 1, 1, 0), (1, 1, 2, 1), (1, 1, 3, None)], Signals(negative_value_cancels=True), "uitv")
    assert data.collect()["v"].to_list() == [1.0, None]
    assert left_out(data) == {"no signal": 1}


def test_weights_that_are_there_already_are_used() -> None:
    frame = pl.DataFrame({"user_id": [1, 2, 3], "item_id": [1, 2, 3], "weight": [2.0, -1.0, 0.0]})
    first = scan(frame)
    assert first.schema.names == ("user_id", "item_id", "weight", "event_weight")
    schema = first.select(["user_id", "item_id", "weight"]).tag("weight", "weight").schema
    data = scan(frame, schema=schema.merge([]))
    assert data.collect()["weight"].to_list() == [2.0, -1.0]
    assert left_out(data) == {"no signal": 1}


def test_options_are_checked() -> None:
    with pytest.raises(ArgumentError, match="weights above 0"):
        Signals({"view": 0.0})
    with pytest.raises(ArgumentError, match="each type in one place"):
        Signals({"view": 1.0}, negatives=("view",))
    with pytest.raises(ArgumentError, match="did you mean 'buy'"):
        Signals({"buy": 1.0}, cancels={"return": "buys"})
    with pytest.raises(SchemaError, match="no event column"):
        read([(1, 1, 1)], Signals({"view": 1.0}), "uit")
    with pytest.raises(SchemaError, match="no value column"):
        read([(1, 1, 1)], Signals(min_value=1.0), "uit")
    with pytest.raises(ArgumentError, match="did you mean 'purchase'"):
        read([(1, 1, 1, "purchase")], Signals({"purchased": 1.0}), "uite")
    data = read([(1, 1, "view")], Signals({"view": 1.0, "buy": 2.0}), "uie")
    assert data.report is not None
    assert data.report.notes == ("the event type 'buy' never occurs",)
