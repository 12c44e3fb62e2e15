"""Workflows that take in new rows: `update` adds to the statistics, `extend` to the codes."""

import polars as pl
import pytest

from shortlist.data import Batch
from shortlist.errors import ArgumentError, NotFittedError
from shortlist.features import Workflow, ops
from shortlist.io import Dataset

OLD = pl.DataFrame({"item": ["a", "a", "b", "c"], "price": [1.0, 2.0, 3.0, None]})
NEW = pl.DataFrame(
    {"item": ["c", "c", "c", "d", "d", "e", None], "price": [4.0, 9.0, 0.5, 2.0, 2.0, 1.0, 7.0]}
)
BOTH = pl.concat([OLD, NEW])


def flow() -> Workflow:
    return Workflow(
        ["item" >> ops.Categorify(min_count=2), "price" >> ops.FillMissing(0.0) >> ops.Normalize()]
    )


def encoded(workflow: Workflow, frame: pl.DataFrame) -> pl.DataFrame:
    return workflow.transform(Dataset.of(frame)).collect()


def test_update_is_a_fit_on_the_old_and_the_new_rows(tmp_path) -> None:
    day_by_day = flow().fit(Dataset.of(OLD), keep_totals=True)
    day_by_day.save(tmp_path / "flow")
    again = Workflow.load(tmp_path / "flow").update(Dataset.of(NEW[:3])).update(Dataset.of(NEW[3:]))
    whole = flow().fit(Dataset.of(BOTH))
    assert again.vocabulary("item").equals(whole.vocabulary("item"))
    assert again.schema == whole.schema
    assert again.coverage().equals(whole.coverage())
    difference = encoded(again, BOTH)["price"] - encoded(whole, BOTH)["price"]
    assert difference.abs().max() < 1e-6
    assert encoded(again, BOTH)["item"].equals(encoded(whole, BOTH)["item"])


def test_a_value_too_rare_on_each_day_is_known_when_they_are_added_up() -> None:
    fitted = flow().fit(Dataset.of(OLD), keep_totals=True)
    assert "b" not in fitted.vocabulary("item")["value"].to_list()
    fitted.update(Dataset.of(pl.DataFrame({"item": ["b"], "price": [1.0]})))
    assert fitted.vocabulary("item")["value"].to_list() == ["a", "b"]


def test_update_needs_what_it_adds_to() -> None:
    with pytest.raises(NotFittedError):
        flow().update(Dataset.of(NEW))
    with pytest.raises(ArgumentError, match="keep_totals=True"):
        flow().fit(Dataset.of(OLD)).update(Dataset.of(NEW))
    for branch in ("price" >> ops.FillMedian(), "price" >> ops.Normalize() >> ops.Normalize()):
        fitted = Workflow([branch]).fit(Dataset.of(OLD), keep_totals=True)
        with pytest.raises(ArgumentError, match="fit the workflow anew"):
            fitted.update(Dataset.of(NEW))


def test_extend_keeps_old_codes_and_puts_new_ones_behind(tmp_path) -> None:
    fitted = flow().fit(Dataset.of(OLD))
    before, prices = fitted.vocabulary("item"), encoded(fitted, OLD)["price"]
    fitted.extend(Dataset.of(NEW))
    after = fitted.vocabulary("item")
    assert after[: len(before)]["value"].equals(before["value"])
    assert after["value"].to_list() == ["a", "c", "d"]
    assert fitted.schema["item"].domain.size == 6
    assert encoded(fitted, OLD)["price"].equals(prices)
    assert encoded(fitted, BOTH)["item"].to_list() == [3, 3, 2, 4, 4, 4, 4, 5, 5, 2, 1]
    fitted.save(tmp_path / "flow")
    assert encoded(Workflow.load(tmp_path / "flow"), BOTH).equals(encoded(fitted, BOTH))


def test_extend_reaches_columns_that_share_the_vocabulary() -> None:
    frame = OLD.with_columns(liked=pl.Series([["a"], ["c"], [], ["a", "c"]]))
    shared = Workflow(["liked" >> ops.Categorify(like="item"), "item" >> ops.Categorify()]).fit(
        Dataset.of(frame)
    )
    shared.extend(Dataset.of(frame.with_columns(item=pl.Series(["x", "x", "x", "y"]))))
    codes = shared.transform_batch(Batch({}, rows=0))
    assert len(codes) == 0
    assert shared.schema["liked"].domain.size == shared.schema["item"].domain.size == 3 + 5
    liked = frame.with_columns(liked=pl.Series([["x"], ["y"], ["a"], []]))
    assert encoded(shared, liked)["liked"].to_list() == [[6], [7], [3], []]


def test_extend_by_nothing_new_changes_nothing() -> None:
    fitted = flow().fit(Dataset.of(OLD))
    before = fitted.vocabulary("item")
    fitted.extend(Dataset.of(OLD[:1])).extend(Dataset.of(OLD.clear()))
    assert fitted.vocabulary("item")["value"].equals(before["value"])
