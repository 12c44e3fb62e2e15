"""The base install serves: everything here runs where nothing that trains can be imported."""

import json
import os
import re
import signal
import subprocess
import sys
from typing import Any

import httpx
import numpy as np
import pytest

from shortlist import pipeline

_BLOCKED = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"torch", "safetensors", "onnx", "onnxscript", "numba"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Blocked())
"""
_CLI = _BLOCKED + "from shortlist.cli import main; sys.exit(main(sys.argv[1:]))"
_ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "SHORTLIST_DEBUG"}


def run(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=_ENVIRONMENT, timeout=120, check=False)


def shortlist(*arguments: object) -> subprocess.CompletedProcess[str]:
    return run(_CLI, *arguments)


_LIBRARY = (
    _BLOCKED
    + """
import json
import shortlist as sl
pipe = sl.load(sys.argv[1])
frame = pipe.recommend([0, 1, None], k=4, columns=["category"])
said = {}
for name in sys.argv[2:]:
    try:
        getattr(sl, name)
    except ImportError as error:
        said[name] = [type(error).__name__, str(error)]
print(json.dumps([frame.rows(), said]))
"""
)
TRAINING = ("TwoTower", "DCN", "fit", "save", "SampledSoftmax", "InBatch", "losses", "recipes")


def test_the_library(shop: Any) -> None:
    answer = run(_LIBRARY, shop.bundle, *TRAINING)
    assert answer.returncode == 0, answer.stderr
    rows, said = json.loads(answer.stdout)
    here = pipeline.load(shop.bundle).recommend([0, 1, None], k=4, columns=["category"]).rows()
    assert [row[:3] for row in rows] == [list(row[:3]) for row in here]
    np.testing.assert_allclose([row[3] for row in rows], [row[3] for row in here], atol=1e-5)
    for name in TRAINING:
        kind, text = said[name]
        assert kind == "MissingExtraError"
        assert text.startswith(f"shortlist.{name}: expected the package 'torch'")
        assert text.endswith("Remedy: pip install 'shortlist[train]'.")


_APP = (
    _BLOCKED
    + """
import json, time
from starlette.testclient import TestClient
from shortlist.server import app
with TestClient(app(sys.argv[1])) as http:
    while http.get("/health/ready").status_code != 200:
        time.sleep(0.01)
    answer = http.post("/recommend", json={"users": [0, "nobody"], "k": 3})
print(json.dumps([answer.status_code, answer.json()]))
"""
)


def test_the_application(shop: Any, tmp_path: Any) -> None:
    bundle = _copied(shop, tmp_path)
    answer = run(_APP, bundle)
    assert answer.returncode == 0, answer.stderr
    status, body = json.loads(answer.stdout)
    assert status == 200
    assert [len(one["items"]) for one in body["results"]] == [3, 3]


def test_inspect_and_recommend(shop: Any) -> None:
    looked = shortlist("inspect", shop.bundle, "--json")
    assert looked.returncode == 0, looked.stderr
    assert {stage["stage"] for stage in json.loads(looked.stdout)["stages"]} == {
        "merge",
        "match",
        "score",
        "take",
    }
    asked = shortlist("recommend", shop.bundle, "--users", "0", "nobody", "--k", "3", "--json")
    assert asked.returncode == 0, asked.stderr
    assert [row["rank"] for row in json.loads(asked.stdout)] == [1, 2, 3] * 2


@pytest.mark.parametrize("command", [("fit", "--events", "log.csv", "--out", "b"), ("demo",)])
def test_what_trains_says_what_is_missing(command: tuple[str, ...], tmp_path: Any) -> None:
    answer = (
        shortlist(*command[:-1], tmp_path / "b")
        if command[0] == "fit"
        else shortlist(*command, "--out", tmp_path)
    )
    assert answer.returncode not in (0, 1)
    assert "pip install 'shortlist[train]'" in answer.stderr
    assert "Traceback" not in answer.stderr
    assert not list(tmp_path.iterdir())


def test_serve(shop: Any, tmp_path: Any) -> None:
    command = [sys.executable, "-c", _CLI, "serve", str(_copied(shop, tmp_path)), "--port", "0"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=_ENVIRONMENT)
    assert process.stderr is not None
    try:
        found = re.search(r"http://[\d.:]+", process.stderr.readline())
        assert found is not None
        transport = httpx.HTTPTransport(retries=3)
        with httpx.Client(base_url=found[0], transport=transport, timeout=10) as http:
            while http.get("/health/ready").status_code != 200:
                assert process.poll() is None
            answer = http.post("/recommend", json={"user": 0, "k": 3})
        assert answer.status_code == 200
        assert len(answer.json()["results"][0]["items"]) == 3
    finally:
        process.send_signal(signal.SIGINT)
        with process.stderr:
            told = process.stderr.read()
        process.wait(20)
    assert "Traceback" not in told


def _copied(shop: Any, folder: Any) -> Any:
    """A copy: a server keeps live events beside its bundle."""
    import shutil

    return shutil.copytree(shop.bundle, folder / "bundle")
