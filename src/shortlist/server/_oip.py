"""The Open Inference Protocol over HTTP: every bundle is a model, so clients of Triton and KServe connect."""

import zlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from shortlist import __version__
from shortlist.errors import ArgumentError
from shortlist.server._body import body_of
from shortlist.server._inference import Tensor, chosen, inputs_of, outputs
from shortlist.server._refusal import Refusal, fault_of
from shortlist.server._service import Service
from shortlist.server._tensors import DATATYPES, Values, from_bytes, from_json, to_bytes, to_json

__all__ = ["oip_endpoints"]

_SIZE = "inference-header-content-length"

Endpoint = Callable[[Request], Awaitable[Response]]
Sizes = dict[str, Any]


class Input(msgspec.Struct):
    """A tensor of a request; its values are in ``data``, or follow the JSON as bytes."""

    name: str
    shape: list[int]
    datatype: str
    parameters: Sizes = {}
    data: Any = None


class Output(msgspec.Struct):
    """An output that is asked for."""

    name: str
    parameters: Sizes = {}


class Infer(msgspec.Struct):
    """A request for inference."""

    inputs: list[Input]
    outputs: list[Output] = []
    id: str | None = None
    parameters: Sizes = {}


def oip_endpoints(service: Service) -> Mapping[str, Endpoint]:
    """Path -> what answers it."""

    async def server(_: Request) -> Response:
        extensions = ["binary_tensor_data", "model_repository"]
        return _json({"name": "shortlist", "version": __version__, "extensions": extensions})

    async def live(_: Request) -> Response:
        return _json({"live": True})

    async def ready(_: Request) -> Response:
        return _json({"ready": bool(service.versions)})

    async def index(_: Request) -> Response:
        return _json([{"name": n, "version": "1", "state": "READY"} for n in service.versions])

    async def model_ready(request: Request) -> Response:
        return _json({"name": _model(service, request), "ready": True})

    async def model(request: Request) -> Response:
        name = _model(service, request)
        with service.desk(name) as desk:
            told = [tensor.told() for tensor in inputs_of(desk)]
        given = [tensor.told() for tensor in outputs()]
        return _json(
            {"name": name, "versions": ["1"], "platform": "shortlist", "inputs": told, "outputs": given}
        )

    async def config(request: Request) -> Response:
        name = _model(service, request)
        with service.desk(name) as desk:
            told = [_configured(tensor) for tensor in inputs_of(desk)]
        given = [_configured(tensor) for tensor in outputs()]
        return _json(
            {"name": name, "backend": "shortlist", "max_batch_size": 0, "input": told, "output": given}
        )

    async def infer(request: Request) -> Response:
        name = _model(service, request)
        message, tensors = _read(await _content(request, service.options.max_body_bytes), request)
        version, found = await service.infer(name, tensors, message.id)
        return _answer(message, name, version, found)

    return {
        "/v2": server,
        "/v2/health/live": live,
        "/v2/health/ready": ready,
        "/v2/repository/index": index,
        "/v2/models/{model}": model,
        "/v2/models/{model}/ready": model_ready,
        "/v2/models/{model}/config": config,
        "/v2/models/{model}/infer": infer,
        "/v2/models/{model}/versions/{version}": model,
        "/v2/models/{model}/versions/{version}/ready": model_ready,
        "/v2/models/{model}/versions/{version}/config": config,
        "/v2/models/{model}/versions/{version}/infer": infer,
    }


def _model(service: Service, request: Request) -> str:
    """The model that a path names.

    Raises:
        Refusal: there is none of that name or version.
    """
    name = str(request.path_params["model"])
    service.check_model(name, request.path_params.get("version", ""))
    return name


