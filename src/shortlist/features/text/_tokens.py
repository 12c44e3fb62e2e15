"""Texts to codes of tokens, without an encoder."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from shortlist.data import Ragged
from shortlist.errors import DataError
from shortlist.extras import need
from shortlist.features.text._reading import Reading

__all__ = ["Tokens", "open_tokens"]


class Tokens:
    """An opened tokenizer; many threads may use it at once.

    Args:
        tokenizer: a ``tokenizers.Tokenizer`` that truncates and does not fill up.
        reading: what is done to a text before.
    """

    def __init__(self, tokenizer: Any, reading: Reading) -> None:
        self._tokenizer, self._reading = tokenizer, reading
        self.size = int(tokenizer.get_vocab_size(with_added_tokens=True)) + 1

    def codes(self, texts: Iterable[str | None]) -> Ragged:
        """Each text as its token ids plus 1, as 0 is padding; none for no text, or only white space."""
        asked = [text if text is not None and text.strip() else None for text in texts]
        distinct = list(dict.fromkeys(text for text in asked if text is not None))
        found = self._tokenizer.encode_batch([self._prepared(text) for text in distinct])
        ids = {
            text: np.asarray(one.ids, dtype=np.int64) + 1 for text, one in zip(distinct, found, strict=True)
        }
        nothing = np.empty(0, np.int64)
        return Ragged.of([nothing if text is None else ids[text] for text in asked], dtype=np.int64)

    def _prepared(self, text: str) -> str:
        whole = self._reading.prefix + text
        return whole.lower() if self._reading.lowercase else whole


def open_tokens(tokenizer: bytes, reading: Reading) -> Tokens:
    """Open the JSON of a tokenizer.

    Raises:
        MissingExtraError: the extra ``text`` is not installed.
        DataError: it is none.
    """
    tokenizers = need("tokenizers", use="turning texts into tokens")
    try:
        opened = tokenizers.Tokenizer.from_str(tokenizer.decode())
    except Exception as error:  # the library has no error type of its own
        raise DataError(
            "tokenizer",
            received=str(error).splitlines()[0],
            expected="the JSON of a tokenizer",
            remedy="copy the model's folder again",
        ) from error
    opened.no_padding()
    opened.enable_truncation(reading.max_length)
    return Tokens(opened, reading)
