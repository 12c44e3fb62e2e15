"""The weights of a text encoder, read by the package transformers."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from shortlist.errors import ExportError

__all__ = ["text_weights"]


def text_weights(transformers: Any, home: Path, **options: Any) -> Any:
    """The encoder of a folder, in float32 and with attention written out, so that it can be traced.

    Args:
        transformers: the package.
        home: folder of the encoder.
        options: of its constructor; one that it does not know is left out.

    Raises:
        ExportError: the weights cannot be read, or are of no encoder.
    """
    wanted = {"local_files_only": True, "attn_implementation": "eager", "dtype": torch.float32}
    try:
        with _quiet(transformers):
            try:
                encoder = transformers.AutoModel.from_pretrained(str(home), **wanted, **options)
            except TypeError:
                encoder = transformers.AutoModel.from_pretrained(str(home), **wanted)
    except (OSError, ValueError, KeyError) as error:
        raise ExportError(
            str(home),
            received=str(error).strip().splitlines()[0],
            expected="the weights of a transformers model",
            remedy="copy the model's folder again, whole",
        ) from error
    if getattr(encoder.config, "is_encoder_decoder", False):
        raise ExportError(str(home), received=type(encoder).__name__, expected="an encoder without a decoder")
    return encoder


@contextmanager
def _quiet(transformers: Any) -> Iterator[None]:
    """Without its progress bars: reading a file is no progress to speak of."""
    bars = getattr(transformers, "logging", None)
    if bars is None or not bars.is_progress_bar_enabled():
        yield
        return
    bars.disable_progress_bar()
    try:
        yield
    finally:
        bars.enable_progress_bar()
