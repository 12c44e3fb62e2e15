"""The Open Inference Protocol: metadata, tensors in JSON and as bytes, and what is refused."""

import gzip
import json
import struct
import zlib
from typing import Any

import numpy as np
import pytest

from shortlist.server._tensors import DATATYPES, from_bytes, from_json, to_bytes, to_json

INFER = "/v2/models/bundle/infer"


def users(*names: str, **more: Any) -> dict[str, Any]:
    return {
        "inputs": [{"name": "user", "shape": [len(names)], "datatype": "BYTES", "data": list(names)}],
        **more,
    }


def tensor(name: str, datatype: str, shape: list[int], data: list[Any]) -> dict[str, Any]:
    return {"name": name, "shape": shape, "datatype": datatype, "data": data}


def told(answer: Any) -> dict[str, list[Any]]:
    assert answer.status_code == 200, answer.text
    return {
        one["name"]: np.array(one["data"], dtype=object).reshape(one["shape"]).tolist()
        for one in answer.json()["outputs"]
    }


def refused(client: Any, body: Any, status: int = 400, path: str = INFER, **headers: str) -> str:
    given = {"content": body} if isinstance(body, bytes) else {"json": body}
    answer = client.run(client.http.post(path, headers=headers, **given))
    assert answer.status_code == status, answer.text
    return str(answer.json()["error"])


def test_the_server_and_its_models_tell_what_they_are(client: Any) -> None:
    assert client.get("/v2").json()["name"] == "shortlist"
    assert client.get("/v2/health/live").status_code == client.get("/v2/health/ready").status_code == 200
    assert client.post("/v2/repository/index", {}).json()[0]["name"] == "bundle"
    for path in ("/v2/models/bundle", "/v2/models/bundle/versions/1"):
        model = client.get(path).json()
        assert [one["name"] for one in model["inputs"]][:4] == ["user", "k", "recent", "exclude"]
        assert [one["name"] for one in model["outputs"]] == ["item", "score", "source", "count"]
        assert client.get(f"{path}/ready").json() == {"name": "bundle", "ready": True}
        assert client.get(f"{path}/config").json()["input"][0]["data_type"] == "TYPE_STRING"


def test_the_lists_are_those_of_recommend(client: Any) -> None:
    found = told(client.post(INFER, users("u1", "u2", "new", "")))
    lists = client.lists(users=["u1", "u2", "new", None])
    assert [row[:count] for row, count in zip(found["item"], found["count"], strict=True)] == lists
    assert {len(row) for row in found["item"]} == {10}
    assert found["item"][0][2:] == [""] * 8
    assert found["score"][0][2:] == [0.0] * 8
    scores = [item["score"] for item in client.ask(user="u1")["results"][0]["items"]]
    assert found["score"][0][:2] == pytest.approx(scores)


def test_k_recent_and_exclude(client: Any) -> None:
    body = users("u1", "u3")
    body["inputs"] += [
        tensor("k", "INT32", [1], [1]),
        tensor("recent", "BYTES", [2, 2], ["i4", "", "i1", "i1"]),
        tensor("exclude", "BYTES", [1, 1], ["i2"]),
    ]
    found = told(client.post(INFER, body))
    want = client.lists(users=["u1", "u3"], k=1, recent=[["i4"], ["i1", "i1"]], exclude=["i2"])
    assert found["item"] == want


def test_outputs_by_name_and_id(client: Any) -> None:
    answer = client.post(INFER, users("u1", id="r9", outputs=[{"name": "count"}])).json()
    assert (answer["id"], answer["model_name"], answer["model_version"]) == ("r9", "bundle", "1")
    assert answer["outputs"] == [{"name": "count", "datatype": "INT32", "shape": [1], "data": [2]}]
    assert answer["parameters"]["bundle"] == client.get("/health/ready").json()["bundle"]


def test_bytes_in_and_out(client: Any) -> None:
    raw = to_bytes("BYTES", np.array(["u1"], dtype=object)) + to_bytes("INT32", np.array([2]))
    inputs = [
        {"name": "user", "shape": [1], "datatype": "BYTES", "parameters": {"binary_data_size": len(raw) - 4}},
        {"name": "k", "shape": [1], "datatype": "INT32", "parameters": {"binary_data_size": 4}},
    ]
    head = json.dumps({"inputs": inputs, "parameters": {"binary_data_output": True}}).encode()
    answer = client.run(
        client.http.post(
            INFER, content=head + raw, headers={"Inference-Header-Content-Length": str(len(head))}
        )
    )
    size = int(answer.headers["inference-header-content-length"])
    described, place, found = json.loads(answer.content[:size]), size, {}
    for one in described["outputs"]:
        end = place + one["parameters"]["binary_data_size"]
        found[one["name"]] = from_bytes(one["name"], one["datatype"], one["shape"], answer.content[place:end])
        place = end
    assert place == len(answer.content)
    assert found["item"].tolist() == [["i1", "i2"]]
    assert found["count"].tolist() == [2]


