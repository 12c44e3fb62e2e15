"""Models to folders that serve without torch."""

from shortlist.export._export import export_encoder, export_ranker
from shortlist.export._quantize import quantize_ranker
from shortlist.export._save import refuse_existing, save
from shortlist.export._text_encoder import export_text_encoder, served_text_model
from shortlist.export._text_tower import read_text_tower
from shortlist.export._trees import export_trees
from shortlist.export._weights import load_weights

__all__ = [
    "export_encoder",
    "export_ranker",
    "export_text_encoder",
    "export_trees",
    "load_weights",
    "quantize_ranker",
    "read_text_tower",
    "refuse_existing",
    "save",
    "served_text_model",
]
