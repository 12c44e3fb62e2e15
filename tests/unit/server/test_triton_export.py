"""Model repositories: what is written, and the model as the python backend calls it."""

import json
import re
import runpy
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import shortlist as sl
from shortlist.errors import ArgumentError, BundleError
from shortlist.testing._bundles import tiny_pipeline


class Tensor:
    """A tensor as the backend has it: texts are bytes."""

    def __init__(self, name: str, values: Any) -> None:
        self._name, self.values = name, values

    def name(self) -> str:
        return self._name

    def as_numpy(self) -> Any:
        if self.values.dtype != object:
            return self.values
        texts = [text.encode() if isinstance(text, str) else text for text in self.values.ravel()]
        return np.array(texts, dtype=object).reshape(self.values.shape)


class Response:
    def __init__(self, tensors: list[Tensor], error: Any = None) -> None:
        self.tensors, self.error = {one.name(): one for one in tensors}, error


@pytest.fixture(autouse=True)
def backend(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = SimpleNamespace(Tensor=Tensor, InferenceResponse=Response, TritonError=str)
    monkeypatch.setitem(sys.modules, "triton_python_backend_utils", parts)
    monkeypatch.setattr(sys, "path", sys.path[:])


def loaded(folder: Path) -> Any:
    model = runpy.run_path(str(folder / "1" / "model.py"))["TritonPythonModel"]()
    model.initialize({"model_repository": str(folder), "model_version": "1"})
    return model


def called(model: Any, tensors: list[Tensor]) -> Response:
    (answer,) = model.execute([SimpleNamespace(inputs=lambda: tensors)])
    assert isinstance(answer, Response)
    return answer


def asked(*users: str, k: int = 10) -> list[Tensor]:
    return [Tensor("user", np.array(users, dtype=object)), Tensor("k", np.array([k], np.int32))]


def lists(answer: Response) -> list[list[str]]:
    rows = answer.tensors["item"].values.tolist()
    return [row[:count] for row, count in zip(rows, answer.tensors["count"].values.tolist(), strict=True)]


def test_one_model_answers_like_the_bundle(bundle: Path, tmp_path: Path) -> None:
    folder = sl.export_triton(bundle, tmp_path / "models", name="shop", python_path=("/opt/more",))
    config = (folder / "config.pbtxt").read_text()
    assert 'name: "shop"' in config
    assert 'input [{ name: "k" data_type: TYPE_INT32 dims: [1] optional: true }]' in config
    model = loaded(folder)
    assert "/opt/more" in sys.path
    want = tiny_pipeline().recommend(["u1", "new"])
    found = lists(called(model, asked("u1", "new")))
    assert found == [want.filter(want["user"] == user)["item"].to_list() for user in ("u1", "new")]
    assert "one number from 1 to 1000" in called(model, asked("u1", k=0)).error


def test_stages_one_by_one_answer_like_the_bundle(bundle: Path, tmp_path: Path) -> None:
    """The maps of the ensemble are followed as Triton does."""
    folder = sl.export_triton(bundle, tmp_path / "models", name="shop", ensemble=True)
    values: dict[str, Tensor] = {one.name(): one for one in asked("u1", "u2", "new", "")}
    for step in re.findall(r"step \[\{ (.*) \}\]", (folder / "config.pbtxt").read_text()):
        (name,) = re.findall(r'model_name: "(\w+)"', step)
        pair = r'_map \{ key: "(\w+)" value: "(\w+)" \}'
        given = [Tensor(key, values[value].as_numpy()) for key, value in re.findall(f"input{pair}", step)]
        answer = called(loaded(tmp_path / "models" / name), given)
        for key, value in re.findall(f"output{pair}", step):
            values[value] = Tensor(value, answer.tensors[key].values)
    want = tiny_pipeline().recommend(["u1", "u2", "new", None])
    users: list[str | None] = ["u1", "u2", "new", None]
    last = Response([Tensor(name, values[name].values) for name in ("item", "count")])
    assert lists(last) == [want.filter(want["user"].eq_missing(user))["item"].to_list() for user in users]


def test_settings_are_in_the_model(bundle: Path, tmp_path: Path) -> None:
    text = (sl.export_triton(bundle, tmp_path, name="shop", clock="log") / "1" / "model.py").read_text()
    (settings,) = re.findall(r"model\('(.*)'\)", text)
    assert json.loads(settings) == {"bundle": "bundle", "clock": "log", "stage": None}


def test_names_and_bundles_that_cannot_be(bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="the name of a folder"):
        sl.export_triton(bundle, tmp_path / "models", name="a/b")
    with pytest.raises(BundleError):
        sl.export_triton(tmp_path, tmp_path / "models")
