"""Engines run the same Polars code per partition: on this machine, or on the workers of a cluster."""

from shortlist.features.engine._dask import Dask
from shortlist.features.engine._local import Local
from shortlist.features.engine._protocol import Engine, ReadsAhead
from shortlist.features.engine._tree import MergeTree

__all__ = ["Dask", "Engine", "Local", "MergeTree", "ReadsAhead"]
