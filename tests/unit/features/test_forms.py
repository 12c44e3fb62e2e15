"""Ops of a user's own, written with the public forms, pass the suite of the library's ops."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from shortlist.features import forms
from shortlist.schema import Column, Schema
from shortlist.testing import _ops as suite

SCHEMA = Schema([Column("heat", "float64", ("continuous",)), Column("shop", "string", ("categorical",))])


@dataclass(frozen=True)
class Celsius(forms.Numeric):
    """Degrees Fahrenheit to degrees Celsius."""

    def scalars(self, step: forms.Step, state: forms.State) -> tuple[forms.Scalar, ...]:
        return (forms.Affine(32.0, 1.8),)


@dataclass(frozen=True)
class Frequency(forms.Keyed):
    """How many rows had the row's value in fitting; 0 for null and for values that were not seen."""

    def make(self, inputs: tuple[Column, ...], state: forms.State | None) -> forms.Made:
        (column,) = inputs
        return forms.Made((Column(f"{column.name}_frequency", "float64", ("continuous",)),))

    def after(self) -> tuple[str, ...]:
        return ()

    def statistics(self, step: forms.Step, columns: forms.Exprs) -> Mapping[str, forms.Statistic]:
        (column,) = step.inputs
        return {"counts": forms.Counts({"value": columns[column.name]})}

    def finish(
        self,
        step: forms.Step,
        totals: Mapping[str, pl.DataFrame],
        fitted: Mapping[str, forms.State],
    ) -> forms.State:
        counts = totals["counts"].drop_nulls("value").sort("value")
        return forms.State({}, {"counts": forms.KeyTable(counts, ("value",))})

    def gather(
        self,
        step: forms.Step,
        state: forms.State,
        inputs: tuple[Column, ...],
    ) -> forms.Gather:
        table, (made,) = state.tables["counts"], step.outputs
        values = forms.Values.of(table.frame["count"].to_numpy(), null=0.0, unknown=0.0)
        return forms.Gather(table, {made.name: values})


def branches() -> Sequence[Any]:
    return ["heat" >> Celsius(), "shop" >> Frequency()]


CASE = suite.OpCase("own", branches, SCHEMA)
ROWS = suite.frames(SCHEMA)


@given(fitted_on=ROWS, frame=ROWS)
@settings(max_examples=15, deadline=None)
def test_both_paths_of_an_own_op_agree(fitted_on: pl.DataFrame, frame: pl.DataFrame) -> None:
    suite.check_paths(CASE, fitted_on, frame)


@given(frame=ROWS, cuts=st.lists(st.integers(0, 20), max_size=3))
@settings(max_examples=10, deadline=None)
def test_an_own_op_does_not_depend_on_partitions(frame: pl.DataFrame, cuts: list[int]) -> None:
    suite.check_partitions(CASE, frame, cuts)


def test_an_own_op_takes_no_rows_and_nulls() -> None:
    suite.check_edges(CASE)


def test_own_ops_compute_what_they_say() -> None:
    rows = pl.DataFrame({"heat": [32.0, 212.0, None], "shop": ["a", "a", None]})
    out = CASE.fit(rows).transform_batch(suite.as_batch(rows, SCHEMA))
    assert suite.rows_of(out["heat"]) == [(32.0 - 32.0) / 1.8, (212.0 - 32.0) / 1.8, None]
    assert suite.rows_of(out["shop_frequency"]) == [2.0, 2.0, 0.0]
