"""Indexes of vectors: search by inner product, tuned to a measured recall, edited, kept in versions.

===========  =========================================================================================
kind         what a search compares
===========  =========================================================================================
``exact``    all vectors
``fp16``     all vectors, 16 bits a number
``sq8``      all vectors, 8 bits a number
``pq``       all codes of product quantisation, 2 bits a number; the best again with their vectors
``pca``      all vectors projected on their main directions; the best again with their vectors
``ivf``      the vectors in the lists around the nearest k-means centres
``ivf_sq8``  the same lists, 8 bits a number
``ivf_pq``   the same lists, codes of product quantisation; the best again with their vectors
``hnsw``     a walk on a graph of neighbours; built by one thread, some twenty times as long as ``ivf``
===========  =========================================================================================
"""

from shortlist.index._build import build, rebuild
from shortlist.index._facts import KINDS, Facts, Kind
from shortlist.index._files import stamp
from shortlist.index._held import HeldIndex
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
    "HeldIndex",
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
