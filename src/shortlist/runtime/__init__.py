"""Exported models, NumPy in, NumPy out, no torch: graphs run by ONNX Runtime, and classical models."""

from shortlist.runtime._encoder import OnnxEncoder
from shortlist.runtime._graph import Graph, open_graph
from shortlist.runtime._learner import load_learner, save_learner
from shortlist.runtime._part import Part, load_encoder, load_ranker
from shortlist.runtime._ranker import OnnxRanker

__all__ = [
    "Graph",
    "OnnxEncoder",
    "OnnxRanker",
    "Part",
    "load_encoder",
    "load_learner",
    "load_ranker",
    "open_graph",
    "save_learner",
]
