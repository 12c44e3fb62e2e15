"""The ASGI application."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from shortlist.errors import ShortlistError, near
from shortlist.server._endpoints import counted, endpoints, failure
from shortlist.server._grpc import GrpcServer
from shortlist.server._openapi import OPERATIONS
from shortlist.server._options import ServerOptions
from shortlist.server._refusal import fault_of
from shortlist.server._service import Service, named

__all__ = ["app", "application"]


def app(bundle: str | Path | Mapping[str, str | Path], options: ServerOptions | None = None) -> Starlette:
    """The server of a bundle, or of several, as an ASGI application.

    The bundles are loaded while the application starts: ``/health/live`` answers at once, the others 503
    until ``/health/ready`` is 200. A bundle that changes on disk is swapped in while others ask.

    Args:
        bundle: folder of the bundle, or shelf of its versions (`shortlist.io.publish`); several by name.
        options: limits, answer log, folder of live events, who is answered by which of several bundles.

    Raises:
        ArgumentError: there is no bundle, or the traffic names one that is not there.
    """
    return application(Service(named(bundle), options or ServerOptions()))


def application(service: Service, version: str = "1") -> Starlette:
    """The application of a service; ``version`` is that of the HTTP interface."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        running, remote = asyncio.create_task(service.run()), None
        if service.options.grpc is not None:
            remote = GrpcServer(service, service.options.grpc)
            await remote.start()
        try:
            yield
        finally:
            if remote is not None:
                await remote.stop()
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running
            await asyncio.to_thread(service.close)

    answering = endpoints(service, version)
    methods: dict[str, list[str]] = {}
    for one in OPERATIONS:
        methods.setdefault(one.path, []).append(one.method.upper())
    routes = [
        Route(path, counted(service, path, answering[path]), methods=named) for path, named in methods.items()
    ]
    return Starlette(routes=routes, lifespan=lifespan, exception_handlers={HTTPException: _no_route(service)})


def _no_route(service: Service) -> Callable[[Request, Exception], Awaitable[Response]]:
    known = [f"{one.method.upper()} {one.path}" for one in OPERATIONS]

    async def answer(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        asked = f"{request.method} {request.url.path}"
        service.counters.answered("other", error.status_code, 0.0)
        fault = ShortlistError(
            "path", received=repr(asked), expected="a known path", remedy=near(asked, known)
        )
        return failure(error.status_code, fault_of(fault), error.headers)

    return answer
