"""Ops: one a file. ``columns >> op >> op`` makes a branch of a `Workflow`."""

from shortlist.features._op import Arrays, Exprs, Fits, KeepsRows, Made, Op, Step
from shortlist.features._source import Source
from shortlist.features.ops._as_of import AsOf
from shortlist.features.ops._bucketize import Bucketize
from shortlist.features.ops._categorify import Categorify
from shortlist.features.ops._clip import Clip
from shortlist.features.ops._fill_missing import FillMissing
from shortlist.features.ops._filter import Filter
from shortlist.features.ops._hash_bucket import HashBucket
from shortlist.features.ops._history import History
from shortlist.features.ops._log_op import LogOp
from shortlist.features.ops._normalize import Normalize
from shortlist.features.ops._rename import Rename

__all__ = [
    "Arrays",
    "AsOf",
    "Bucketize",
    "Categorify",
    "Clip",
    "Exprs",
    "FillMissing",
    "Filter",
    "Fits",
    "HashBucket",
    "History",
    "KeepsRows",
    "LogOp",
    "Made",
    "Normalize",
    "Op",
    "Rename",
    "Source",
    "Step",
]
