"""Run the server of one bundle."""

import logging
import os
import socket
from collections.abc import Mapping
from contextlib import closing
from ipaddress import ip_address
from pathlib import Path

import uvicorn

from shortlist.errors import ServerError
from shortlist.server._app import application
from shortlist.server._options import ServerOptions
from shortlist.server._service import Service, named

__all__ = ["free_port", "serve"]

_LOG = logging.getLogger("shortlist.server")


def serve(
    bundle: str | Path | Mapping[str, str | Path],
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    options: ServerOptions | None = None,
) -> None:
    """Load a bundle, or several, and answer over HTTP until stopped; requests in flight are finished first.

    The address is told through the log ``shortlist.server``.

    Args:
        bundle: folder of the bundle or shelf of its versions, or several by name.
        host: address to bind; only this machine can reach the default.
        port: port to bind; 0 takes a free one.
        options: limits, answer log, folder of live events.

    Raises:
        BundleError: the folder is not a sound bundle.
        ServerError: the port is in use or not allowed.
        ArgumentError: there is no bundle, or the traffic names one that is not there.
    """
    chosen, bundles = options or ServerOptions(), named(bundle)
    service = Service(bundles, chosen)
    with closing(_bound(host, port)) as listener:
        _LOG.info("serving %s at %s", ", ".join(map(str, bundles.values())), _address(listener))
        if not chosen.api_keys and not ip_address(listener.getsockname()[0]).is_loopback:
            _LOG.warning("everyone who reaches this address may ask: no API keys were given")
        config = uvicorn.Config(
            application(service),
            log_level="warning",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=10,
            timeout_keep_alive=75,
        )
        server = uvicorn.Server(config)
        service.on_failure = lambda: setattr(server, "should_exit", True)
        server.run(sockets=[listener])
    if service.failure is not None:
        raise service.failure


def free_port(host: str = "127.0.0.1") -> int:
    """A port that nobody uses at this moment."""
    with closing(_bound(host, 0)) as probe:
        return int(probe.getsockname()[1])


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sends small answers at once only on sockets that name their protocol; others wait 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(2048)
    except (OSError, OverflowError) as error:
        listener.close()
        raise ServerError(
            f"{host}:{port}",
            received=f"{error}",
            expected="an address of this machine and a free port",
            remedy="stop what listens there or choose another with --port",
        ) from error
    return listener


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
