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
from shortlist.metrics._beyond import (
    calibration,
    category_diversity,
    intra_list_diversity,
    novelty,
    percentiles,
    serendipity,
)
from shortlist.metrics._binary import (
    auc,
    ece,
    gauc,
    logloss,
    normalised_entropy,
    predicted_ratio,
    undersampled,
)
from shortlist.metrics._catalogue import average_popularity, coverage, gini
from shortlist.metrics._debiased import debiased_truth
from shortlist.metrics._hits import hits
from shortlist.metrics._intervals import (
    Difference,
    Interval,
    Mean,
    mean,
    mean_interval,
    paired_bootstrap,
    sign_flip,
)
from shortlist.metrics._names import MetricName, read_name
from shortlist.metrics._off_policy import doubly_robust, ips, snips
from shortlist.metrics._pessimistic import hits_at, rank_pessimistic
from shortlist.metrics._position_bias import PositionBias, inverse_propensity, position_bias
from shortlist.metrics._products import top_products
from shortlist.metrics._ranking import (
    RankingMetric,
    average_precision,
    capped_recall,
    hit_rate,
    mrr,
    ndcg,
    parse,
    precision,
    r_precision,
    recall,
)
from shortlist.metrics._sampled import sampled_hits
from shortlist.metrics._top_k import top_k
from shortlist.metrics._within import ndcg_within

__all__ = [
    "BestK",
    "Difference",
    "Interval",
    "Mean",
    "MetricName",
    "PositionBias",
    "RankingMetric",
    "auc",
    "average_popularity",
    "average_precision",
    "calibration",
    "capped_recall",
    "category_diversity",
    "coverage",
    "debiased_truth",
    "doubly_robust",
    "ece",
    "gauc",
    "gini",
    "hit_rate",
    "hits",
    "hits_at",
    "intra_list_diversity",
    "inverse_propensity",
    "ips",
    "logloss",
    "mean",
    "mean_interval",
    "mrr",
    "ndcg",
    "ndcg_within",
    "normalised_entropy",
    "novelty",
    "paired_bootstrap",
    "parse",
    "percentiles",
    "position_bias",
    "precision",
    "predicted_ratio",
    "r_precision",
    "rank_pessimistic",
    "read_name",
    "recall",
    "sampled_hits",
    "serendipity",
    "sign_flip",
    "snips",
    "top_k",
    "top_products",
    "undersampled",
]
