"""A text model out of its folder: what is needed to serve it, and nothing else."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Any

from shortlist.errors import ArgumentError, DataError
from shortlist.features.text._pooling import POOLINGS
from shortlist.features.text._reading import Reading

__all__ = [
    "TextModel",
    "encoder_positions",
    "has_graph",
    "read_text_model",
    "read_tokenizer",
    "transformer_folder",
]

_GRAPHS = ("onnx/model.onnx", "model.onnx")
_WEIGHTS = ("*.safetensors", "pytorch_model*.bin")
# Older folders have a switch for each pooling.
_SWITCHES = {
    "cls": "cls_token",
    "max": "max_tokens",
    "mean": "mean_tokens",
    "mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "weightedmean": "weightedmean_tokens",
    "lasttoken": "lasttoken",
}
# What tokenizers say that know no bound.
_NO_BOUND = 100_000


@dataclass(frozen=True)
class TextModel:
    """A text encoder as bytes: it lives in memory and in saved workflows, away from its folder.

    Attributes:
        graph: ONNX graph from token ids to one vector a token, or one a text.
        tokenizer: JSON of a tokenizer.
        reading: what stands around the graph.
    """

    graph: bytes
    tokenizer: bytes
    reading: Reading

    @cached_property
    def fingerprint(self) -> str:
        """Hexadecimal digest of everything that a vector depends on but the text."""
        digest = blake2b(digest_size=16)
        for part in (self.graph, self.tokenizer, json.dumps(asdict(self.reading)).encode()):
            digest.update(len(part).to_bytes(8, "little"))
            digest.update(part)
        return digest.hexdigest()


def read_text_model(
    folder: str | Path,
    *,
    pooling: str | None = None,
    normalize: bool | None = None,
    max_length: int | None = None,
    prefix: str | None = None,
) -> TextModel:
    """Read a sentence-transformers folder that holds an ONNX graph; None is what the folder says.

    The graph is ``onnx/model.onnx`` or ``model.onnx``, the tokenizer ``tokenizer.json``. Pooling and
    normalisation come from ``modules.json`` and the folders it names; without it (a plain encoder) token
    vectors are averaged and not normalised. The length is ``max_seq_length``, else the tokenizer's
    ``model_max_length``, and never more than the encoder has positions for. The prefix is the folder's
    default prompt.

    Raises:
        DataError: the folder or a file is missing or damaged, the model has a module that cannot be served,
            or it has no ONNX graph.
        ArgumentError: an option is wrong.
    """
    root = Path(folder)
    graph = _graph(root, transformer_folder(root))
    tokenizer, reading = read_tokenizer(
        root, pooling=pooling, normalize=normalize, max_length=max_length, prefix=prefix
    )
    return TextModel(graph, tokenizer, reading)


def read_tokenizer(
    folder: str | Path,
    *,
    pooling: str | None = None,
    normalize: bool | None = None,
    max_length: int | None = None,
    prefix: str | None = None,
) -> tuple[bytes, Reading]:
    """The JSON of the tokenizer and what stands around the encoder, as `read_text_model`, without a graph.

    Raises:
        DataError: the folder or a file is missing or damaged, or the model has a module that is not known.
        ArgumentError: an option is wrong.
    """
    root = Path(folder)
    modules = _modules(root)
    home = root / modules.get("Transformer", "")
    reading = Reading(
        poolings=_poolings(root, modules) if pooling is None else (pooling,),
        normalize="Normalize" in modules if normalize is None else normalize,
        max_length=_max_length(home) if max_length is None else _bounded(max_length, home),
        lowercase=bool(_sentence_config(home).get("do_lower_case", False)),
        prefix=_default_prompt(root) if prefix is None else prefix,
        pad_id=_json(home / "config.json").get("pad_token_id") or 0,
    )
    return _bytes(home / "tokenizer.json"), reading


def transformer_folder(folder: str | Path) -> Path:
    """The folder of the encoder and its tokenizer: the model's own, or one within it.

    Raises:
        DataError: the folder is missing, or has a module that cannot be served.
    """
    return Path(folder) / _modules(Path(folder)).get("Transformer", "")


def has_graph(folder: str | Path) -> bool:
    """Whether a model's folder has an ONNX graph, so that it serves as it is."""
    return _graph_file(Path(folder), transformer_folder(folder)) is not None


