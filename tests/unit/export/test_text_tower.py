"""Text encoders in towers, with a small encoder in place of one on disk."""

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from torch import Tensor, nn

import shortlist as sl
from shortlist import ops, tags
from shortlist.data import Batch, Ragged
from shortlist.errors import ArgumentError, ExportError, MissingExtraError
from shortlist.export import export_encoder, read_text_tower
from shortlist.models.retrieval import TextTower
from shortlist.runtime import load_encoder
from shortlist.testing._texts import tiny_text_model

WIDTH = 4


class Encoder(nn.Module):
    """Two layers over tokens, each mixing in the mean of those that are there."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.words = nn.Parameter(torch.randn(70, WIDTH, generator=generator))
        self.layer = nn.ModuleList(nn.Linear(WIDTH, WIDTH) for _ in range(2))
        self.dropout = nn.Dropout(0.5)
        with torch.no_grad():
            for parameter in self.layer.parameters():
                parameter.copy_(torch.randn(parameter.shape, generator=generator))
        self.config = SimpleNamespace(hidden_size=WIDTH, is_encoder_decoder=False)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Any:
        present = attention_mask.unsqueeze(-1).float()
        x = self.dropout(self.words[input_ids])
        for layer in self.layer:
            x = x + layer((x * present).sum(1, keepdim=True) / present.sum(1, keepdim=True)).tanh()
        return SimpleNamespace(last_hidden_state=x)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    module: Any = ModuleType("transformers")
    module.AutoModel = SimpleNamespace(from_pretrained=lambda *_, **__: Encoder())
    monkeypatch.setitem(sys.modules, "transformers", module)
    return tiny_text_model(tmp_path / "tiny", max_length=8)


TITLES = ["red shoes", "blue hat", None, "a red hat"]


def log() -> sl.Dataset:
    rows = pl.DataFrame(
        {
            "user": [user for user in range(40) for _ in range(4)],
            "item": [4 * step + user % 4 for user in range(40) for step in range(4)],
            "title": [TITLES[user % 4] for user in range(40) for _ in range(4)],
            "query": ["shoes" if user % 4 == 0 else "hat" for user in range(40) for _ in range(4)],
        }
    )
    read = sl.scan(rows, roles={"user": "user", "item": "item"})
    return read.tag("title", "item", "text").tag("query", "context", "text")


def flow_of(folder: Path) -> sl.Workflow:
    return sl.Workflow(
        [tags.any("id") >> ops.Categorify(), ["title", "query"] >> ops.Tokenize(folder, max_length=6)]
    ).fit(log())


def towers(flow: sl.Workflow, folder: Path, layers: int | None) -> sl.TwoTower:
    # One encoder reads both sides, as it is one module.
    text = read_text_tower(folder, 8, layers=layers)
    return sl.TwoTower(
        flow.schema,
        dim=8,
        query=sl.TowerOptions(text={"query": text}),
        item=sl.TowerOptions(text={"title": text}, id_dropout=0.5),
    )


def test_tokens_are_codes_above_padding(folder: Path) -> None:
    flow = flow_of(folder)
    title = flow.schema["title"]
    assert (title.dtype, title.shape.kind, title.shape.size) == ("int64", "list", 6)
    assert title.tags == {"item", "categorical", "tokens"}
    assert title.domain == flow.schema["query"].domain
    rows = flow.transform(log()).collect()["title"]
    codes = flow.transform_batch(Batch({"title": np.array(["red shoes", None, " "], dtype=object)}))["title"]
    assert isinstance(codes, Ragged)
    assert codes.to_lists() == [rows[0].to_list(), [], []]
    assert min(rows[0]) >= 1
    assert max(rows[0]) < (title.domain.size or 0)


def test_without_an_encoder_tokens_are_a_mean_of_embeddings(folder: Path) -> None:
    flow = flow_of(folder)
    model = sl.TwoTower(flow.schema, dim=8)
    assert flow.schema["title"].domain.name in model.tables.rows
    assert flow.schema["title"].domain.name not in towers(flow, folder, None).tables.rows


@pytest.mark.parametrize(("layers", "moved"), [(None, {"words", "0", "1"}), (1, {"1"}), (0, set())])
def test_so_many_layers_are_trained(folder: Path, layers: int | None, moved: set[str]) -> None:
    flow = flow_of(folder)
    model = towers(flow, folder, layers)
    before = {name: value.clone() for name, value in Encoder().state_dict().items()}
    objective = sl.SampledSoftmax(0.2, sl.InBatch() + sl.Uniform(16), mask_known=False)
    rows = flow.transform(log())
    report = sl.fit(model, rows, objective, options=sl.FitOptions(epochs=6, batch_size=80, lr=0.03))
    assert report.epochs[-1].loss < report.epochs[0].loss
    after = model.item.features.encoders[0].encoder.state_dict()
    changed = {
        name.split(".")[-2] if "." in name else name
        for name in before
        if not torch.equal(before[name], after[name])
    }
    assert changed == moved


def test_towers_with_text_encoders_are_exported(folder: Path, tmp_path: Path) -> None:
    flow = flow_of(folder)
    model = towers(flow, folder, 1)
    export_encoder(model, tmp_path / "part")
    served = load_encoder(tmp_path / "part")
    raw = {"query": ["blue shoes", "", "hat"], "user": [1, 2, 999]}
    batch = flow.transform_batch(
        Batch({"query": np.array(raw["query"], dtype=object), "user": np.array(raw["user"])})
    )
    np.testing.assert_allclose(served.encode_query(batch), model.encode_query(batch), atol=1e-5)


def encoded(text: TextTower, rows: list[list[int]]) -> Tensor:
    length = max(1, *(len(row) for row in rows))
    return text.eval()(torch.tensor([row + [0] * (length - len(row)) for row in rows]))


@pytest.mark.parametrize("pooling", ["mean", "cls", "max"])
def test_poolings_by_their_definition(pooling: str) -> None:
    text = TextTower(Encoder(), 3, pooling=pooling)  # type: ignore[arg-type]
    rows = [[5, 6, 7], [9]]
    found = encoded(text, [*rows, []])
    for row, vector in zip(rows, found, strict=False):
        ids = torch.tensor([row]) - 1
        tokens = text.encoder.eval()(ids, torch.ones_like(ids)).last_hidden_state[0]
        pooled = {"mean": tokens.mean(0), "cls": tokens[0], "max": tokens.amax(0)}[pooling]
        torch.testing.assert_close(vector, text.map(pooled))
    torch.testing.assert_close(found[2], text.map(torch.zeros(WIDTH)))
    assert encoded(text, [[5]])[0].shape == (3,)
    assert text(torch.zeros(0, 1, dtype=torch.int64)).shape == (0, 3)


def test_a_frozen_encoder_has_no_dropout() -> None:
    text = TextTower(Encoder(), 3, layers=0).train()
    codes = torch.tensor([[5, 6, 7]])
    torch.testing.assert_close(text(codes), text(codes))
    trained = TextTower(Encoder(), 3).train()
    with torch.random.fork_rng():
        assert not torch.equal(trained(codes), trained(codes))


def test_what_cannot_be_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ArgumentError, match="from 0 to the 2 layers"):
        read_text_tower(folder, 8, layers=3)
    with pytest.raises(ArgumentError, match=r"TextTower\.pooling"):
        read_text_tower(folder, 8, pooling="weightedmean")  # type: ignore[arg-type]
    (folder / "1_Pooling" / "config.json").write_text(
        '{"pooling_mode_mean_tokens": true, "pooling_mode_max_tokens": true}'
    )
    with pytest.raises(ArgumentError, match="one pooling"):
        read_text_tower(folder, 8)
    module: Any = ModuleType("transformers")
    decoder = Encoder()
    decoder.config.is_encoder_decoder = True
    module.AutoModel = SimpleNamespace(from_pretrained=lambda *_, **__: decoder)
    monkeypatch.setitem(sys.modules, "transformers", module)
    with pytest.raises(ExportError, match="an encoder without a decoder"):
        read_text_tower(folder, 8, pooling="mean")
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(MissingExtraError, match="text-export"):
        read_text_tower(folder, 8)


def test_a_tokenizer_that_is_none(folder: Path) -> None:
    (folder / "tokenizer.json").write_text("{}")
    with pytest.raises(sl.errors.DataError, match="the JSON of a tokenizer"):
        flow_of(folder)
