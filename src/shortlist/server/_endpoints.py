"""From HTTP to messages and back; whatever goes wrong becomes a JSON answer."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from time import perf_counter
from typing import Any, TypeVar
from uuid import uuid4

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from shortlist.errors import ArgumentError, PipelineError, SchemaError, ServerError, ShortlistError
from shortlist.server._body import body_of
from shortlist.server._docs import docs_page
from shortlist.server._item_endpoints import item_endpoints
from shortlist.server._keys import keyed
from shortlist.server._messages import Events, Failure, Fault, Health, ItemIds, Items, Recommend, Similar
from shortlist.server._oip import oip_endpoints
from shortlist.server._openapi import openapi
from shortlist.server._refusal import Refusal, fault_of, malformed
from shortlist.server._service import Service

__all__ = ["Endpoint", "counted", "endpoints", "failure"]

Endpoint = Callable[[Request], Awaitable[Response]]
Failing = Callable[..., Response]
Message = TypeVar("Message", Recommend, Events, Items, ItemIds, Similar)

_LOG = logging.getLogger("shortlist.server")
_ACCESS = logging.getLogger("shortlist.access")
_REMEDY = "look for this request_id in the log of the server"
_ASKED_WRONGLY = (ArgumentError, SchemaError, PipelineError)


def endpoints(service: Service, version: str) -> Mapping[str, Endpoint]:
    """Path -> what answers it."""

    async def recommend(request: Request) -> Response:
        return _json(await service.recommend(await _read(request, Recommend, service.options.max_body_bytes)))

    async def events(request: Request) -> Response:
        return _json(await service.append(await _read(request, Events, service.options.max_body_bytes)))

    async def live(_: Request) -> Response:
        return _json(Health("live"))

    async def ready(_: Request) -> Response:
        several = service.versions if len(service.versions) > 1 else {}
        return _json(Health("ready", service.version, several))

    async def metrics(_: Request) -> Response:
        return PlainTextResponse(service.counters.text(), media_type="text/plain; version=0.0.4")

    async def document(_: Request) -> Response:
        return _json(openapi(version))

    async def docs(_: Request) -> Response:
        return HTMLResponse(docs_page(version))

    return {
        "/recommend": recommend,
        "/events": events,
        "/health/live": live,
        "/health/ready": ready,
        "/metrics": metrics,
        "/openapi.json": document,
        "/docs": docs,
        **item_endpoints(service, _read, _json),
        **oip_endpoints(service),
    }


def counted(service: Service, path: str, endpoint: Endpoint) -> Endpoint:
    """The endpoint for those who may ask, its answers counted and its errors told to the client."""
    guarded = endpoint if "/health/" in path else keyed(endpoint, service.options.api_keys)
    fail = plain_failure if path.startswith("/v2") else failure

    async def answer(request: Request) -> Response:
        start = perf_counter()
        response = await _attempted(guarded, request, fail)
        milliseconds = (perf_counter() - start) * 1e3
        service.counters.answered(path, response.status_code, milliseconds)
        if service.options.access_log:
            facts = {"method": request.method, "path": path, "status": response.status_code}
            _ACCESS.info("answered", extra={"facts": facts | {"ms": round(milliseconds, 3)}})
        return response

    return answer


def failure(status: int, fault: Fault, headers: Mapping[str, str] | None = None) -> Response:
    """An answer that is not a success."""
    return _json(Failure(fault), status, headers)


def plain_failure(status: int, fault: Fault, headers: Mapping[str, str] | None = None) -> Response:
    """The same as the Open Inference Protocol has it: one text."""
    return _json({"error": fault.message}, status, headers)


async def _attempted(endpoint: Endpoint, request: Request, fail: Failing) -> Response:
    try:
        return await endpoint(request)
    except Refusal as refusal:
        return fail(refusal.status, refusal.fault, refusal.headers)
    except _ASKED_WRONGLY as error:
        return fail(400, fault_of(error))
    except ClientDisconnect:
        return Response(status_code=499)
    except Exception as error:
        name = uuid4().hex
        _LOG.exception("failure %s at %s", name, request.url.path)
        known = (
            error
            if isinstance(error, ShortlistError)
            else ServerError("server", received="a failure", remedy=_REMEDY)
        )
        fault = fault_of(known)
        fault.request_id = name
        return fail(500, fault)


async def _read(request: Request, kind: type[Message], most: int) -> Message:
    body = await body_of(request, most)
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.DecodeError as error:
        raise malformed(error, body, kind) from error


def _json(message: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(message), status, dict(headers or {}), media_type="application/json")
