"""Exported models, NumPy in, NumPy out, no torch: graphs run by ONNX Runtime, classical models, trees."""

from shortlist.runtime._encoder import OnnxEncoder
from shortlist.runtime._graph import PACKS, Graph, open_graph
from shortlist.runtime._learner import load_learner, save_learner
from shortlist.runtime._load_ranker import load_ranker
from shortlist.runtime._part import Part, load_encoder
from shortlist.runtime._ranker import OnnxRanker
from shortlist.runtime._trees import ServedTrees, load_trees, save_trees

__all__ = [
    "PACKS",
    "Graph",
    "OnnxEncoder",
    "OnnxRanker",
    "Part",
    "ServedTrees",
    "load_encoder",
    "load_learner",
    "load_ranker",
    "load_trees",
    "open_graph",
    "save_learner",
    "save_trees",
]
