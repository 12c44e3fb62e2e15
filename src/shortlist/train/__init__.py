"""Training: objectives, the loop, checkpoints with exact resume."""

from shortlist.train._balances import DWA, GradNorm, Uncertainty
from shortlist.train._contrast import Contrast
from shortlist.train._distil import Distil, soft_targets
from shortlist.train._fit import fit
from shortlist.train._full_softmax import FullSoftmax
from shortlist.train._joint import JointSoftmax
from shortlist.train._next_item import Masking, NextItem
from shortlist.train._objectives import Objective, Task
from shortlist.train._optimization import Optimization, ParameterGroup, Plateau
from shortlist.train._options import Checkpoints, FitOptions
from shortlist.train._pieces import Together, Weighed
from shortlist.train._ranks import Ranks
from shortlist.train._report import Epoch, FitReport
from shortlist.train._sampled_softmax import SampledSoftmax
from shortlist.train._task_losses import BinaryCrossEntropy, TaskLosses
from shortlist.train._temperature import Learnable
from shortlist.train._trackers import MLflow, TensorBoard, Tracker, Tracking
from shortlist.train._trees import tree_rows
from shortlist.train._unwanted import with_unwanted
from shortlist.train._warm_start import WarmStart, load_weights, warm_start

__all__ = [
    "DWA",
    "BinaryCrossEntropy",
    "Checkpoints",
    "Contrast",
    "Distil",
    "Epoch",
    "FitOptions",
    "FitReport",
    "FullSoftmax",
    "GradNorm",
    "JointSoftmax",
    "Learnable",
    "MLflow",
    "Masking",
    "NextItem",
    "Objective",
    "Optimization",
    "ParameterGroup",
    "Plateau",
    "Ranks",
    "SampledSoftmax",
    "Task",
    "TaskLosses",
    "TensorBoard",
    "Together",
    "Tracker",
    "Tracking",
    "Uncertainty",
    "WarmStart",
    "Weighed",
    "fit",
    "load_weights",
    "soft_targets",
    "tree_rows",
    "warm_start",
    "with_unwanted",
]
