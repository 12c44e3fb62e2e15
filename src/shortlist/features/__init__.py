"""Feature engineering: branches of ops, fitted on data sets, run alike on frames and on requests."""

from shortlist.features import engine, ops
from shortlist.features._branch import Branch
from shortlist.features._workflow import Workflow

__all__ = ["Branch", "Workflow", "engine", "ops"]
