"""What is read out of the folder of a text model, and what is refused."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shortlist.errors import ArgumentError, DataError, MissingExtraError
from shortlist.features.text import Reading, has_graph, open_text_encoder, read_text_model
from shortlist.testing._texts import tiny_graph, tiny_text_model


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tiny_text_model(tmp_path / "model")


def write(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def test_the_folder_says_everything(folder: Path) -> None:
    assert read_text_model(folder).reading == Reading(("mean",), normalize=True, max_length=16)
    assert has_graph(folder)


def test_options_stand_above_the_folder(folder: Path) -> None:
    model = read_text_model(folder, pooling="cls", normalize=False, max_length=8, prefix="query: ")
    assert model.reading == Reading(("cls",), normalize=False, max_length=8, prefix="query: ")
    assert model.fingerprint != read_text_model(folder).fingerprint


@pytest.mark.parametrize(
    ("config", "poolings"),
    [
        ({"pooling_mode": "lasttoken", "embedding_dimension": 4}, ("lasttoken",)),
        ({"pooling_mode": ["mean", "cls"]}, ("cls", "mean")),
        ({"pooling_mode_cls_token": True, "pooling_mode_max_tokens": True}, ("cls", "max")),
        ({"pooling_mode_mean_sqrt_len_tokens": True}, ("mean_sqrt_len_tokens",)),
        ({"pooling_mode_weightedmean_tokens": True}, ("weightedmean",)),
    ],
)
def test_poolings_of_old_and_new_folders(
    tmp_path: Path, config: dict[str, Any], poolings: tuple[str, ...]
) -> None:
    model = read_text_model(tiny_text_model(tmp_path / "m", pooling=config))
    assert model.reading.poolings == poolings
    assert open_text_encoder(model, threads=1).dim == 4 * len(poolings)


def test_a_folder_without_modules_is_averaged_and_not_scaled(folder: Path) -> None:
    (folder / "modules.json").unlink()
    reading = read_text_model(folder).reading
    assert (reading.poolings, reading.normalize) == (("mean",), False)


def test_the_length_is_the_smallest_that_is_said(folder: Path) -> None:
    write(folder / "sentence_bert_config.json", {"max_seq_length": 1000})
    assert read_text_model(folder).reading.max_length == 64  # the encoder's positions
    (folder / "sentence_bert_config.json").unlink()
    write(folder / "tokenizer_config.json", {"model_max_length": 20})
    assert read_text_model(folder).reading.max_length == 20
    write(folder / "tokenizer_config.json", {"model_max_length": 10**30})
    assert read_text_model(folder).reading.max_length == 64
    write(
        folder / "config.json", {"model_type": "roberta", "max_position_embeddings": 514, "pad_token_id": 1}
    )
    assert read_text_model(folder).reading.max_length == 512  # two positions stand before the first token
    write(folder / "config.json", {})
    assert read_text_model(folder).reading.max_length == 512


def test_lower_case_and_the_default_prompt(folder: Path) -> None:
    write(folder / "sentence_bert_config.json", {"max_seq_length": 16, "do_lower_case": True})
    prompts = {"prompts": {"query": "", "passage": "the "}, "default_prompt_name": "passage"}
    write(folder / "config_sentence_transformers.json", prompts)
    model = read_text_model(folder)
    assert (model.reading.lowercase, model.reading.prefix) == (True, "the ")
    plain = open_text_encoder(read_text_model(folder, prefix=""), threads=1)
    assert np.allclose(
        open_text_encoder(model, threads=1).encode(["RED"]), plain.encode(["the red"]), atol=1e-6
    )


def test_the_encoder_may_stand_in_a_folder_within(folder: Path) -> None:
    modules = json.loads((folder / "modules.json").read_text())
    modules[0]["path"] = "0_Transformer"
    write(folder / "modules.json", modules)
    home = folder / "0_Transformer"
    home.mkdir()
    for name in ("tokenizer.json", "config.json", "sentence_bert_config.json"):
        (folder / name).rename(home / name)
    assert read_text_model(folder).reading.max_length == 16


def test_a_longer_text_is_cut(folder: Path) -> None:
    encoder = open_text_encoder(read_text_model(folder, max_length=4), threads=1)
    two, three = encoder.encode(["red blue", "red blue hat"])
    assert np.array_equal(two, three)  # [CLS] red blue [SEP]


def test_a_graph_that_pools_by_itself(folder: Path) -> None:
    whole = open_text_encoder(read_text_model(folder, pooling="cls"), threads=1)
    (folder / "onnx" / "model.onnx").write_bytes(tiny_graph(outputs=["sentence_embedding"]))
    pooled = open_text_encoder(read_text_model(folder), threads=1)
    assert np.allclose(pooled.encode(["red hat", "a"]), whole.encode(["red hat", "a"]), atol=1e-6)
    (folder / "onnx" / "model.onnx").write_bytes(
        tiny_graph(outputs=["sentence_embedding", "last_hidden_state"])
    )
    mean = open_text_encoder(read_text_model(folder), threads=1)
    assert not np.allclose(
        mean.encode(["red hat"]), whole.encode(["red hat"]), atol=1e-3
    )  # token vectors first


@pytest.mark.parametrize("pooling", ["average", "CLS"])
def test_an_unknown_pooling(folder: Path, pooling: str) -> None:
    with pytest.raises(ArgumentError, match=f"pooling '{pooling}'.*known: 'cls'"):
        read_text_model(folder, pooling=pooling)


@pytest.mark.parametrize(
    ("length", "told"), [(2, "an integer >= 3"), (True, "an integer >= 3"), (65, "at most 64, the positions")]
)
def test_a_length_out_of_range(folder: Path, length: int, told: str) -> None:
    with pytest.raises(ArgumentError, match=told):
        read_text_model(folder, max_length=length)


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"all-MiniLM.*no such folder.*not looked up"):
        read_text_model(tmp_path / "all-MiniLM")


@pytest.mark.parametrize(
    ("kinds", "told"),
    [
        (["Transformer", "Pooling", "Dense"], "Dense"),
        (["Transformer", "Pooling", "Pooling"], "a Transformer, then"),
    ],
)
def test_modules_that_cannot_be_served(folder: Path, kinds: list[str], told: str) -> None:
    write(folder / "modules.json", [{"type": f"models.{kind}", "path": ""} for kind in kinds])
    with pytest.raises(DataError, match=told):
        read_text_model(folder)


@pytest.mark.parametrize("config", [{"pooling_mode": "attention"}, {}])
def test_a_pooling_of_the_folder_that_is_unknown(tmp_path: Path, config: dict[str, Any]) -> None:
    folder = tiny_text_model(tmp_path / "m", pooling=config or {"word_embedding_dimension": 4})
    with pytest.raises(DataError, match=r"1_Pooling.*pass pooling="):
        read_text_model(folder)
    assert read_text_model(folder, pooling="mean").reading.poolings == ("mean",)


def test_weights_alone_need_a_graph(folder: Path) -> None:
    (folder / "onnx" / "model.onnx").unlink()
    with pytest.raises(DataError, match=r"no ONNX graph.*copy the model's folder again"):
        read_text_model(folder)
    (folder / "model.safetensors").write_bytes(b"0")
    with pytest.raises(DataError, match=r"weights without an ONNX graph.*export_text_encoder"):
        read_text_model(folder)
    assert not has_graph(folder)


def test_damaged_files_are_named(folder: Path) -> None:
    (folder / "config.json").write_text("{")
    with pytest.raises(DataError, match=r"config\.json: expected JSON"):
        read_text_model(folder)
    write(folder / "config.json", {})
    (folder / "tokenizer.json").unlink()
    with pytest.raises(DataError, match=r"tokenizer\.json.*saved anew"):
        read_text_model(folder)


@pytest.mark.parametrize("name", ["tokenizer.json", "onnx/model.onnx"])
def test_what_cannot_be_opened(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"nothing")
    with pytest.raises(DataError, match="text encoder: expected a tokenizer and a graph"):
        open_text_encoder(read_text_model(folder))


def test_a_graph_of_something_else(folder: Path) -> None:
    from onnx import TensorProto, helper

    value = helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["b", 3])
    out = helper.make_tensor_value_info("out", TensorProto.FLOAT, ["b", 3])
    graph = helper.make_graph([helper.make_node("Relu", ["pixels"], ["out"])], "g", [value], [out])
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    (folder / "onnx" / "model.onnx").write_bytes(proto.SerializeToString())
    with pytest.raises(DataError, match=r"from \['pixels'\].*without its task's head"):
        open_text_encoder(read_text_model(folder))


def test_without_the_extra(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'shortlist\[text\]'"):
        open_text_encoder(read_text_model(folder))
