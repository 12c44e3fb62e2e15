"""The Open Inference Protocol over gRPC."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, final

import numpy as np

from shortlist import __version__
from shortlist.errors import ArgumentError, ServerError, ShortlistError
from shortlist.extras import need
from shortlist.server._grpc_messages import messages
from shortlist.server._inference import chosen, inputs_of, outputs
from shortlist.server._keys import check_key
from shortlist.server._refusal import Refusal
from shortlist.server._service import Service
from shortlist.server._tensors import DATATYPES, Values, from_bytes, to_bytes

__all__ = ["GrpcServer"]

_SERVICE = "inference.GRPCInferenceService"
_CONTENTS = {
    "BOOL": "bool_contents",
    "INT8": "int_contents",
    "INT16": "int_contents",
    "INT32": "int_contents",
    "INT64": "int64_contents",
    "UINT8": "uint_contents",
    "UINT16": "uint_contents",
    "UINT32": "uint_contents",
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}
_USE = "serving over gRPC"


@final
class GrpcServer:
    """Answers gRPC on the event loop of the HTTP server, by the same service.

    Args:
        service: the bundles.
        address: host and port to bind.
    """

    def __init__(self, service: Service, address: str) -> None:
        self._service, self._address = service, address
        self._server: Any = None

    async def start(self) -> None:
        """Bind the address and answer.

        Raises:
            MissingExtraError: gRPC is not installed.
            ServerError: the address cannot be bound.
        """
        grpc = need("grpc", use=_USE)
        self._server = grpc.aio.server()
        kinds = messages()
        calls = _Calls(self._service, grpc, kinds)
        handlers = {
            name: grpc.unary_unary_rpc_method_handler(
                calls.told(call),
                request_deserializer=getattr(kinds, f"{name}Request").FromString,
                response_serializer=getattr(kinds, f"{name}Response").SerializeToString,
            )
            for name, call in calls.by_name().items()
        }
        handler = grpc.method_handlers_generic_handler(_SERVICE, handlers)
        self._server.add_generic_rpc_handlers((handler,))
        try:
            self._server.add_insecure_port(self._address)
        except RuntimeError as error:
            raise ServerError(
                self._address,
                received=str(error),
                expected="an address of this machine and a free port",
                remedy="choose another with --grpc-port",
            ) from error
        await self._server.start()

    async def stop(self) -> None:
        """Finish what is in progress, for at most ten seconds."""
        if self._server is not None:
            await self._server.stop(10)


@final
class _Calls:
    """The calls of the protocol."""

    def __init__(self, service: Service, grpc: Any, kinds: Any) -> None:
        self._service, self._grpc, self._messages = service, grpc, kinds

    def by_name(self) -> Mapping[str, Callable[[Any], Awaitable[Any]]]:
        return {
            "ServerLive": self._live,
            "ServerReady": self._ready,
            "ServerMetadata": self._server,
            "ModelReady": self._model_ready,
            "ModelMetadata": self._model,
            "ModelInfer": self._infer,
        }

    def told(self, call: Callable[[Any], Awaitable[Any]]) -> Callable[[Any, Any], Awaitable[Any]]:
        """The call for those who may ask, its errors as statuses of gRPC."""
        codes = self._grpc.StatusCode
        of_http = {404: codes.NOT_FOUND, 401: codes.UNAUTHENTICATED, 413: codes.RESOURCE_EXHAUSTED}
        of_http |= {503: codes.UNAVAILABLE, 504: codes.DEADLINE_EXCEEDED}

        async def answer(request: Any, context: Any) -> Any:
            try:
                if call not in (self._live, self._ready):
                    check_key(dict(context.invocation_metadata()), self._service.options.api_keys)
                return await call(request)
            except Refusal as refusal:
                code, text = of_http.get(refusal.status, codes.INTERNAL), refusal.fault.message
            except ArgumentError as error:
                code, text = codes.INVALID_ARGUMENT, str(error)
            except ShortlistError as error:
                code, text = codes.INTERNAL, str(error)
            return await context.abort(code, text)

        return answer

    async def _live(self, _: Any) -> Any:
        return self._messages.ServerLiveResponse(live=True)

    async def _ready(self, _: Any) -> Any:
        return self._messages.ServerReadyResponse(ready=bool(self._service.versions))

    async def _server(self, _: Any) -> Any:
        return self._messages.ServerMetadataResponse(name="shortlist", version=__version__)

    async def _model_ready(self, request: Any) -> Any:
        return self._messages.ModelReadyResponse(ready=request.name in self._service.versions)

    async def _model(self, request: Any) -> Any:
        self._service.check_model(request.name, request.version)
        with self._service.desk(request.name) as desk:
            told = [tensor.told() for tensor in inputs_of(desk)]
        given = [tensor.told() for tensor in outputs()]
        facts = {"name": request.name, "versions": ["1"], "platform": "shortlist"}
        return self._messages.ModelMetadataResponse(**facts, inputs=told, outputs=given)

    async def _infer(self, request: Any) -> Any:
        self._service.check_model(request.model_name, request.model_version)
        raw = list(request.raw_input_contents)
        tensors = {
            one.name: _tensor(one, raw[place] if raw else None) for place, one in enumerate(request.inputs)
        }
        _, found = await self._service.infer(request.model_name, tensors, request.id or None)
        answer = self._messages.ModelInferResponse(
            model_name=request.model_name, model_version="1", id=request.id
        )
        for tensor in chosen([one.name for one in request.outputs]):
            values = found[tensor.name]
            answer.outputs.add(name=tensor.name, datatype=tensor.datatype, shape=values.shape)
            answer.raw_output_contents.append(to_bytes(tensor.datatype, values))
        return answer


def _tensor(one: Any, raw: bytes | None) -> Values:
    shape = list(one.shape)
    if one.datatype not in DATATYPES or min(shape, default=0) < 0:
        raise ArgumentError(
            f"inputs.{one.name}", received=f"type {one.datatype} of shape {shape}", expected="a known type"
        )
    if raw is not None:
        return from_bytes(one.name, one.datatype, shape, raw)
    values = list(getattr(one.contents, _CONTENTS[one.datatype], ()))
    if one.datatype == "BYTES":
        values = [value.decode(errors="replace") for value in values]
    if len(values) != int(np.prod(shape)):
        raise ArgumentError(
            f"inputs.{one.name}", received=f"{len(values)} values", expected=f"as the shape {shape} says"
        )
    return np.array(values, dtype=DATATYPES[one.datatype]).reshape(shape)
