"""Training: objectives, the loop, checkpoints with exact resume."""

from shortlist.train._fit import fit
from shortlist.train._objectives import Objective, Task
from shortlist.train._options import Checkpoints, FitOptions, Optimization
from shortlist.train._ranking import BinaryCrossEntropy
from shortlist.train._report import Epoch, FitReport
from shortlist.train._sampled_softmax import SampledSoftmax
from shortlist.train._temperature import Learnable

__all__ = [
    "BinaryCrossEntropy",
    "Checkpoints",
    "Epoch",
    "FitOptions",
    "FitReport",
    "Learnable",
    "Objective",
    "Optimization",
    "SampledSoftmax",
    "Task",
    "fit",
]
