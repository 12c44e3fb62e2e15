"""Offline evaluation: any pipeline over held-out truth, with baselines, slices, intervals and pages."""

from shortlist.evaluation._asked import Asked
from shortlist.evaluation._baselines import baselines
from shortlist.evaluation._compare import Budget, compare
from shortlist.evaluation._comparison import Comparison, Tuned
from shortlist.evaluation._evaluate import DEFAULT_METRICS, Seen, by_stage, evaluate
from shortlist.evaluation._evaluation import Evaluation
from shortlist.evaluation._explain import Explanation, explain
from shortlist.evaluation._off_policy import off_policy
from shortlist.evaluation._permutation import permutation_importance
from shortlist.evaluation._protocol import EvaluationProtocol
from shortlist.evaluation._ranker import (
    RankerEvaluation,
    RankerQuality,
    evaluate_ranker,
    ranker_quality,
    ranker_slices,
)
from shortlist.evaluation._report import Details, report
from shortlist.evaluation._spaces import Baseline, baseline_spaces
from shortlist.evaluation._truth import Truth

__all__ = [
    "DEFAULT_METRICS",
    "Asked",
    "Baseline",
    "Budget",
    "Comparison",
    "Details",
    "Evaluation",
    "EvaluationProtocol",
    "Explanation",
    "RankerEvaluation",
    "RankerQuality",
    "Seen",
    "Truth",
    "Tuned",
    "baseline_spaces",
    "baselines",
    "by_stage",
    "compare",
    "evaluate",
    "evaluate_ranker",
    "explain",
    "off_policy",
    "permutation_importance",
    "ranker_quality",
    "ranker_slices",
    "report",
]
