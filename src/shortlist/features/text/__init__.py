"""Texts to vectors by a sentence-transformers model on disk: tokenizer, ONNX graph, caches; no torch."""

from shortlist.features.text._embedder import Embedder, open_embedder
from shortlist.features.text._encoder import TextEncoder, open_text_encoder
from shortlist.features.text._model import TextModel, has_graph, read_text_model, transformer_folder
from shortlist.features.text._reading import Reading

__all__ = [
    "Embedder",
    "Reading",
    "TextEncoder",
    "TextModel",
    "has_graph",
    "open_embedder",
    "open_text_encoder",
    "read_text_model",
    "transformer_folder",
]