@pytest.mark.parametrize("packing", ["gzip", "deflate"])
def test_packed_bodies(client: Any, packing: str) -> None:
    body = json.dumps(users("u1")).encode()
    packed = gzip.compress(body) if packing == "gzip" else zlib.compress(body)
    answer = client.run(client.http.post(INFER, content=packed, headers={"content-encoding": packing}))
    assert told(answer)["count"] == [2]
    assert f"bytes packed by {packing}" in refused(client, b"no", 400, **{"content-encoding": packing})


def test_a_packed_body_that_grows_beyond_the_limit(client: Any) -> None:
    packed = gzip.compress(b" " * (2 << 20))
    assert "once unpacked" in refused(client, packed, 413, **{"content-encoding": "gzip"})
    assert "gzip, deflate or identity" in refused(client, b"", 400, **{"content-encoding": "br"})


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{", "a request for inference"),
        ({"inputs": []}, "at least the input 'user'"),
        ({"inputs": [tensor("usr", "BYTES", [1], ["u1"])]}, "did you mean 'user'"),
        ({"inputs": [tensor("user", "BYTES", [2], ["u1"])]}, "2, as the shape says"),
        ({"inputs": [tensor("user", "BYTES", [1], [3])]}, "values of type BYTES"),
        ({"inputs": [tensor("user", "INT8", [1], [300])]}, "out of range"),
        ({"inputs": [tensor("user", "TEXT", [1], ["u1"])]}, "one of BOOL"),
        ({"inputs": [tensor("user", "BYTES", [-1], ["u1"])]}, "sizes from 0"),
        ({"inputs": [tensor("user", "BYTES", [1, 2], ["u1", "u2"])]}, r"[B] or [B, 1]"),
        (users("u1", outputs=[{"name": "items"}]), "did you mean 'item'"),
        ({"inputs": [*users("u1")["inputs"], tensor("k", "INT32", [1], [0])]}, "from 1 to 1000"),
        ({"inputs": [*users("u1")["inputs"], tensor("k", "FP32", [1], [1.5])]}, "from 1 to 1000"),
        (
            {"inputs": [*users("a", "b", "c")["inputs"], tensor("recent", "BYTES", [2, 1], ["i1", "i2"])]},
            "2 rows for 3 users",
        ),
        ({"inputs": [tensor("user", "BYTES", [1100], ["u"] * 1100)]}, "at most 1024"),
        (
            {"inputs": [{**tensor("user", "BYTES", [1], []), "parameters": {"binary_data_size": 9}}]},
            "as many bytes as follow",
        ),
    ],
)
def test_what_is_wrong_is_told(client: Any, body: Any, message: str) -> None:
    assert message in refused(client, body)


@pytest.mark.parametrize("size", ["-1", "many", "999999"])
def test_a_size_of_the_json_that_cannot_be(client: Any, size: str) -> None:
    told_size = {"Inference-Header-Content-Length": size}
    assert "the size of the body" in refused(client, json.dumps(users("u1")).encode(), **told_size)


def test_models_that_are_not_there(client: Any) -> None:
    assert "did you mean 'bundle'" in refused(client, users("u1"), 404, "/v2/models/bundel/infer")
    assert client.get("/v2/models/bundle/versions/2").status_code == 404


@pytest.mark.parametrize("datatype", sorted(DATATYPES))
def test_tensors_come_back_as_they_went(datatype: str) -> None:
    kind = DATATYPES[datatype]
    values = (
        np.array(["a", "", "ü"], dtype=object) if datatype == "BYTES" else np.array([0, 1, 1], dtype=kind)
    )
    again = from_bytes("x", datatype, [3], to_bytes(datatype, values))
    assert again.tolist() == values.tolist()
    assert from_json("x", datatype, [3], to_json(values)).tolist() == values.tolist()


@pytest.mark.parametrize(
    ("datatype", "data", "message"),
    [
        ("FP32", b"123", "4, as type and shape say"),
        ("BYTES", b"\x01\x00\x00", "UTF-8 text for each value"),
        ("BYTES", struct.pack("<I", 1) + b"\xff", "UTF-8 text for each value"),
        ("BYTES", struct.pack("<I", 9) + b"a", "1, as the shape says"),
        ("BYTES", b"", "1, as the shape says"),
    ],
)
def test_damaged_bytes(datatype: str, data: bytes, message: str) -> None:
    from shortlist.errors import ArgumentError

    with pytest.raises(ArgumentError, match=message):
        from_bytes("x", datatype, [1], data)
