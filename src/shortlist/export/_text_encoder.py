"""A sentence-transformers model whose weights are torch's, as one that serves without torch."""

import inspect
import shutil
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from shortlist.errors import ArgumentError, ExportError
from shortlist.export._graph import quiet, stripped
from shortlist.export._transformers import text_weights
from shortlist.extras import need
from shortlist.features.text import has_graph, open_text_encoder, read_text_model, transformer_folder
from shortlist.io import atomic_folder, checksum

__all__ = ["export_text_encoder", "served_text_model"]

# Largest difference of a token's vector, in units of the largest value where that is above 1: twelve layers
# of float32 in another order of summation differ by some 1e-5.
_TOLERANCE = 1e-4
_INPUTS = ("input_ids", "attention_mask", "token_type_ids")
_WEIGHTS = ("*.safetensors", "*.bin", "*.h5", "*.msgpack", "*.ot", "*.onnx", "onnx", "openvino", ".git*")


def export_text_encoder(model: str | Path, folder: str | Path) -> Path:
    """Write a model folder with an ONNX graph in place of its weights, for `TextEmbed`; once a model.

    Everything else of the folder (modules, pooling, tokenizer) is copied; a ``tokenizer.json`` is made where
    only a vocabulary stands. The graph gives the vectors of all tokens, for any number of texts and tokens;
    it is compared with the model on token ids at random. The folder appears whole or not at all. Needs the
    extra ``text-export``.

    Args:
        model: folder of a sentence-transformers or transformers encoder.
        folder: where the new folder will stand.

    Returns:
        The new folder.

    Raises:
        MissingExtraError: the extra ``text-export`` is not installed.
        ArgumentError: both folders are the same.
        DataError: the model's folder is missing or damaged.
        ExportError: the model is no encoder, cannot be traced, or differs from its graph.
    """
    transformers: Any = need("transformers", use="reading the weights of a text model")
    source, target = Path(model), Path(folder)
    home = transformer_folder(source)
    if target.resolve() == source.resolve():
        raise ArgumentError(
            "export_text_encoder.folder", received=str(folder), expected="another folder than the model's"
        )
    encoder = _loaded(transformers, home)
    with atomic_folder(target) as fresh:
        shutil.copytree(source, fresh, dirs_exist_ok=True, ignore=shutil.ignore_patterns(*_WEIGHTS))
        place = fresh / home.relative_to(source)
        if not (place / "tokenizer.json").is_file():
            (place / "tokenizer.json").write_text(_tokenizer(transformers, home), encoding="utf-8")
        graph = _traced(encoder)
        _check(encoder, graph)
        (place / "onnx").mkdir()
        (place / "onnx" / "model.onnx").write_bytes(graph)
        open_text_encoder(read_text_model(fresh))
    return target


def served_text_model(model: str | Path, cache: str | Path) -> Path:
    """A folder that `TextEmbed` reads: the model's own, or one with a graph that is made once in ``cache``.

    Args:
        model: folder of a sentence-transformers or transformers encoder.
        cache: where the new folder stands, named after the model and its weights.

    Raises:
        MissingExtraError: a graph must be made, and the extra ``text-export`` is not installed.
        DataError: the model's folder is missing or damaged.
        ExportError: the model is no encoder, cannot be traced, or differs from its graph.
    """
    source = Path(model)
    if has_graph(source):
        return source
    home = transformer_folder(source)
    weights = sorted(path for path in home.iterdir() if path.suffix in (".safetensors", ".bin", ".json"))
    digest = blake2b("".join(checksum(path) for path in weights).encode(), digest_size=6).hexdigest()
    target = Path(cache) / "models" / f"{source.resolve().name}-{digest}"
    return target if target.is_dir() else export_text_encoder(source, target)


class _Tokens(nn.Module):
    """Token ids to the vectors of the last layer."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        taken = inspect.signature(encoder.forward).parameters
        self.inputs = tuple(name for name in _INPUTS if name in taken)

    def forward(self, *tensors: Tensor) -> Tensor:
        out: Tensor = self.encoder(**dict(zip(self.inputs, tensors, strict=True))).last_hidden_state
        return out

    def random(self, rows: int, length: int, rng: np.random.Generator) -> tuple[Tensor, ...]:
        """Token ids, of which the later ones of some rows are masked."""
        words = int(self.encoder.config.vocab_size)  # type: ignore[union-attr, arg-type]
        kept = rng.integers(1, length + 1, (rows, 1)) > np.arange(length)
        values = {
            "input_ids": np.where(kept, rng.integers(0, words, (rows, length)), 0),
            "attention_mask": kept.astype(np.int64),
            "token_type_ids": np.zeros((rows, length), dtype=np.int64),
        }
        return tuple(torch.from_numpy(values[name]) for name in self.inputs)


def _loaded(transformers: Any, home: Path) -> _Tokens:
    return _Tokens(text_weights(transformers, home)).eval()


def _tokenizer(transformers: Any, home: Path) -> str:
    tokenizer = transformers.AutoTokenizer.from_pretrained(str(home), local_files_only=True)
    if not hasattr(tokenizer, "backend_tokenizer"):
        raise ExportError(
            str(home),
            received=f"a {type(tokenizer).__name__}",
            expected="a tokenizer of the tokenizers library",
        )
    text: str = tokenizer.backend_tokenizer.to_str()
    return text


def _traced(model: _Tokens) -> bytes:
    longest = int(getattr(model.encoder.config, "max_position_embeddings", 512))
    axes = {
        0: torch.export.Dim("texts", min=1, max=2**20),
        1: torch.export.Dim("length", min=1, max=longest - 2),
    }
    example = model.random(3, 7, np.random.default_rng(0))
    try:
        with quiet(), torch.no_grad():
            program: Any = torch.onnx.export(
                model,
                example,
                dynamo=True,
                dynamic_shapes=((axes,) * len(example),),
                input_names=list(model.inputs),
                output_names=["last_hidden_state"],
                verbose=False,
            )
    except Exception as error:  # the exporter's errors share no root
        raise ExportError(
            f"export of {type(model.encoder).__name__}",
            received=str(error).strip().splitlines()[0],
            expected="a model that torch.onnx.export can trace",
            remedy="look for the model's own ONNX file, and put it at onnx/model.onnx",
        ) from error
    written: bytes = stripped(program.model_proto).SerializeToString()
    return written


def _check(model: _Tokens, graph: bytes) -> None:
    """Compare the graph with the model where tokens are not masked."""
    import onnxruntime

    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(1)
    for shape in ((1, 1), (1, 9), (5, 64)):
        tensors = model.random(*shape, rng)
        with torch.no_grad():
            expected = model(*tensors).numpy()
        feed = {name: tensor.numpy() for name, tensor in zip(model.inputs, tensors, strict=True)}
        (received,) = session.run(None, feed)
        present = feed["attention_mask"].astype(np.bool_)
        scale = max(1.0, float(np.abs(expected[present]).max()))
        difference = float(np.abs(expected - received)[present].max()) / scale
        if not difference <= _TOLERANCE:
            raise ExportError(
                f"export of {type(model.encoder).__name__}",
                received=f"token vectors that differ by {difference:.2g} for token ids of shape {shape}",
                expected=f"at most {_TOLERANCE:g}",
                remedy="look for the model's own ONNX file, and put it at onnx/model.onnx",
            )
