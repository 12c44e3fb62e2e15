"""The server: a bundle over HTTP."""

from shortlist.server._app import app
from shortlist.server._openapi import openapi
from shortlist.server._options import ServerOptions
from shortlist.server._serve import free_port, serve

__all__ = ["ServerOptions", "app", "free_port", "openapi", "serve"]
