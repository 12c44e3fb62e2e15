"""Texts to vectors by a sentence-transformers model on disk: tokenizer, ONNX graph, caches; no torch."""

from shortlist.features.text._embedder import Embedder, open_embedder
from shortlist.features.text._encoder import TextEncoder, open_text_encoder
from shortlist.features.text._model import TextModel, read_text_model
from shortlist.features.text._reading import Reading

__all__ = [
    "Embedder",
    "Reading",
    "TextEncoder",
    "TextModel",
    "open_embedder",
    "open_text_encoder",
    "read_text_model",
]
