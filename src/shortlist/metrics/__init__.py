"""Metrics in plain NumPy: ranking over ragged truth, beyond accuracy, binary targets, intervals.

Every ranking metric has one signature, ``metric(hits, relevant, k) -> values``, and keeps one value for each
query, so that a mean, an interval, a slice and a paired comparison are all taken from the same numbers.

>>> import numpy as np
>>> recommended = np.array([[7, 3, 9], [4, 5, -1]])
>>> offsets, items = np.array([0, 2, 3]), np.array([3, 8, 4])
>>> found = hits(recommended, offsets, items)
>>> metric, k = parse("recall@3")
>>> metric(found, np.diff(offsets), k)
array([0.5, 1. ])
"""

from shortlist.metrics._best_k import BestK
from shortlist.metrics._binary import auc, ece, logloss, normalised_entropy
from shortlist.metrics._catalogue import average_popularity, coverage, gini
from shortlist.metrics._hits import hits
from shortlist.metrics._intervals import (
    Difference,
    Interval,
    Mean,
    mean,
    mean_interval,
    paired_bootstrap,
)
from shortlist.metrics._pessimistic import hits_at, rank_pessimistic
from shortlist.metrics._products import top_products
from shortlist.metrics._ranking import (
    RankingMetric,
    average_precision,
    hit_rate,
    mrr,
    ndcg,
    parse,
    precision,
    recall,
)
from shortlist.metrics._top_k import top_k

__all__ = [
    "BestK",
    "Difference",
    "Interval",
    "Mean",
    "RankingMetric",
    "auc",
    "average_popularity",
    "average_precision",
    "coverage",
    "ece",
    "gini",
    "hit_rate",
    "hits",
    "hits_at",
    "logloss",
    "mean",
    "mean_interval",
    "mrr",
    "ndcg",
    "normalised_entropy",
    "paired_bootstrap",
    "parse",
    "precision",
    "rank_pessimistic",
    "recall",
    "top_k",
    "top_products",
]
