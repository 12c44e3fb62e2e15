"""Ranking models: the chance that a candidate is taken."""

from shortlist.models.ranking._aitm import AITM
from shortlist.models.ranking._auto_int import AutoInt
from shortlist.models.ranking._bst import BST, BSTOptions
from shortlist.models.ranking._columns import Columns
from shortlist.models.ranking._dcn import DCN, CrossOptions
from shortlist.models.ranking._deep_fm import DeepFM
from shortlist.models.ranking._din import DIN
from shortlist.models.ranking._dlrm import DLRM
from shortlist.models.ranking._dnn import DNN
from shortlist.models.ranking._esmm import ESMM
from shortlist.models.ranking._final_mlp import FinalMLP, StreamOptions
from shortlist.models.ranking._fm import FM
from shortlist.models.ranking._gradients import gradient_times_input
from shortlist.models.ranking._lr import LR
from shortlist.models.ranking._mask_net import MaskNet, MaskOptions
from shortlist.models.ranking._mmoe import CGC, PLE, MMoE
from shortlist.models.ranking._neu_mf import NeuMF
from shortlist.models.ranking._options import RankerOptions
from shortlist.models.ranking._outputs import Output
from shortlist.models.ranking._ranking_model import RankingModel
from shortlist.models.ranking._shared_bottom import SharedBottom
from shortlist.models.ranking._task_model import TaskModel, TaskOptions
from shortlist.models.ranking._wide_deep import WideDeep
from shortlist.models.ranking._x_deep_fm import XDeepFM

__all__ = [
    "AITM",
    "BST",
    "CGC",
    "DCN",
    "DIN",
    "DLRM",
    "DNN",
    "ESMM",
    "FM",
    "LR",
    "PLE",
    "AutoInt",
    "BSTOptions",
    "Columns",
    "CrossOptions",
    "DeepFM",
    "FinalMLP",
    "MMoE",
    "MaskNet",
    "MaskOptions",
    "NeuMF",
    "Output",
    "RankerOptions",
    "RankingModel",
    "SharedBottom",
    "StreamOptions",
    "TaskModel",
    "TaskOptions",
    "WideDeep",
    "XDeepFM",
    "gradient_times_input",
]
