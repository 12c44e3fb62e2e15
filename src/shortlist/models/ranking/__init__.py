"""Ranking models: the chance that a candidate is taken."""

from shortlist.models.ranking._dcn import DCN, CrossOptions
from shortlist.models.ranking._deep_fm import DeepFM
from shortlist.models.ranking._dlrm import DLRM
from shortlist.models.ranking._dnn import DNN
from shortlist.models.ranking._fm import FM
from shortlist.models.ranking._lr import LR
from shortlist.models.ranking._options import RankerOptions
from shortlist.models.ranking._outputs import Output
from shortlist.models.ranking._ranking_model import RankingModel
from shortlist.models.ranking._wide_deep import WideDeep

__all__ = [
    "DCN",
    "DLRM",
    "DNN",
    "FM",
    "LR",
    "CrossOptions",
    "DeepFM",
    "Output",
    "RankerOptions",
    "RankingModel",
    "WideDeep",
]