async def _content(request: Request, most: int) -> bytes:
    """The body, unpacked where the client has packed it, never more than the limit."""
    body = await body_of(request, most)
    packing = request.headers.get("content-encoding", "identity")
    if packing == "identity":
        return body
    if packing not in ("gzip", "deflate"):
        raise ArgumentError("content-encoding", received=packing, expected="gzip, deflate or identity")
    try:
        unpacked = zlib.decompressobj(wbits=47).decompress(body, most + 1)
    except zlib.error as error:
        raise ArgumentError(
            "body", received="damaged bytes", expected=f"bytes packed by {packing}"
        ) from error
    if len(unpacked) > most:
        raise Refusal(413, fault_of(ArgumentError("body", received=f"over {most} bytes once unpacked")))
    return unpacked


def _read(body: bytes, request: Request) -> tuple[Infer, dict[str, Values]]:
    """The message and its tensors.

    Raises:
        ArgumentError: the body is no request for inference.
    """
    size = _size(request.headers.get(_SIZE), len(body))
    try:
        message = msgspec.json.decode(body[:size], type=Infer)
    except msgspec.DecodeError as error:
        raise ArgumentError(
            "body", received=str(error), expected="a request for inference as JSON"
        ) from error
    place, tensors = size, dict[str, Values]()
    for one in message.inputs:
        datatype, length = _datatype(one), one.parameters.get("binary_data_size")
        if length is None:
            tensors[one.name] = from_json(one.name, datatype, one.shape, one.data)
            continue
        if not isinstance(length, int) or not 0 <= length <= len(body) - place:
            raise ArgumentError(
                f"inputs.{one.name}.binary_data_size", received=length, expected="as many bytes as follow"
            )
        tensors[one.name] = from_bytes(one.name, datatype, one.shape, body[place : place + length])
        place += length
    return message, tensors


def _size(said: str | None, most: int) -> int:
    """How many bytes of the body are JSON."""
    if said is None:
        return most
    if said.isdecimal() and int(said) <= most:
        return int(said)
    raise ArgumentError(_SIZE, received=said, expected=f"a number up to {most}, the size of the body")


def _datatype(one: Input) -> str:
    if one.datatype not in DATATYPES or min(one.shape, default=0) < 0:
        raise ArgumentError(
            f"inputs.{one.name}",
            received=f"type {one.datatype} of shape {one.shape}",
            expected=f"sizes from 0 and one of {', '.join(DATATYPES)}",
        )
    return one.datatype


def _answer(message: Infer, name: str, version: str, found: Mapping[str, Values]) -> Response:
    whole = bool(message.parameters.get("binary_data_output", False))
    wanted = {one.name: bool(one.parameters.get("binary_data", whole)) for one in message.outputs}
    told, parts = list[dict[str, Any]](), list[bytes]()
    for tensor in chosen(list(wanted)):
        values, binary = found[tensor.name], wanted.get(tensor.name, whole)
        one: dict[str, Any] = {
            "name": tensor.name,
            "datatype": tensor.datatype,
            "shape": list(values.shape),
        }
        if binary:
            parts.append(to_bytes(tensor.datatype, values))
            one["parameters"] = {"binary_data_size": len(parts[-1])}
        else:
            one["data"] = to_json(values)
        told.append(one)
    answer = {"model_name": name, "model_version": "1", "outputs": told, "parameters": {"bundle": version}}
    head = msgspec.json.encode(answer if message.id is None else {**answer, "id": message.id})
    if not parts:
        return Response(head, media_type="application/json")
    headers = {"Inference-Header-Content-Length": str(len(head))}
    return Response(head + b"".join(parts), media_type="application/octet-stream", headers=headers)


def _configured(tensor: Tensor) -> dict[str, Any]:
    kind = "TYPE_STRING" if tensor.datatype == "BYTES" else f"TYPE_{tensor.datatype}"
    return {"name": tensor.name, "data_type": kind, "dims": list(tensor.shape), "optional": tensor.optional}


def _json(content: Any) -> Response:
    return Response(msgspec.json.encode(content), media_type="application/json")
