"""Exported models, run by ONNX Runtime: NumPy in, NumPy out, no torch."""

from shortlist.runtime._encoder import OnnxEncoder
from shortlist.runtime._graph import Graph, open_graph
from shortlist.runtime._part import Part, load_encoder, load_ranker
from shortlist.runtime._ranker import OnnxRanker

__all__ = ["Graph", "OnnxEncoder", "OnnxRanker", "Part", "load_encoder", "load_ranker", "open_graph"]