def encoder_positions(folder: str | Path) -> int | None:
    """How many tokens a model's encoder has positions for; None for one without a bound."""
    return _positions(transformer_folder(folder))


def _modules(root: Path) -> Mapping[str, str]:
    """Kind of each module -> its folder."""
    if not root.is_dir():
        raise DataError(
            str(root),
            received="no such folder",
            expected="the folder of a sentence-transformers model",
            remedy="download the model and pass its folder; names of models on the web are not looked up",
        )
    listed: Any = _json(root / "modules.json") or []
    modules = {str(module["type"]).rpartition(".")[2]: str(module["path"]) for module in listed}
    strange = [kind for kind in modules if kind not in ("Transformer", "Pooling", "Normalize")]
    if strange or len(modules) != len(listed):
        raise DataError(
            str(root / "modules.json"),
            received=f"modules {[str(module['type']).rpartition('.')[2] for module in listed]}",
            expected="a Transformer, then Pooling, then perhaps Normalize",
            remedy="choose a model of this form, or embed with your own code in a LambdaOp",
        )
    return modules


def _poolings(root: Path, modules: Mapping[str, str]) -> tuple[str, ...]:
    if "Pooling" not in modules:
        return ("mean",)
    path = root / modules["Pooling"] / "config.json"
    config = _json(path)
    named = config.get("pooling_mode", [])
    chosen = {named} if isinstance(named, str) else set(named)
    chosen |= {name for name, switch in _SWITCHES.items() if config.get(f"pooling_mode_{switch}")}
    if not chosen or not chosen <= POOLINGS.keys():
        raise DataError(
            str(path),
            received=f"pooling {sorted(chosen) or config}",
            expected=f"some of {list(POOLINGS)}",
            remedy="pass pooling=",
        )
    return tuple(name for name in POOLINGS if name in chosen)


def _max_length(home: Path) -> int:
    said = _sentence_config(home).get("max_seq_length")
    tokenizer = _json(home / "tokenizer_config.json").get("model_max_length") or _NO_BOUND
    bounds = [int(bound) for bound in (said or tokenizer, _positions(home)) if bound and bound < _NO_BOUND]
    return min(bounds, default=512)


def _bounded(max_length: int, home: Path) -> int:
    positions = _positions(home)
    if positions is not None and max_length > positions:
        raise ArgumentError(
            "text encoder",
            received=f"max_length {max_length}",
            expected=f"at most {positions}, the positions of the encoder in {home}",
        )
    return max_length


def _positions(home: Path) -> int | None:
    """How many tokens the encoder has positions for."""
    config = _json(home / "config.json")
    positions = config.get("max_position_embeddings")
    if positions is None:
        return None
    # RoBERTa counts positions from behind the padding token.
    offset = config.get("pad_token_id", 0) + 1 if "roberta" in str(config.get("model_type")) else 0
    return int(positions) - offset


def _sentence_config(home: Path) -> Mapping[str, Any]:
    return next((_json(path) for path in sorted(home.glob("sentence_*_config.json"))), {})


def _default_prompt(root: Path) -> str:
    config = _json(root / "config_sentence_transformers.json")
    return str((config.get("prompts") or {}).get(config.get("default_prompt_name"), ""))


def _graph(root: Path, home: Path) -> bytes:
    path = _graph_file(root, home)
    if path is not None:
        return _bytes(path)
    weights = any(found for pattern in _WEIGHTS for found in home.glob(pattern))
    raise DataError(
        str(root),
        received="weights without an ONNX graph" if weights else "no ONNX graph",
        expected=f"one of {_GRAPHS}",
        remedy="write one, once: shortlist.export.export_text_encoder(folder, new_folder), "
        "or shortlist embed --cache"
        if weights
        else "copy the model's folder again, whole",
    )


def _graph_file(root: Path, home: Path) -> Path | None:
    places = (place / name for place in (home, root) for name in _GRAPHS)
    return next((path for path in places if path.is_file()), None)


def _json(path: Path) -> Any:
    """Content of a file; nothing where there is none."""
    if not path.is_file():
        return {}
    try:
        return json.loads(_bytes(path))
    except ValueError as error:
        raise DataError(
            str(path), received=str(error), expected="JSON", remedy="copy the model's folder again"
        ) from error


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(
            str(path),
            received=str(error),
            expected="a file of the model",
            remedy="copy the model's folder again; old folders without tokenizer.json must be saved anew",
        ) from error
