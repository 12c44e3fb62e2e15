"""Texts to vectors: a tokenizer and an ONNX graph, without torch."""

import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from shortlist.errors import DataError
from shortlist.extras import need
from shortlist.features.text._model import TextModel
from shortlist.features.text._pooling import normalized, pooled
from shortlist.features.text._reading import Reading

__all__ = ["TextEncoder", "open_text_encoder"]

# Tokens of one call, filling included: more is slower on a processor, since less stays in its cache.
_TOKENS = 512
_KNOWN_INPUTS = {"input_ids", "attention_mask", "token_type_ids"}

Vectors = npt.NDArray[np.float32]


class TextEncoder:
    """An opened text model; many threads may use it at once.

    Args:
        tokenizer: a ``tokenizers.Tokenizer`` that truncates and does not fill up.
        session: ONNX Runtime session from ``input_ids``, ``attention_mask``, ``token_type_ids`` [B, L] to
            vectors [B, L, D], or [B, D] when it pools by itself.
        reading: what stands around the session.
    """

    def __init__(self, tokenizer: Any, session: Any, reading: Reading) -> None:
        self._tokenizer, self._session, self._reading = tokenizer, session, reading
        self._types = {value.name: _integer(value.type) for value in session.get_inputs()}
        self._output, self._pools = _output(session)
        self.dim = self.encode([""]).shape[1]

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Float32 [N, D]: a vector for every text; texts of about one length are read together."""
        if len(texts) == 0:
            return np.zeros((0, self.dim), dtype=np.float32)
        tokens = self._tokenizer.encode_batch([self._prepared(text) for text in texts])
        order = np.argsort([len(text) for text in tokens], kind="stable")
        vectors: Vectors | None = None
        for rows in _batches(order, [len(tokens[row]) for row in order]):
            found = self._run([tokens[row] for row in rows])
            if vectors is None:
                vectors = np.empty((len(texts), found.shape[1]), dtype=np.float32)
            vectors[rows] = found
        assert vectors is not None
        return vectors

    def _prepared(self, text: str) -> str:
        whole = self._reading.prefix + text
        return whole.lower() if self._reading.lowercase else whole

    def _run(self, tokens: Sequence[Any]) -> Vectors:
        length = max(1, *(len(text) for text in tokens))
        shape, values = (len(tokens), length), {}
        values["input_ids"] = np.full(shape, self._reading.pad_id, dtype=np.int64)
        values["token_type_ids"] = np.zeros(shape, dtype=np.int64)
        values["attention_mask"] = np.zeros(shape, dtype=np.int64)
        for row, text in enumerate(tokens):
            values["input_ids"][row, : len(text)] = text.ids
            values["token_type_ids"][row, : len(text)] = text.type_ids
            values["attention_mask"][row, : len(text)] = 1
        feed = {name: values[name].astype(kind, copy=False) for name, kind in self._types.items()}
        (found,) = self._session.run([self._output], feed)
        out: Vectors = found.astype(np.float32, copy=False)
        if self._pools:
            mask = values["attention_mask"].astype(np.bool_)
            mask[:, 0] = True  # a text without tokens, from a tokenizer that adds none of its own
            out = pooled(out, mask, self._reading.poolings)
        return normalized(out) if self._reading.normalize else out


def open_text_encoder(model: TextModel, *, threads: int | None = None) -> TextEncoder:
    """Open a model with so many threads, which sleep between calls; None for one a core of this process.

    Raises:
        MissingExtraError: the extra ``text`` is not installed.
        DataError: the tokenizer or the graph cannot be opened, or the graph is not one of a text encoder.
    """
    tokenizers = need("tokenizers", use="turning texts into vectors")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = _cores() if threads is None else threads
    options.log_severity_level = 4
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        tokenizer = tokenizers.Tokenizer.from_str(model.tokenizer.decode())
        tokenizer.no_padding()
        tokenizer.enable_truncation(model.reading.max_length)
        session = onnxruntime.InferenceSession(model.graph, options, providers=["CPUExecutionProvider"])
        return TextEncoder(tokenizer, session, model.reading)
    except DataError:
        raise
    except Exception as error:  # neither library has an error type of its own
        raise DataError(
            "text encoder",
            received=str(error).splitlines()[0],
            expected="a tokenizer and a graph, weights within it, that read each other's tokens",
            remedy="copy the model's folder again, or write the graph with export_text_encoder",
        ) from error


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _integer(kind: str) -> type[np.int64 | np.int32]:
    return np.int32 if kind == "tensor(int32)" else np.int64


def _output(session: Any) -> tuple[str, bool]:
    """The output to take, and whether it is one vector a token: those come first."""
    inputs = {value.name for value in session.get_inputs()}
    for rank in (3, 2):
        for value in session.get_outputs():
            if len(value.shape) == rank and "input_ids" in inputs and inputs <= _KNOWN_INPUTS:
                return value.name, rank == 3
    raise DataError(
        "text encoder",
        received=f"a graph from {sorted(inputs)} to {[(v.name, v.shape) for v in session.get_outputs()]}",
        expected=f"inputs among {sorted(_KNOWN_INPUTS)}, and vectors [B, L, D] or [B, D]",
        remedy="export the encoder without its task's head",
    )


def _batches(order: npt.NDArray[np.int64], lengths: Sequence[int]) -> Iterator[npt.NDArray[np.int64]]:
    """Neighbours in order of length, as many as fill one call."""
    start = 0
    for place, length in enumerate(lengths):
        if place > start and (place - start + 1) * max(length, 1) > _TOKENS:
            yield order[start:place]
            start = place
    yield order[start:]
