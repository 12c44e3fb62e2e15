"""The Open Inference Protocol over gRPC: the same answers, errors as statuses."""

import socket
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest

from shortlist.errors import ServerError
from shortlist.server import ServerOptions, app, free_port
from shortlist.server._grpc import GrpcServer
from shortlist.server._grpc_messages import messages
from shortlist.server._service import Service
from shortlist.server._tensors import from_bytes, to_bytes

Caller = Callable[..., Any]


@pytest.fixture
def asked(bundle: Path, opened: Any) -> Caller:
    """Asks a running server one call."""

    def ask(name: str, /, *, keys: tuple[str, ...] = (), headers: Any = (), **fields: Any) -> Any:
        if keys not in servers:
            address = f"127.0.0.1:{free_port()}"
            options = ServerOptions(grpc=address, api_keys=keys, live=bundle.parent / f"live{len(servers)}")
            servers[keys] = (opened(app(bundle, options)).settle(), address)
        client, address = servers[keys]
        kinds = messages()

        async def call() -> Any:
            async with grpc.aio.insecure_channel(address) as channel:
                method = channel.unary_unary(
                    f"/inference.GRPCInferenceService/{name}",
                    request_serializer=getattr(kinds, f"{name}Request").SerializeToString,
                    response_deserializer=getattr(kinds, f"{name}Response").FromString,
                )
                return await method(getattr(kinds, f"{name}Request")(**fields), metadata=headers)

        return client.run(call())

    servers: dict[tuple[str, ...], Any] = {}
    return ask


def users(*names: str) -> dict[str, Any]:
    return {"name": "user", "datatype": "BYTES", "shape": [len(names)]}


def test_health_and_metadata(asked: Caller) -> None:
    assert asked("ServerLive").live
    assert asked("ServerReady").ready
    assert asked("ModelReady", name="bundle").ready
    assert not asked("ModelReady", name="other").ready
    assert asked("ServerMetadata").name == "shortlist"
    model = asked("ModelMetadata", name="bundle")
    assert [one.name for one in model.inputs][:2] == ["user", "k"]
    assert [(one.name, one.datatype) for one in model.outputs][1] == ("score", "FP32")


def test_tensors_as_bytes(asked: Caller) -> None:
    raw = [to_bytes("BYTES", np.array(["u1", "new"], dtype=object))]
    answer = asked(
        "ModelInfer", model_name="bundle", id="r1", inputs=[users("u1", "new")], raw_input_contents=raw
    )
    found = {
        one.name: from_bytes(one.name, one.datatype, list(one.shape), content).tolist()
        for one, content in zip(answer.outputs, answer.raw_output_contents, strict=True)
    }
    assert (answer.id, answer.model_version) == ("r1", "1")
    assert [row[:2] for row in found["item"]] == [["i1", "i2"], ["i2", "i1"]]
    assert found["count"] == [2, 2]


def test_tensors_as_contents_and_outputs_by_name(asked: Caller) -> None:
    given = [
        {**users("u1"), "contents": {"bytes_contents": [b"u1"]}},
        {"name": "k", "datatype": "INT32", "shape": [1], "contents": {"int_contents": [1]}},
    ]
    answer = asked("ModelInfer", model_name="bundle", inputs=given, outputs=[{"name": "item"}])
    assert [one.name for one in answer.outputs] == ["item"]
    assert answer.raw_output_contents[0] == to_bytes("BYTES", np.array(["i1"], dtype=object))


@pytest.mark.parametrize(
    ("fields", "code", "message"),
    [
        ({"model_name": "bundel"}, "NOT_FOUND", "did you mean 'bundle'"),
        ({"model_name": "bundle"}, "INVALID_ARGUMENT", "at least the input 'user'"),
        ({"model_name": "bundle", "inputs": [users("a")]}, "INVALID_ARGUMENT", "0 values"),
        (
            {"model_name": "bundle", "inputs": [{**users("a"), "datatype": "TEXT"}]},
            "INVALID_ARGUMENT",
            "a known type",
        ),
    ],
)
def test_what_is_wrong_is_told(asked: Caller, fields: Any, code: str, message: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError, match=message) as caught:
        asked("ModelInfer", **fields)
    assert caught.value.code().name == code


def test_keys(asked: Caller) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        asked("ServerMetadata", keys=("k1",))
    assert caught.value.code().name == "UNAUTHENTICATED"
    assert asked("ServerMetadata", keys=("k1",), headers=[("authorization", "Bearer k1")]).name == "shortlist"
    assert asked("ServerLive", keys=("k1",)).live


def test_a_port_in_use(bundle: Path) -> None:
    import asyncio

    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        server = GrpcServer(Service({"a": bundle}, ServerOptions()), f"127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(ServerError, match="--grpc-port"):
            asyncio.run(server.start())
