"""Text encoders of torch as ONNX graphs, with a stand-in for the package that reads their weights."""

import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from shortlist.errors import ArgumentError, DataError, ExportError, MissingExtraError
from shortlist.export import export_text_encoder, served_text_model
from shortlist.features.text import has_graph, open_text_encoder, read_text_model
from shortlist.testing._texts import tiny_text_model


class Encoder(nn.Module):
    """Vectors of tokens, mixed over the tokens that are there."""

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.words = nn.Parameter(torch.randn(70, 4, generator=generator))
        self.config = SimpleNamespace(vocab_size=62, max_position_embeddings=64, is_encoder_decoder=False)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Any:
        tokens = self.words[input_ids]
        present = attention_mask.unsqueeze(-1).float()
        mean = (tokens * present).sum(1, keepdim=True) / present.sum(1, keepdim=True)
        return SimpleNamespace(last_hidden_state=tokens + mean)


class Branching(Encoder):
    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Any:
        if int(input_ids.sum()) > 5:
            return super().forward(input_ids, attention_mask)
        return super().forward(input_ids, attention_mask + 1)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tiny_text_model(tmp_path / "tiny")
    (folder / "onnx" / "model.onnx").unlink()
    (folder / "onnx").rmdir()
    (folder / "model.safetensors").write_bytes(b"weights")
    return folder


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The part of transformers that is used, giving the encoder and tokenizer that are set on it."""
    module: Any = ModuleType("transformers")
    module.encoder, module.tokenizer = Encoder(), None

    def read(folder: str, **_: object) -> Any:
        if isinstance(module.encoder, Exception):
            raise module.encoder
        return module.encoder

    module.AutoModel = SimpleNamespace(from_pretrained=read)
    module.AutoTokenizer = SimpleNamespace(from_pretrained=lambda _, **__: module.tokenizer)
    monkeypatch.setitem(sys.modules, "transformers", module)
    return module


def test_the_new_folder_gives_what_the_model_gives(model: Path, stand_in: Any, tmp_path: Path) -> None:
    made = export_text_encoder(model, tmp_path / "served")
    assert sorted(path.name for path in made.iterdir()) == sorted(
        ["1_Pooling", "config.json", "modules.json", "onnx", "sentence_bert_config.json", "tokenizer.json"]
    )
    encoder = open_text_encoder(read_text_model(made), threads=1)
    ids = torch.tensor([[2, 4, 6, 3]])  # [CLS] red shoes [SEP]
    with torch.no_grad():
        tokens = stand_in.encoder(ids, torch.ones_like(ids)).last_hidden_state[0].numpy()
    mean = tokens.mean(axis=0)
    assert np.allclose(encoder.encode(["red shoes", "a"])[0], mean / np.linalg.norm(mean), atol=1e-5)


def test_a_graph_is_made_once(model: Path, stand_in: Any, tmp_path: Path) -> None:
    first = served_text_model(model, tmp_path / "cache")
    assert first.parent == tmp_path / "cache" / "models"
    assert has_graph(first)
    stand_in.encoder = ValueError("must not be asked again")
    assert served_text_model(model, tmp_path / "cache") == first
    assert served_text_model(first, tmp_path / "cache") == first
    (model / "model.safetensors").write_bytes(b"other weights")
    with pytest.raises(ExportError, match="must not be asked again"):
        served_text_model(model, tmp_path / "cache")


def test_a_tokenizer_is_made_of_a_vocabulary(model: Path, stand_in: Any, tmp_path: Path) -> None:
    text = (model / "tokenizer.json").read_text()
    (model / "tokenizer.json").unlink()
    with pytest.raises(ExportError, match="a tokenizer of the tokenizers library"):
        export_text_encoder(model, tmp_path / "served")
    assert not (tmp_path / "served").exists()
    stand_in.tokenizer = SimpleNamespace(backend_tokenizer=SimpleNamespace(to_str=lambda: text))
    assert json.loads((export_text_encoder(model, tmp_path / "served") / "tokenizer.json").read_text())


def test_what_cannot_be_exported(model: Path, stand_in: Any, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="another folder than the model's"):
        export_text_encoder(model, model)
    with pytest.raises(DataError, match="no such folder"):
        export_text_encoder(tmp_path / "nowhere", tmp_path / "served")
    stand_in.encoder.config.is_encoder_decoder = True
    with pytest.raises(ExportError, match="an encoder without a decoder"):
        export_text_encoder(model, tmp_path / "served")
    stand_in.encoder = OSError("no file named model.safetensors")
    with pytest.raises(ExportError, match="weights of a transformers model; received no file named"):
        export_text_encoder(model, tmp_path / "served")
    stand_in.encoder = Branching()
    with pytest.raises(ExportError, match="can trace"):
        export_text_encoder(model, tmp_path / "served")
    assert not (tmp_path / "served").exists()


def test_a_graph_that_differs_is_refused(
    model: Path, stand_in: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = (export_text_encoder(model, tmp_path / "one") / "onnx" / "model.onnx").read_bytes()
    monkeypatch.setattr("shortlist.export._text_encoder._traced", lambda _: graph)
    with torch.no_grad():
        stand_in.encoder.words += 0.01
    with pytest.raises(ExportError, match=r"token vectors that differ by .* for token ids of shape \(1, 1\)"):
        export_text_encoder(model, tmp_path / "other")


def test_without_the_extra(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'shortlist\[text-export\]'"):
        export_text_encoder(model, tmp_path / "served")
