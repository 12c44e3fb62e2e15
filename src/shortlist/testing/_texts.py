"""A text model of a few kilobytes in the folder layout of sentence-transformers."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from string import ascii_lowercase
from typing import Any

import numpy as np

from shortlist.data import Array

__all__ = ["tiny_graph", "tiny_text_model", "tiny_tokenizer"]

_WORDS = ("red", "blue", "shoes", "hat", "the", "a")
_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
_VOCABULARY = (*_SPECIAL, *_WORDS, *ascii_lowercase, *(f"##{letter}" for letter in ascii_lowercase))
_POSITIONS = 64


def tiny_text_model(
    folder: str | Path,
    *,
    dim: int = 4,
    pooling: Mapping[str, Any] | None = None,
    normalize: bool = True,
    max_length: int = 16,
    seed: int = 0,
) -> Path:
    """Write a model of one attention layer with random weights; the folder itself is given back.

    Args:
        folder: where to.
        dim: width of the vectors.
        pooling: content of the pooling's ``config.json``; None for the mean, in the older notation.
        normalize: whether it has a module that scales vectors to length 1.
        max_length: most tokens of a text.
        seed: of the weights.
    """
    root = Path(folder)
    (root / "onnx").mkdir(parents=True, exist_ok=True)
    (root / "1_Pooling").mkdir(exist_ok=True)
    modules = ["Transformer", "Pooling", *(["Normalize"] if normalize else [])]
    files: dict[str, Any] = {
        "modules.json": [
            {"idx": n, "name": str(n), "path": f"{n}_{kind}" if n else "", "type": f"models.{kind}"}
            for n, kind in enumerate(modules)
        ],
        "1_Pooling/config.json": pooling
        or {"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": False},
        "sentence_bert_config.json": {"max_seq_length": max_length, "do_lower_case": False},
        "config.json": {"model_type": "bert", "max_position_embeddings": _POSITIONS, "pad_token_id": 0},
    }
    for name, content in files.items():
        (root / name).write_text(json.dumps(content))
    (root / "tokenizer.json").write_text(tiny_tokenizer())
    (root / "onnx" / "model.onnx").write_bytes(tiny_graph(dim, seed))
    return root


def tiny_tokenizer() -> str:
    """JSON of a WordPiece tokenizer of six words and all letters; by itself it fills up to ten tokens."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    model = models.WordPiece({token: n for n, token in enumerate(_VOCABULARY)}, unk_token="[UNK]")  # noqa: S106
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    ends = [("[CLS]", _VOCABULARY.index("[CLS]")), ("[SEP]", _VOCABULARY.index("[SEP]"))]
    tokenizer.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", special_tokens=ends)
    tokenizer.enable_padding(length=10)
    text: str = tokenizer.to_str()
    return text


def tiny_graph(dim: int = 4, seed: int = 0, *, outputs: Sequence[str] = ("last_hidden_state",)) -> bytes:
    """ONNX bytes of one attention layer over token and position embeddings, whose weights are random.

    Args:
        dim: width of the vectors.
        seed: of the weights.
        outputs: ``last_hidden_state`` [B, L, D], ``sentence_embedding`` [B, D] (the first token's), or both.
    """
    from onnx import TensorProto, checker, helper, numpy_helper

    rng = np.random.default_rng(seed)
    weights: dict[str, Array] = {
        "words": rng.normal(size=(len(_VOCABULARY), dim)).astype(np.float32),
        "places": rng.normal(size=(_POSITIONS, dim)).astype(np.float32),
        "kinds": rng.normal(size=(2, dim)).astype(np.float32),
        "zero": np.array(0, dtype=np.int64),
        "one": np.array(1, dtype=np.int64),
        "middle": np.array([1], dtype=np.int64),
        "far": np.array(1e9, dtype=np.float32),
    }
    steps: list[tuple[str, list[str], str, dict[str, Any]]] = [
        ("Gather", ["words", "input_ids"], "word", {}),
        ("Gather", ["kinds", "token_type_ids"], "kind", {}),
        ("Shape", ["input_ids"], "shape", {}),
        ("Gather", ["shape", "one"], "length", {}),
        ("Range", ["zero", "length", "one"], "numbers", {}),
        ("Gather", ["places", "numbers"], "place", {}),
        ("Add", ["word", "kind"], "typed", {}),
        ("Add", ["typed", "place"], "tokens", {}),
        ("Transpose", ["tokens"], "turned", {"perm": [0, 2, 1]}),
        ("MatMul", ["tokens", "turned"], "products", {}),
        ("Cast", ["attention_mask"], "present", {"to": TensorProto.FLOAT}),
        ("Sub", ["present", "real"], "absent", {}),
        ("Mul", ["absent", "far"], "minus", {}),
        ("Unsqueeze", ["minus", "middle"], "penalty", {}),
        ("Add", ["products", "penalty"], "allowed", {}),
        ("Softmax", ["allowed"], "weights", {"axis": -1}),
        ("MatMul", ["weights", "tokens"], "last_hidden_state", {}),
        ("Gather", ["last_hidden_state", "zero"], "sentence_embedding", {"axis": 1}),
    ]
    weights["real"] = np.array(1, dtype=np.float32)
    shapes: dict[str, list[str | int]] = {
        "last_hidden_state": ["b", "l", dim],
        "sentence_embedding": ["b", dim],
    }
    names = ("input_ids", "attention_mask", "token_type_ids")
    graph = helper.make_graph(
        [helper.make_node(kind, inputs, [output], **options) for kind, inputs, output, options in steps],
        "tiny",
        [helper.make_tensor_value_info(name, TensorProto.INT64, ["b", "l"]) for name in names],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shapes[name]) for name in outputs],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    checker.check_model(proto)
    written: bytes = proto.SerializeToString()
    return written
