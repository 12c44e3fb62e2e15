"""The standard recipe: from a log to a bundle, what shows it at work, and tuning."""

from shortlist.recipes._bench_ctr import SMALL_CTR, CtrBench, CtrFigures, bench_ctr
from shortlist.recipes._bench_sequence import (
    SMALL_SEQUENCES,
    SequenceBench,
    SequenceFigures,
    bench_sequence,
)
from shortlist.recipes._ctr_file import CtrColumn, CtrFiles, guess_columns, read_ctr
from shortlist.recipes._ctr_models import CtrSettings
from shortlist.recipes._ctr_planted import planted_ctr
from shortlist.recipes._demo import demo
from shortlist.recipes._evaluate import evaluate_bundle
from shortlist.recipes._fit import Fitted, fit
from shortlist.recipes._held_out import HeldOut
from shortlist.recipes._options import FitRecipe
from shortlist.recipes._sequence_file import (
    SequenceFile,
    planted_sequences,
    read_sequences,
    write_sequences,
)
from shortlist.recipes._size_options import SizeOptions
from shortlist.recipes._size_tradeoff import size_tradeoff, sizes_of
from shortlist.recipes._sizes import SizeRow, Sizes
from shortlist.recipes._space import Choice, Floats, Integers
from shortlist.recipes._trial import Trial, TrialRecord
from shortlist.recipes._tune import tune
from shortlist.recipes._tune_options import TuneOptions
from shortlist.recipes._tuning import Tuning

__all__ = [
    "SMALL_CTR",
    "SMALL_SEQUENCES",
    "Choice",
    "CtrBench",
    "CtrColumn",
    "CtrFigures",
    "CtrFiles",
    "CtrSettings",
    "FitRecipe",
    "Fitted",
    "Floats",
    "HeldOut",
    "Integers",
    "SequenceBench",
    "SequenceFigures",
    "SequenceFile",
    "SizeOptions",
    "SizeRow",
    "Sizes",
    "Trial",
    "TrialRecord",
    "TuneOptions",
    "Tuning",
    "bench_ctr",
    "bench_sequence",
    "demo",
    "evaluate_bundle",
    "fit",
    "guess_columns",
    "planted_ctr",
    "planted_sequences",
    "read_ctr",
    "read_sequences",
    "size_tradeoff",
    "sizes_of",
    "tune",
    "write_sequences",
]
