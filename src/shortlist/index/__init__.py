"""Indexes of vectors: search by inner product, tuned to a measured recall, edited, kept in versions."""

from shortlist.index._build import build, rebuild
from shortlist.index._facts import KINDS, Facts, Kind
from shortlist.index._files import stamp
from shortlist.index._live import LiveIndex, pinned
from shortlist.index._load import load
from shortlist.index._options import IndexOptions
from shortlist.index._pgvector import PgVectorIndex, PgVectorOptions
from shortlist.index._search import VectorIndex
from shortlist.index._tune import tune_index
from shortlist.index._tune_options import IndexTuneOptions
from shortlist.index._tuning import CurvePoint, IndexTrial, IndexTuning
from shortlist.index._versions import current, publish, roll_back, versions

__all__ = [
    "KINDS",
    "CurvePoint",
    "Facts",
    "IndexOptions",
    "IndexTrial",
    "IndexTuneOptions",
    "IndexTuning",
    "Kind",
    "LiveIndex",
    "PgVectorIndex",
    "PgVectorOptions",
    "VectorIndex",
    "build",
    "current",
    "load",
    "pinned",
    "publish",
    "rebuild",
    "roll_back",
    "stamp",
    "tune_index",
    "versions",
]
