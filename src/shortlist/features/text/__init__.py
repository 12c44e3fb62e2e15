"""Texts to vectors by a sentence-transformers model on disk: tokenizer, ONNX graph, caches; no torch."""

from shortlist.features.text._embedder import Embedder, open_embedder
from shortlist.features.text._encoder import TextEncoder, open_text_encoder
from shortlist.features.text._model import (
    TextModel,
    encoder_positions,
    has_graph,
    read_text_model,
    read_tokenizer,
    transformer_folder,
)
from shortlist.features.text._reading import Reading
from shortlist.features.text._tokens import Tokens, open_tokens

__all__ = [
    "Embedder",
    "Reading",
    "TextEncoder",
    "TextModel",
    "Tokens",
    "encoder_positions",
    "has_graph",
    "open_embedder",
    "open_text_encoder",
    "open_tokens",
    "read_text_model",
    "read_tokenizer",
    "transformer_folder",
]
