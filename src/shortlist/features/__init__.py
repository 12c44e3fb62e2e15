"""Feature engineering: branches of ops, fitted on data sets, run alike on frames and on requests."""

from shortlist.features import engine, ops
from shortlist.features._branch import Branch
from shortlist.features._workflow import Workflow
from shortlist.features._write_vectors import embed_texts, write_vectors

__all__ = ["Branch", "Workflow", "embed_texts", "engine", "ops", "write_vectors"]
