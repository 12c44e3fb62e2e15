"""Losses: pure functions of scores or vectors, one signature a family."""

from shortlist.losses._amounts import huber, squared_error, watch_time
from shortlist.losses._classes import cross_entropy
from shortlist.losses._contrastive import contrastive, cosine_contrastive
from shortlist.losses._distillation import distillation
from shortlist.losses._full_softmax import full_softmax
from shortlist.losses._gains import approx_ndcg, lambda_rank
from shortlist.losses._info_nce import info_nce
from shortlist.losses._likelihood import gbce, logistic, softmax
from shortlist.losses._listwise import list_mle, list_net, rank_net
from shortlist.losses._margin import adaptive_hinge, hinge, triplet
from shortlist.losses._pairwise import bpr, bpr_max, top1, top1_max
from shortlist.losses._pointwise import binary_cross_entropy, focal
from shortlist.losses._query_rows import SharedQueries
from shortlist.losses._softmax import sampled_softmax
from shortlist.losses._warp import warp, wmrb

__all__ = [
    "SharedQueries",
    "adaptive_hinge",
    "approx_ndcg",
    "binary_cross_entropy",
    "bpr",
    "bpr_max",
    "contrastive",
    "cosine_contrastive",
    "cross_entropy",
    "distillation",
    "focal",
    "full_softmax",
    "gbce",
    "hinge",
    "huber",
    "info_nce",
    "lambda_rank",
    "list_mle",
    "list_net",
    "logistic",
    "rank_net",
    "sampled_softmax",
    "softmax",
    "squared_error",
    "top1",
    "top1_max",
    "triplet",
    "warp",
    "watch_time",
    "wmrb",
]
