"""Ops: one a file. ``columns >> op >> op`` makes a branch of a `Workflow`."""

from shortlist.features._op import Arrays, Exprs, Fits, KeepsRows, Made, Op, Step
from shortlist.features._source import Needs, Source
from shortlist.features.ops._as_of import AsOf
from shortlist.features.ops._bucketize import Bucketize
from shortlist.features.ops._categorify import Categorify
from shortlist.features.ops._clip import Clip
from shortlist.features.ops._column_similarity import ColumnSimilarity
from shortlist.features.ops._data_stats import DataStats
from shortlist.features.ops._date_parts import DateParts
from shortlist.features.ops._difference_lag import DifferenceLag
from shortlist.features.ops._drop_low_cardinality import DropLowCardinality
from shortlist.features.ops._dropna import Dropna
from shortlist.features.ops._elapsed import Elapsed
from shortlist.features.ops._example_age import ExampleAge
from shortlist.features.ops._fill_median import FillMedian
from shortlist.features.ops._fill_missing import FillMissing
from shortlist.features.ops._filter import Filter
from shortlist.features.ops._groupby import Groupby
from shortlist.features.ops._hash_bucket import HashBucket
from shortlist.features.ops._hashed_cross import HashedCross
from shortlist.features.ops._history import History
from shortlist.features.ops._join_external import JoinExternal
from shortlist.features.ops._join_groupby import JoinGroupby
from shortlist.features.ops._lambda_op import LambdaOp
from shortlist.features.ops._list_slice import ListSlice
from shortlist.features.ops._log_op import LogOp
from shortlist.features.ops._median import Median
from shortlist.features.ops._normalize import Normalize
from shortlist.features.ops._normalize_min_max import NormalizeMinMax
from shortlist.features.ops._reduce_dtype import ReduceDtype
from shortlist.features.ops._rename import Rename
from shortlist.features.ops._tags import AddTags, RemoveTags
from shortlist.features.ops._target_encoding import TargetEncoding
from shortlist.features.ops._text_embed import TextEmbed
from shortlist.features.ops._tokenize import Tokenize
from shortlist.features.ops._value_count import ValueCount

__all__ = [
    "AddTags",
    "Arrays",
    "AsOf",
    "Bucketize",
    "Categorify",
    "Clip",
    "ColumnSimilarity",
    "DataStats",
    "DateParts",
    "DifferenceLag",
    "DropLowCardinality",
    "Dropna",
    "Elapsed",
    "ExampleAge",
    "Exprs",
    "FillMedian",
    "FillMissing",
    "Filter",
    "Fits",
    "Groupby",
    "HashBucket",
    "HashedCross",
    "History",
    "JoinExternal",
    "JoinGroupby",
    "KeepsRows",
    "LambdaOp",
    "ListSlice",
    "LogOp",
    "Made",
    "Median",
    "Needs",
    "Normalize",
    "NormalizeMinMax",
    "Op",
    "ReduceDtype",
    "RemoveTags",
    "Rename",
    "Source",
    "Step",
    "TargetEncoding",
    "TextEmbed",
    "Tokenize",
    "ValueCount",
]
