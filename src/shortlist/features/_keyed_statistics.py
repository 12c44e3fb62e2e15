"""Statistics of numbers by key, which merge like those of `shortlist.features._statistics`."""

from dataclasses import dataclass

import polars as pl

__all__ = ["PARTS", "KeyedMoments"]

PARTS = ("sum", "m2", "min", "max")


@dataclass(frozen=True, eq=False, slots=True)
class KeyedMoments:
    """For each combination of keys, null included: ``count`` of its rows, and for each value v its ``n_<v>``.

    Beside these what is asked for: ``sum_<v>``, ``min_<v>``, ``max_<v>``; for ``m2`` the mean ``mean_<v>`` and the
    sum of squared differences from it ``m2_<v>``. Nulls and infinite values of v are left out: of none the
    sum is 0, mean, minimum and maximum are null.

    Partitions merge by the formula of Chan, Golub and LeVeque (1979), which keeps its digits for large means.

    Attributes:
        keys: name -> expression.
        values: name -> expression of numbers.
        parts: what is measured of the values, of `PARTS`.
    """

    keys: dict[str, pl.Expr]
    values: dict[str, pl.Expr]
    parts: tuple[str, ...] = ("sum",)

    def plan(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        """Group by the keys."""
        numbers = {f"x_{v}": value.cast(pl.Float64) for v, value in self.values.items()}
        finite = {name: pl.when(x.is_finite()).then(x) for name, x in numbers.items()}
        asked = [pl.len().cast(pl.Int64).alias("count")]
        for v in self.values:
            asked += self._measured(v, pl.col(f"x_{v}"))
        found = rows.select(**self.keys, **finite).group_by(list(self.keys)).agg(asked)
        return found.with_columns(
            (pl.col(f"m2_{v}").fill_null(0.0) * pl.col(f"n_{v}")).alias(f"m2_{v}")
            for v in self.values
            if "m2" in self.parts
        )

    def merge(self, left: pl.DataFrame, right: pl.DataFrame) -> pl.DataFrame:
        """Add up, and Chan's formula: a key has at most one row on either side."""
        both = pl.concat([left, right]).lazy()
        if "m2" in self.parts:
            both = both.with_columns((_of("n", v) * _of("mean", v)).alias(f"weighted_{v}") for v in self.values)
        asked = [pl.col("count").sum()]
        for v in self.values:
            asked += self._added(v)
        found = both.group_by(list(self.keys)).agg(asked)
        if "m2" in self.parts:
            found = found.with_columns(part for v in self.values for part in _joined(v))
        return found.select(left.columns).collect(engine="streaming")

    def _measured(self, v: str, x: pl.Expr) -> list[pl.Expr]:
        """Of one value; for m2 its share of each row, which is multiplied by n afterwards."""
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
        adding = {
            "n": [_of("n", v).sum()],
            "sum": [_of("sum", v).sum()],
            "mean": [
                _of("weighted", v).sum(),
                _of("mean", v).min().alias(f"low_{v}"),
                _of("mean", v).max().alias(f"high_{v}"),
            ],
            "m2": [
                _of("m2", v).sum(),
                (_of("n", v).min().cast(pl.Float64) * _of("n", v).max()).alias(f"pairs_{v}"),
            ],
            "min": [_of("min", v).min()],
            "max": [_of("max", v).max()],
        }
        return [one for part in self._kept for one in adding[part]]

    @property
    def _kept(self) -> tuple[str, ...]:
        """The columns of a value, in their order."""
        means = ("mean", "m2") if "m2" in self.parts else ()
        plain = ("sum",) if "sum" in self.parts else ()
        return ("n", *plain, *means, *(part for part in ("min", "max") if part in self.parts))


def _of(part: str, v: str) -> pl.Expr:
    return pl.col(f"{part}_{v}")


def _joined(v: str) -> list[pl.Expr]:
    """Mean and m2 of two parts; the mean stays between theirs, so that equal ones are kept to the last digit."""
    n, low, high = _of("n", v), _of("low", v), _of("high", v)
    mean = pl.when(n > 0).then((_of("weighted", v) / n).clip(low, high)).alias(f"mean_{v}")
    between = ((high - low) ** 2 * _of("pairs", v) / n).fill_nan(0.0).fill_null(0.0)
    return [mean, (_of("m2", v) + between).alias(f"m2_{v}")]
