"""Exported repositories in a real Triton; SHORTLIST_TRITON names an interpreter with `nvidia-pytriton`."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from shortlist.server import export_triton
from shortlist.testing._bundles import tiny_bundle, tiny_pipeline
from shortlist.testing._triton import started_triton

pytestmark = pytest.mark.services


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    room = tmp_path_factory.mktemp("triton")
    bundle, repository = tiny_bundle(room / "shop"), room / "repository"
    export_triton(bundle, repository)
    export_triton(bundle, repository, name="steps", ensemble=True)
    with started_triton(Path(os.environ["SHORTLIST_TRITON"]), repository, room) as found:
        yield found.address


def asked(address: str, model: str, *users: str, k: int = 10) -> httpx.Response:
    tensors: list[dict[str, Any]] = [
        {"name": "user", "shape": [len(users)], "datatype": "BYTES", "data": list(users)},
        {"name": "k", "shape": [1], "datatype": "INT32", "data": [k]},
    ]
    return httpx.post(f"http://{address}/v2/models/{model}/infer", json={"inputs": tensors}, timeout=30)


@pytest.mark.parametrize("model", ["shop", "steps"])
@pytest.mark.parametrize("k", [1, 2, 10])
def test_the_answers_are_those_of_the_bundle(address: str, model: str, k: int) -> None:
    answer = asked(address, model, "u1", "u2", "new", "", k=k)
    assert answer.status_code == 200, answer.text
    found = {one["name"]: one["data"] for one in answer.json()["outputs"]}
    lists = tiny_pipeline().recommend(["u1", "u2", "new", None], k=k)
    for place, (user, count) in enumerate(zip(["u1", "u2", "new", None], found["count"], strict=True)):
        want = lists.filter(lists["user"].eq_missing(user))
        row = slice(place * k, place * k + count)
        assert found["item"][row] == want["item"].to_list()
        assert found["score"][row] == pytest.approx(want["score"].to_list(), rel=1e-3)
        assert found["source"][row] == want["source"].to_list()


@pytest.mark.parametrize("model", ["shop", "steps"])
def test_what_is_wrong_is_told(address: str, model: str) -> None:
    answer = asked(address, model, "u1", k=0)
    assert answer.status_code >= 400
    assert "one number from 1 to 1000" in answer.json()["error"]
