"""A sentence-transformers folder as a module that is trained within a tower."""

from pathlib import Path
from typing import Any

from shortlist.errors import ArgumentError
from shortlist.export._transformers import text_weights
from shortlist.extras import need
from shortlist.features.text import read_tokenizer, transformer_folder
from shortlist.models.retrieval import TextPooling, TextTower

__all__ = ["read_text_tower"]


def read_text_tower(
    folder: str | Path,
    dim: int,
    *,
    layers: int | None = None,
    pooling: TextPooling | None = None,
    seed: int = 0,
) -> TextTower:
    """Read the weights of a text encoder from its folder, to be trained in a tower.

    Give it to ``TowerOptions(text={"title": ...})`` for a column that ``ops.Tokenize`` of the same folder
    made. Needs the extra ``text-export``.

    Args:
        folder: of a sentence-transformers or transformers encoder.
        dim: width of the tower's vectors.
        layers: layers that are trained, counted from the last; None is all, 0 is none.
        pooling: None for what the folder says.
        seed: of the map from the encoder's width to ``dim``.

    Raises:
        MissingExtraError: the extra ``text-export`` is not installed.
        DataError: the folder is missing or damaged.
        ExportError: the weights cannot be read, or are of no encoder.
        ArgumentError: an option is out of range, or the folder says a pooling that is not known here.
    """
    transformers: Any = need("transformers", use="reading the weights of a text model")
    _, reading = read_tokenizer(folder)
    chosen: Any = reading.poolings[0] if pooling is None and len(reading.poolings) == 1 else pooling
    if chosen is None:
        raise ArgumentError(
            "read_text_tower.pooling",
            received=f"a folder with {list(reading.poolings)}",
            expected="one pooling",
            remedy='pooling="mean"',
        )
    # Encoders of BERT's kind come with a layer for the first token, which nothing here reads.
    encoder = text_weights(transformers, transformer_folder(folder), add_pooling_layer=False)
    return TextTower(encoder, dim, pooling=chosen, layers=layers, pad_id=reading.pad_id, seed=seed)
