"""The server: bundles over HTTP."""

from shortlist.server._app import app
from shortlist.server._logs import log_to_stderr
from shortlist.server._openapi import openapi
from shortlist.server._options import ServerOptions
from shortlist.server._serve import free_port, serve
from shortlist.server._traffic import Traffic
from shortlist.server._triton import export_triton

__all__ = [
    "ServerOptions",
    "Traffic",
    "app",
    "export_triton",
    "free_port",
    "log_to_stderr",
    "openapi",
    "serve",
]
