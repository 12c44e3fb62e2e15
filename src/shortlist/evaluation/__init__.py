"""Offline evaluation: any pipeline over held-out truth, with baselines, slices and intervals."""

from shortlist.evaluation._baselines import baselines
from shortlist.evaluation._evaluate import DEFAULT_METRICS, Seen, by_stage, evaluate
from shortlist.evaluation._evaluation import Evaluation
from shortlist.evaluation._protocol import EvaluationProtocol
from shortlist.evaluation._ranker import RankerQuality, ranker_quality

__all__ = [
    "DEFAULT_METRICS",
    "Evaluation",
    "EvaluationProtocol",
    "RankerQuality",
    "Seen",
    "baselines",
    "by_stage",
    "evaluate",
    "ranker_quality",
]
