"""Texts to vectors, each distinct text once."""

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from pathlib import Path

import numpy as np
import numpy.typing as npt

from shortlist.features.text._encoder import TextEncoder, open_text_encoder
from shortlist.features.text._model import TextModel
from shortlist.features.text._recent import Recent
from shortlist.features.text._vector_files import KEY_BYTES, VectorFiles

__all__ = ["Embedder", "open_embedder"]

# Memory for the vectors of recent texts, in bytes.
_RECENT_BYTES = 64 * 2**20
# Texts that are encoded before their vectors are written: what a killed process loses.
_AT_ONCE = 4096

Vectors = npt.NDArray[np.float32]


class Embedder:
    """An encoder behind its caches.

    Texts are told apart by the hash of their content. Missing texts (None), empty ones and those of white
    space alone get a vector of zeros, and the encoder never sees them.

    Args:
        encoder: makes the vectors that are not known.
        recent: vectors in memory.
        files: vectors on disk; None for none.
    """

    def __init__(self, encoder: TextEncoder, recent: Recent, files: VectorFiles | None = None) -> None:
        self.dim = encoder.dim
        self._encoder, self._recent, self._files = encoder, recent, files

    def embed(self, texts: Sequence[str | None], *, on_disk: bool = True) -> Vectors:
        """Float32 [N, D].

        Args:
            texts: the texts.
            on_disk: whether to read and write the vectors on disk.

        Raises:
            DataError: the cache on disk is damaged or cannot be written to.
        """
        texts_by_key: dict[bytes, str] = {}
        keys = [_key(text) for text in texts]
        for key, text in zip(keys, texts, strict=True):
            if key is not None and text is not None:
                texts_by_key.setdefault(key, text)
        vectors = self._vectors(texts_by_key, self._files if on_disk else None)
        out = np.zeros((len(texts), self.dim), dtype=np.float32)
        for row, key in enumerate(keys):
            if key is not None:
                out[row] = vectors[key]
        return out

    def _vectors(self, texts: dict[bytes, str], files: VectorFiles | None) -> dict[bytes, Vectors]:
        """A vector for every key: from memory, from disk, or made."""
        found = self._recent.find(list(texts))
        for keys in _chunks([key for key in texts if key not in found]):
            wanted = np.frombuffer(b"".join(keys), np.uint64).reshape(-1, 2)
            vectors = np.empty((len(keys), self.dim), dtype=np.float32)
            known = np.zeros(len(keys), dtype=np.bool_)
            if files is not None:
                vectors, known = files.find(wanted)
            new = np.flatnonzero(~known)
            if len(new):
                vectors[new] = self._encoder.encode([texts[keys[row]] for row in new])
                if files is not None:
                    files.add(wanted[new], vectors[new])
            # Rows are copied: a view would keep its whole matrix in memory.
            self._recent.put({key: vector.copy() for key, vector in zip(keys, vectors, strict=True)})
            found.update(zip(keys, vectors, strict=True))
        return found


def open_embedder(
    model: TextModel, *, threads: int | None = None, cache: str | Path | None = None
) -> Embedder:
    """Open a model behind its caches; that on disk is a folder of the model's own within ``cache``.

    Raises:
        MissingExtraError: the extra ``text`` is not installed.
        DataError: the model cannot be opened.
    """
    encoder = open_text_encoder(model, threads=threads)
    recent = Recent(max(1, _RECENT_BYTES // (4 * encoder.dim)))
    files = None if cache is None else VectorFiles(Path(cache) / model.fingerprint, encoder.dim)
    return Embedder(encoder, recent, files)


def _key(text: str | None) -> bytes | None:
    if text is None or text != text or not text.strip():  # noqa: PLR0124 - NaN is no text either
        return None
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=KEY_BYTES).digest()


def _chunks(keys: list[bytes]) -> Iterator[list[bytes]]:
    for start in range(0, len(keys), _AT_ONCE):
        yield keys[start : start + _AT_ONCE]
