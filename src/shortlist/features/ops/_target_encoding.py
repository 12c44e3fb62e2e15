"""Groups to the mean of a target."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

from shortlist.errors import ArgumentError, SchemaError
from shortlist.features._folds import fold_of, row_key
from shortlist.features._gather import Gather, Values
from shortlist.features._key_table import KeyTable
from shortlist.features._keyed_statistics import KeyedMoments
from shortlist.features._op import Exprs, Made, Step
from shortlist.features._state import State
from shortlist.features._statistics import Statistic
from shortlist.features._taken import numbers_taken
from shortlist.features.ops._checks import column_type
from shortlist.features.ops._groups import (
    feature_of,
    group_keys,
    group_name,
    group_place,
    group_places,
    one_value,
)
from shortlist.features.ops._keyed import Keyed
from shortlist.schema import Column, Schema, Tags

__all__ = ["TargetEncoding"]

Floats: TypeAlias = npt.NDArray[np.float64]
Integers: TypeAlias = npt.NDArray[np.int32]


@dataclass(frozen=True)
class TargetEncoding(Keyed):
    """The mean of a target within the row's group, drawn towards the mean of all rows.

    ``(sum + smoothing * mean) / (count + smoothing)`` for each target, with sum and count over the group's
    rows and the mean over all; rows whose target is null or infinite do not count. The groups are the values
    of a column, or the combinations of a column group. Null is a group of its own; an unknown value, and a
    group without a target, get the mean of all rows.

    A row that the op was fitted on must not see its own target: in training its fold is left out, of sum
    and count and of the mean over all rows alike. The fold is the hash of a row key, so it does not depend on
    partitions, their order or the machine. Elsewhere, and when serving, all rows count, and the targets and
    the row key are not asked for. Folds are blind to time; where the future must not be seen, take the mean
    as of each row's time by `AsOf`.

    Columns: ``TE_<group>_<target>``; the columns of the group do not go on.

    Attributes:
        target: name of a column of numbers or booleans, or names of several.
        folds: how many folds the rows are spread over, from 2 to 1000.
        smoothing: weight of the mean over all rows, in rows; 0 for none.
        fold_by: columns of the row key; rows that are equal in all of them share a fold. None for all ids
            and times of the data, or for all their columns where that is no more than one id; never targets.
        name: name of the group; None for the columns' names joined by "_".
        seed: another seed gives other folds.

    Raises:
        ArgumentError: an option is out of its range, or the row key is the same for all rows of a group.
        SchemaError: a target holds no numbers, or the group's columns hold lists, fractions or times.

    >>> from shortlist.features import Workflow
    >>> from shortlist.io import Dataset
    >>> rows = Dataset.of(pl.DataFrame({
    ...     "event": [1, 2, 3, 4], "shop": ["a", "a", "b", "b"], "sold": [1, 0, 1, 1],
    ... }))
    >>> flow = Workflow(["shop" >> TargetEncoding("sold", smoothing=2)]).fit(rows)
    >>> flow.transform(rows, training=False).collect()["TE_shop_sold"].to_list()
    [0.625, 0.625, 0.875, 0.875]
    """

    grouped: ClassVar[bool] = True

    target: str | Sequence[str]
    folds: int = 5
    smoothing: float = 20.0
    fold_by: str | Sequence[str] | None = None
    name: str | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.targets or len(set(self.targets)) < len(self.targets):
            raise ArgumentError("TargetEncoding.target", received=self.target, expected="names, each once")
        if isinstance(self.folds, bool) or not isinstance(self.folds, int) or not 2 <= self.folds <= 1000:
            raise ArgumentError(
                "TargetEncoding.folds", received=self.folds, expected="an integer from 2 to 1000"
            )
        if not 0 <= self.smoothing < np.inf:
            raise ArgumentError(
                "TargetEncoding.smoothing", received=self.smoothing, expected="a number of rows, 0 or more"
            )
        shared = set(_names(self.fold_by or ())) & set(self.targets)
        if self.fold_by is not None and (shared or not _names(self.fold_by)):
            raise ArgumentError(
                "TargetEncoding.fold_by",
                received=self.fold_by,
                expected="columns that are no targets: a fold must not tell of its rows' targets",
            )

    @property
    def targets(self) -> tuple[str, ...]:
        """Names of the targets, in order."""
        return _names(self.target)

    def make(self, inputs: tuple[Column, ...], state: State | None) -> Made:  # noqa: ARG002
        """A continuous column for each target."""
        group = group_name("TargetEncoding", inputs, self.name)
        if any(column.name in self.targets for column in inputs):
            raise ArgumentError(
                "TargetEncoding.target", received=self.target, expected="columns that do not form the groups"
            )
        columns = [feature_of(inputs, f"TE_{group}_{target}") for target in self.targets]
        return Made(tuple(columns), together=True)

    def beside(self, raw: Schema) -> tuple[str, ...]:
        """The targets, then the columns of the row key."""
        for name in self.targets:
            _check_target(raw[name])
        key = row_key(raw, self.targets) if self.fold_by is None else _names(self.fold_by)
        for name in key:
            one_value("TargetEncoding.fold_by", raw[name])
        return (*self.targets, *key)

    def after(self) -> tuple[str, ...]:
        """Nothing."""
        return ()

    def statistics(self, step: Step, columns: Exprs) -> Mapping[str, Statistic]:
        """Count and sum of each target by group and fold."""
        key = step.beside[len(self.targets) :]
        if {column.name for column in key} <= {column.name for column in step.inputs}:
            raise ArgumentError(
                "TargetEncoding.fold_by",
                received=f"row key {[column.name for column in key]}",
                expected="columns that differ within a group, else all its rows are in one fold",
                remedy="name other columns with fold_by; where there are none, add a number of the row",
            )
        keys = {**group_keys(step, columns), "fold": fold_of(key, self.folds, self.seed)}
        return {"targets": KeyedMoments(keys, {target: columns[target] for target in self.targets})}

    def finish(self, step: Step, totals: Mapping[str, pl.DataFrame], fitted: Mapping[str, State]) -> State:  # noqa: ARG002
        """The encodings by group: from all rows, and for each fold from the others."""
        keys = [f"key_{place}" for place in range(len(step.inputs))]
        groups, found, place = group_places(totals["targets"], keys)
        cell = found["fold"].to_numpy(), place
        whole, parts = {}, {}
        for target in self.targets:
            count = np.zeros((self.folds, len(groups) + 2), np.int32)
            total = np.zeros(count.shape)
            count[cell], total[cell] = found[f"n_{target}"].to_numpy(), found[f"sum_{target}"].to_numpy()
            whole[target] = self._encoded(count, total)
            parts[target] = self._without_each(count, total)
        tables = {"encodings": KeyTable(pl.DataFrame(whole), ()), "folds": KeyTable(pl.DataFrame(parts), ())}
        return State({}, {"groups": groups, **tables})

    def gather(self, step: Step, state: State, inputs: tuple[Column, ...]) -> Gather:  # noqa: ARG002
        """The encodings from all rows."""
        known = state.tables["encodings"].frame
        outputs = {
            column.name: Values(known[target].to_numpy())
            for column, target in zip(step.outputs, self.targets, strict=True)
        }
        return Gather(state.tables["groups"], outputs)

    def training(self, step: Step, state: State, columns: Exprs) -> Exprs:
        """The encodings from the rows of the other folds."""
        place = group_place(state.tables["groups"], step.inputs, columns)
        fold = fold_of(step.beside[len(self.targets) :], self.folds, self.seed)
        cell = place * self.folds + fold.cast(pl.Int64)
        known = state.tables["folds"].frame
        return {
            column.name: _taken(cell, known[target].to_numpy())
            for column, target in zip(step.outputs, self.targets, strict=True)
        }

    def _without_each(self, count: Integers, total: Floats) -> npt.NDArray[np.float32]:
        """By position and fold, one after the other: the encodings without the fold."""
        out = np.empty((count.shape[1], self.folds), np.float32)
        for fold in range(self.folds):
            others = np.arange(self.folds) != fold
            out[:, fold] = self._encoded(count[others], total[others])
        return out.reshape(-1)

    def _encoded(self, count: Integers, total: Floats) -> Floats:
        """By position: of the groups, of null, and of what is unknown, for which nothing was counted."""
        counts, totals = count.sum(axis=0, dtype=np.int64), total.sum(axis=0)
        mean = totals.sum() / counts.sum() if counts.any() else np.nan
        weight = counts + self.smoothing
        out = np.full(len(weight), mean)
        np.divide(totals + self.smoothing * mean, weight, out=out, where=weight > 0)
        return out


def _names(given: str | Sequence[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)


def _check_target(column: Column) -> None:
    remedy = "make a column of 0 and 1 for each class, and name them all"
    column_type("TargetEncoding.target", column, "int", "uint", "float", "bool", remedy=remedy)
    one_value("TargetEncoding.target", column)
    if column.has(Tags.MULTICLASS):
        raise SchemaError(
            f"TargetEncoding.target {column.name!r}",
            received="numbers of classes",
            expected="a binary target or a quantity, whose mean says something",
            remedy=remedy,
        )


def _taken(cell: pl.Expr, numbers: npt.NDArray[Any]) -> pl.Expr:
    """Numbers by position; places of null and unknown count from the end."""

    def take(cells: pl.Series) -> pl.Series:
        return numbers_taken(numbers, cells, 0)

    return cell.map_batches(take, return_dtype=pl.Float64, is_elementwise=True)
