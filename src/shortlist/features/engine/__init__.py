"""Engines run the same Polars code per partition: on this machine here."""

from shortlist.features.engine._local import Local
from shortlist.features.engine._protocol import Engine
from shortlist.features.engine._tree import MergeTree

__all__ = ["Engine", "Local", "MergeTree"]
