"""What an op of your own is written with: forms, statistics, look-ups, states."""

from shortlist.features._gather import Codes, Gather, ToValue, Values
from shortlist.features._key_table import KeyTable
from shortlist.features._keyed_statistics import KeyedMoments
from shortlist.features._op import (
    Arrays,
    ChecksNames,
    Elementwise,
    Exprs,
    Fits,
    FitsAgain,
    Grows,
    KeepsRows,
    LooksAside,
    Made,
    Op,
    OutOfFold,
    Step,
)
from shortlist.features._scalars import Affine, Clamp, Fill, Log1p, Scalar
from shortlist.features._source import Needs, Source
from shortlist.features._state import State
from shortlist.features._statistics import Counts, Moments, Statistic, Total
from shortlist.features.ops._keyed import Keyed
from shortlist.features.ops._numeric import Numeric

__all__ = [
    "Affine",
    "Arrays",
    "ChecksNames",
    "Clamp",
    "Codes",
    "Counts",
    "Elementwise",
    "Exprs",
    "Fill",
    "Fits",
    "FitsAgain",
    "Gather",
    "Grows",
    "KeepsRows",
    "KeyTable",
    "Keyed",
    "KeyedMoments",
    "Log1p",
    "LooksAside",
    "Made",
    "Moments",
    "Needs",
    "Numeric",
    "Op",
    "OutOfFold",
    "Scalar",
    "Source",
    "State",
    "Statistic",
    "Step",
    "ToValue",
    "Total",
    "Values",
]
