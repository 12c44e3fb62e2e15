"""Statistics of numbers by key, which merge like those of `shortlist.features._statistics`."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from shortlist.features._numbered_cells import merged_by_number

__all__ = ["PARTS", "KeyedMoments"]

PARTS = ("count", "sum", "m2", "min", "max")


@dataclass(frozen=True, eq=False, slots=True)
class KeyedMoments:
    """For each combination of keys, null included: number and moments of values.

    For each value v the number ``n_<v>``, and what is asked for: ``sum_<v>``, ``min_<v>``, ``max_<v>``; for
    ``m2`` the mean ``mean_<v>`` and the sum of squared differences from it ``m2_<v>``; for ``count`` the
    number of rows of the key, ``count``. Nulls and infinite values of v are left out: of none sum and m2 are
    0, the rest null.

    Partitions merge by the formula of Chan, Golub and LeVeque (1979) for any number of them, which keeps its
    digits for large means.

    Attributes:
        keys: name -> expression.
        values: name -> expression of numbers.
        parts: what is measured, of `PARTS`.
    """

    keys: dict[str, pl.Expr]
    values: dict[str, pl.Expr]
    parts: tuple[str, ...] = ("sum",)

    def plan(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        """Group by the keys."""
        numbers = {f"x_{v}": value.cast(pl.Float64) for v, value in self.values.items()}
        finite = {name: pl.when(x.is_finite()).then(x) for name, x in numbers.items()}
        measured = [one for v in self.values for one in self._measured(v, pl.col(f"x_{v}"))]
        count = [pl.len().cast(pl.Int64).alias("count")] if "count" in self.parts else []
        found = rows.select(**self.keys, **finite).group_by(list(self.keys)).agg(*count, *measured)
        return found.with_columns((_of("m2", v).fill_null(0.0) * _of("n", v)) for v in self._squared)

    def merge(self, left: pl.DataFrame, right: pl.DataFrame) -> pl.DataFrame:
        """The moments of both."""
        return self.merge_many([left, right])

    def merge_many(self, frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
        """Add up; for m2, add the squared distances of the parts' means from the common mean."""
        keys, squared = list(self.keys), self._squared
        if self.by_number:
            sums = [name for name in frames[0].columns if name not in keys]
            found = merged_by_number(frames, keys[0], "".join(keys[1:]) or None, sums)
            if found is not None:
                return found.select(frames[0].columns)
        parts = pl.concat([frame.lazy() for frame in frames])
        weighted = parts.with_columns((_of("n", v) * _of("mean", v)).alias(f"weighted_{v}") for v in squared)
        added = [pl.col("count").sum()] if "count" in self.parts else []
        added += [one for v in self.values for one in self._added(v)]
        whole = weighted.group_by(keys).agg(added).with_columns(_mean(v) for v in squared)
        if squared:
            common = whole.select(*keys, *(_of("mean", v).alias(f"common_{v}") for v in squared))
            apart = parts.join(common, on=keys, how="left", nulls_equal=True).select(
                *keys,
                *(
                    (_of("n", v) * (_of("mean", v) - _of("common", v)) ** 2).alias(f"apart_{v}")
                    for v in squared
                ),
            )
            whole = whole.join(apart.group_by(keys).agg(pl.all().sum()), on=keys, nulls_equal=True)
            whole = whole.with_columns(_of("m2", v) + _of("apart", v) for v in squared)
        return whole.select(frames[0].columns).collect(engine="streaming")

    @property
    def by_number(self) -> bool:
        """Whether numbers and sums by one key are all of it, or by one key and a fold."""
        _, *others = self.keys
        return set(self.parts) <= {"count", "sum"} and others in ([], ["fold"])

    def _measured(self, v: str, x: pl.Expr) -> list[pl.Expr]:
        """Of one value; for m2 the mean square, which is multiplied by n afterwards."""
        found = {
            "n": x.count().cast(pl.Int64),
            "sum": x.sum(),
            "mean": x.mean(),
            "m2": x.var(ddof=0),
            "min": x.min(),
            "max": x.max(),
        }
        return [found[part].alias(f"{part}_{v}") for part in self._kept]

    def _added(self, v: str) -> list[pl.Expr]:
        """What the totals of one value are made of."""
        means = [
            _of("weighted", v).sum(),
            _of("mean", v).min().alias(f"low_{v}"),
            _of("mean", v).max().alias(f"high_{v}"),
        ]
        adding = {part: [_of(part, v).sum()] for part in ("n", "sum", "m2")}
        adding |= {"mean": means, "min": [_of("min", v).min()], "max": [_of("max", v).max()]}
        return [one for part in self._kept for one in adding[part]]

    @property
    def _squared(self) -> tuple[str, ...]:
        """The values whose mean and m2 are asked for."""
        return tuple(self.values) if "m2" in self.parts else ()

    @property
    def _kept(self) -> tuple[str, ...]:
        """The columns of a value, in their order."""
        asked = {"n", *self.parts} | ({"mean"} if "m2" in self.parts else set())
        return tuple(part for part in ("n", "sum", "mean", "m2", "min", "max") if part in asked)


def _of(part: str, v: str) -> pl.Expr:
    return pl.col(f"{part}_{v}")


def _mean(v: str) -> pl.Expr:
    """The common mean stays between those of the parts, so that equal ones are kept to the last digit."""
    mean = (_of("weighted", v) / _of("n", v)).clip(_of("low", v), _of("high", v))
    return pl.when(_of("n", v) > 0).then(mean).alias(f"mean_{v}")
