"""Blocks and sparse optimizers: embedding tables, dense layers, encoders of histories, row-wise updates."""

from shortlist.nn._batch_norm import BatchNorm
from shortlist.nn._bilinear import BilinearFusion
from shortlist.nn._blocks import MLP, ResidualMLP, l2_normalize
from shortlist.nn._cross import CrossMixture, CrossNetwork, CrossVectors
from shortlist.nn._embedding import EmbeddingTables, dense_parameters, sparse_tables
from shortlist.nn._experts import Experts
from shortlist.nn._fields import CompressedInteractions, FieldAttention, pairwise_dots, pairwise_sum
from shortlist.nn._history import HistoryEncoder
from shortlist.nn._hstu import HSTUEncoder
from shortlist.nn._ligr import LiGREncoder
from shortlist.nn._mask_block import MaskBlock
from shortlist.nn._memory import keep_freed_memory
from shortlist.nn._mixed_tables import MixedTables, width_by_size
from shortlist.nn._pooling import AttentionPooling, MeanPooling, RecencyPooling, SumPooling
from shortlist.nn._precision import Precision, bf16_supported, mixed_precision
from shortlist.nn._recurrent import RecurrentEncoder
from shortlist.nn._repeats import each_once
from shortlist.nn._rows import sum_rows
from shortlist.nn._rowwise import RowFollower, RowWiseAdagrad, RowWiseAdam
from shortlist.nn._sas_rec import SASRecEncoder
from shortlist.nn._target_attention import TargetAttention
from shortlist.nn._transfer import InformationTransfer, chained
from shortlist.nn._transformer import TransformerEncoder

__all__ = [
    "MLP",
    "AttentionPooling",
    "BatchNorm",
    "BilinearFusion",
    "CompressedInteractions",
    "CrossMixture",
    "CrossNetwork",
    "CrossVectors",
    "EmbeddingTables",
    "Experts",
    "FieldAttention",
    "HSTUEncoder",
    "HistoryEncoder",
    "InformationTransfer",
    "LiGREncoder",
    "MaskBlock",
    "MeanPooling",
    "MixedTables",
    "Precision",
    "RecencyPooling",
    "RecurrentEncoder",
    "ResidualMLP",
    "RowFollower",
    "RowWiseAdagrad",
    "RowWiseAdam",
    "SASRecEncoder",
    "SumPooling",
    "TargetAttention",
    "TransformerEncoder",
    "bf16_supported",
    "chained",
    "dense_parameters",
    "each_once",
    "keep_freed_memory",
    "l2_normalize",
    "mixed_precision",
    "pairwise_dots",
    "pairwise_sum",
    "sparse_tables",
    "sum_rows",
    "width_by_size",
]
