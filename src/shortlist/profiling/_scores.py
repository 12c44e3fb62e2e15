"""How well one column alone tells a target, judged on rows that it did not learn from."""

import numpy as np
import numpy.typing as npt
import polars as pl

from shortlist.metrics import auc

__all__ = ["explained", "separation"]

Labels = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_ENOUGH = 20
_FEW_VALUES = 200


def separation(feature: pl.Series, labels: Labels) -> float:
    """Area under the ROC curve that the column alone reaches, from 0.5 for nothing to 1 for everything.

    Numbers are taken as scores, in whichever direction is better; values that recur (of numbers at most 200
    of them) also by the share of positives among the other half of the rows with that value, so that a value
    does not tell its own label. Rows without a value are left out. 0.5 where there are fewer than 20 rows of
    either label.

    Args:
        feature: a column [B].
        labels: 0 or 1 [B].

    >>> separation(pl.Series(range(100)), np.arange(100) // 50)
    1.0
    """
    known = feature.is_not_null().to_numpy()
    column, truth = feature.drop_nulls(), labels[known]
    if min(int(truth.sum()), int((1 - truth).sum())) < _ENOUGH:
        return 0.5
    scores = [0.5]
    if column.dtype.is_numeric():
        straight = auc(truth, np.nan_to_num(column.cast(pl.Float64).to_numpy()))
        scores += [straight, 1.0 - straight]
    if _recurs(column):
        scores.append(auc(truth, _by_value(column, truth.astype(np.float64))))
    return max(scores)


def explained(feature: pl.Series, values: Floats) -> float:
    """Share of the variance of a number that the column alone explains, as `separation` judges it: 0 to 1.

    >>> explained(pl.Series(["a", "b"] * 50), np.tile([1.0, 3.0], 50)) > 0.95
    True
    """
    known = feature.is_not_null().to_numpy() & np.isfinite(values)
    column, truth = feature.filter(pl.Series(known)), values[known]
    if len(truth) < 2 * _ENOUGH or float(np.var(truth)) == 0.0:
        return 0.0
    shares = [0.0]
    if column.dtype.is_numeric() and column.n_unique() > 1:
        both = pl.DataFrame({"x": column.cast(pl.Float64), "y": truth})
        shares.append(float(both.select(pl.corr("x", "y", method="spearman")).item() ** 2))
    if _recurs(column):
        shares.append(1.0 - float(np.mean((_by_value(column, truth) - truth) ** 2) / np.var(truth)))
    return max(shares)


def _recurs(column: pl.Series) -> bool:
    if column.dtype.is_nested():
        return False
    values = column.n_unique()
    return values <= _FEW_VALUES if column.dtype.is_numeric() else values <= len(column) / 2


def _by_value(column: pl.Series, truth: Floats) -> Floats:
    """For every row the mean of the truth over rows of the same value in the other half."""
    half = pl.int_range(len(column), eager=True).hash(seed=2) % 2
    rows = pl.DataFrame({"value": column, "truth": truth, "half": half})
    whole, own = ("value",), ("value", "half")
    others = pl.col("truth").sum().over(whole) - pl.col("truth").sum().over(own)
    number = pl.len().over(whole) - pl.len().over(own)
    mean = (others + float(truth.mean())) / (number + 1.0)
    return rows.select(mean).to_series().to_numpy()
