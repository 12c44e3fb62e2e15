"""Torch models to folders that serve without torch."""

from shortlist.export._export import export_encoder, export_ranker
from shortlist.export._save import refuse_existing, save
from shortlist.export._weights import load_weights

__all__ = ["export_encoder", "export_ranker", "load_weights", "refuse_existing", "save"]
