"""Indexes of vectors: exact, IVF and HNSW search by inner product, tuned to a measured recall."""

from shortlist.index._build import build
from shortlist.index._facts import Facts
from shortlist.index._load import load
from shortlist.index._options import IndexOptions
from shortlist.index._search import VectorIndex

__all__ = ["Facts", "IndexOptions", "VectorIndex", "build", "load"]
