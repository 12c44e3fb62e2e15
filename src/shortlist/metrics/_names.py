"""What a metric is called, and what a name with a variant asks for."""

import re
from dataclasses import dataclass, replace
from typing import Literal

from shortlist.errors import ArgumentError
from shortlist.metrics._ranking import RankingMetric, parse

__all__ = ["MetricName", "Negatives", "read_name"]

Negatives = Literal["uniform", "popularity"]

_VARIANT = re.compile(
    r"sampled:(?P<count>[1-9]\d*),(?P<draw>uniform|popularity)(?P<corrected>,corrected)?"
    r"|debiased(?::(?P<reach>\d+(?:\.\d+)?))?"
)


@dataclass(frozen=True, slots=True)
class MetricName:
    """A metric as it was asked for.

    Attributes:
        text: the whole name; it stands beside every number.
        metric: the function.
        k: the cut.
        negatives: how many items are drawn to rank the truth among; None for the whole catalogue.
        draw: how they are drawn.
        corrected: whether ranks among the drawn are scaled up to the catalogue.
        debiased: interquartile ranges above the third quartile of popularity that an item's held-out events
            are thinned to; None for all of them.
    """

    text: str
    metric: RankingMetric
    k: int
    negatives: int | None = None
    draw: Negatives = "uniform"
    corrected: bool = False
    debiased: float | None = None


def read_name(text: str) -> MetricName:
    """Read a metric's name with its variant, if it has one.

    - ``ndcg@10``: over the whole catalogue, see `parse`;
    - ``ndcg@10(sampled:100,uniform)``: the truth among 100 items drawn uniformly, or by ``popularity``. Such
      values are inconsistent with those over the catalogue even in expectation (Krichene and Rendle, 2020):
      for comparison with old figures only. ``(sampled:100,uniform,corrected)`` scales the rank r among n
      drawn to ``1 + floor((items - 1) (r - 1) / n)``, their simplest correction;
    - ``ndcg@10(debiased)``, ``(debiased:1.5)``: held-out events of very popular items are thinned, see
      `debiased_truth`.

    Raises:
        ArgumentError: the metric or its variant is unknown.

    >>> name = read_name("recall@10(sampled:100,uniform)")
    >>> name.k, name.negatives, name.draw
    (10, 100, 'uniform')
    """
    plain, bracket, rest = text.partition("(")
    metric, k = parse(plain)
    named = MetricName(text, metric, k)
    if not bracket:
        return named
    found = _VARIANT.fullmatch(rest.removesuffix(")")) if rest.endswith(")") else None
    if found is None:
        raise ArgumentError(
            "metrics.read_name",
            received=text,
            expected="a variant (sampled:N,uniform), (sampled:N,popularity) or (debiased)",
            remedy=f"write '{plain}' for the whole catalogue",
        )
    if found["count"] is None:
        return replace(named, debiased=float(found["reach"] or 1.5))
    draw: Negatives = "uniform" if found["draw"] == "uniform" else "popularity"
    return replace(named, negatives=int(found["count"]), draw=draw, corrected=found["corrected"] is not None)
