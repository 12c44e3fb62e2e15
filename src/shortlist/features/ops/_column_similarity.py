"""How like the features of two ids are."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np
import polars as pl

from shortlist.data import Array, Ragged
from shortlist.errors import ArgumentError, SchemaError
from shortlist.features._derived import Derived
from shortlist.features._frame_columns import element_type
from shortlist.features._key_table import KeyTable
from shortlist.features._op import Arrays, Exprs, Made, Op, Step
from shortlist.features._state import State
from shortlist.features._statistics import Counts, Statistic
from shortlist.features.ops._checks import list_column
from shortlist.features.ops._feature_table import as_pairs, feature_tables
from shortlist.features.ops._groups import feature_of, group_name
from shortlist.features.ops._keyed import places
from shortlist.features.ops._sparse_rows import SparseRows, products
from shortlist.io import Dataset
from shortlist.schema import Column, Schema

__all__ = ["ColumnSimilarity"]

Table = pl.DataFrame | pl.LazyFrame | Dataset
Metric = Literal["tfidf", "cosine", "inner"]


@dataclass(frozen=True, eq=False)
class ColumnSimilarity(Op):
    """The similarity of the features of two ids of a row, such as of the item shown and the item last bought.

    An id's features are a sparse vector: features with weights, 1 where none are said, added up where a
    feature stands twice. They come from a table, one row an id, ``(id, [features])`` or
    ``(id, [features], [weights])``, or one row a feature, ``(id, feature)`` or ``(id, feature, weight)``,
    whatever the columns' names; or they are learned from a list column of the rows, as all features that ever
    stood beside the id, each with weight 1.

    - "inner": ``sum over shared features of w_left w_right``;
    - "cosine": the same with each vector scaled to length 1;
    - "tfidf": cosine after each weight is multiplied by ``log(N / n)``, where n of the N ids of both tables
      have the feature, so that what everyone has counts for nothing.

    An id that is null, unknown or without features gives 0. The column ``<left>_<right>_sim`` takes the place
    of the two. The tables become part of the fitted workflow; to fit a loaded workflow anew, give them again.

    Attributes:
        left: table of the first column's ids.
        right: table of the second column's ids; None for the same as the first column's.
        metric: how features are compared.
        left_lists: in place of ``left``, a list column that the first column's features are learned from.
        right_lists: the same for the second column.
        name: name of the new column; None for ``<left>_<right>_sim``.

    Raises:
        ArgumentError: an option is wrong, or fitting finds no features to compare.
        SchemaError: there are not two columns of ids, or a table has other columns.

    >>> from shortlist.features import Workflow
    >>> from shortlist.io import Dataset
    >>> films = pl.DataFrame({"film": [1, 2, 3], "genres": [["war", "love"], ["love"], ["space"]]})
    >>> rows = Dataset.of(pl.DataFrame({"shown": [2, 3, 9], "seen": [1, 1, 1]}))
    >>> flow = Workflow([[["shown", "seen"]] >> ColumnSimilarity(films, metric="inner")]).fit(rows)
    >>> flow.transform(rows).collect()["shown_seen_sim"].to_list()
    [1.0, 0.0, 0.0]
    """

    grouped: ClassVar[bool] = True

    left: Table | None = field(default=None, metadata={"saved": False})
    right: Table | None = field(default=None, metadata={"saved": False})
    metric: Metric = "tfidf"
    left_lists: str | None = None
    right_lists: str | None = None
    name: str | None = None

    def __post_init__(self) -> None:
        if self.metric not in ("tfidf", "cosine", "inner"):
            raise ArgumentError(
                "ColumnSimilarity.metric", received=self.metric, expected="'tfidf', 'cosine' or 'inner'"
            )
        for side, table, lists in self._sides():
            if table is not None and lists is not None:
                raise ArgumentError(
                    f"ColumnSimilarity.{side}",
                    received=f"a table beside {side}_lists",
                    expected="features from one place",
                    remedy="leave one of them out",
                )

    def make(self, inputs: tuple[Column, ...], state: State | None) -> Made:  # noqa: ARG002
        """One continuous column in place of the two."""
        if len(inputs) != 2:
            raise SchemaError(
                "ColumnSimilarity",
                received=f"columns {[column.name for column in inputs]}",
                expected="a group of two columns of ids",
                remedy='write [["a", "b"]] >> ColumnSimilarity(...)',
            )
        both = group_name("ColumnSimilarity", inputs, None)
        return Made((feature_of(inputs, self.name or f"{both}_sim"),), together=True)

    def beside(self, raw: Schema) -> tuple[str, ...]:
        """The list columns that features are learned from."""
        names = [lists for _, _, lists in self._sides() if lists is not None]
        for name in names:
            list_column("ColumnSimilarity", raw[name])
        return tuple(names)

    def after(self) -> tuple[str, ...]:
        """Nothing."""
        return ()

    def statistics(self, step: Step, columns: Exprs) -> Mapping[str, Statistic]:
        """Which features stand beside which id."""
        return {
            side: _Beside(columns[column.name], columns[lists])
            for (side, _, lists), column in zip(self._sides(), step.inputs, strict=True)
            if lists is not None
        }

    def finish(self, step: Step, totals: Mapping[str, pl.DataFrame], fitted: Mapping[str, State]) -> State:  # noqa: ARG002
        """The weighted features of every id, scaled as the metric wants."""
        pairs: dict[str, pl.DataFrame] = {}
        for (side, table, lists), column in zip(self._sides(), step.inputs, strict=True):
            if lists is not None:
                pairs[side] = totals[side].select("id", "feature", weight=pl.lit(1.0))
            elif table is not None:
                pairs[side] = as_pairs(f"ColumnSimilarity.{side}", table, element_type(column))
        if "left" not in pairs:
            raise ArgumentError(
                "ColumnSimilarity.left",
                received="neither a table nor left_lists",
                expected="the features of the first column's ids",
                remedy="pass left= or left_lists=; tables are not saved with the op, so pass them again",
            )
        if "right" not in pairs:
            pairs["right"] = pairs["left"]
        return State({}, feature_tables(pairs, self.metric))

    def transform(self, step: Step, state: State, columns: Exprs) -> Exprs:
        """Positions of both ids, and the products of their features."""
        (made,), (left, right) = step.outputs, step.inputs
        tables, sides = state.tables, _SIDES.of(state)

        def compare(rows: pl.Series) -> pl.Series:
            ours, theirs = (rows.struct.field(side).to_numpy() for side in ("left", "right"))
            return pl.Series(rows.name, products(sides["left"], ours, sides["right"], theirs))

        positions = pl.struct(
            left=tables["left"].place(columns[left.name]), right=tables["right"].place(columns[right.name])
        )
        return {made.name: positions.map_batches(compare, return_dtype=pl.Float64, is_elementwise=True)}

    def transform_batch(self, step: Step, state: State, columns: Arrays) -> Arrays:
        """Positions of both ids, and the products of their features."""
        (made,), (left, right) = step.outputs, step.inputs
        ours = _positions(state.tables["left"], columns[left.name])
        theirs = _positions(state.tables["right"], columns[right.name])
        sides = _SIDES.of(state)
        return {made.name: products(sides["left"], ours, sides["right"], theirs)}

    def _sides(self) -> tuple[tuple[str, Table | None, str | None], ...]:
        return ("left", self.left, self.left_lists), ("right", self.right, self.right_lists)


@dataclass(frozen=True, eq=False, slots=True)
class _Beside:
    """Every id with every feature that stands beside it: columns ``id``, ``feature``, ``count``."""

    ids: pl.Expr
    lists: pl.Expr

    def plan(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        """Count the pairs of an id and a feature."""
        pairs = rows.select(id=self.ids, feature=self.lists).explode("feature", empty_as_null=False)
        return _PAIRS.plan(pairs.drop_nulls())

    def merge(self, left: pl.DataFrame, right: pl.DataFrame) -> pl.DataFrame:
        """Add up the counts of equal pairs."""
        return _PAIRS.merge(left, right)


_PAIRS = Counts({"id": pl.col("id"), "feature": pl.col("feature")})


def _positions(table: KeyTable, ids: Array | Ragged) -> Array:
    assert not isinstance(ids, Ragged)
    return np.asarray(places(table, ids), dtype=np.int64)


def _read(state: State) -> Mapping[str, SparseRows]:
    return {side: SparseRows.of(table) for side, table in state.tables.items()}


_SIDES = Derived(_read)
