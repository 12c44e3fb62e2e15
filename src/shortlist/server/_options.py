"""Options of the server."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal, get_args

from shortlist.errors import ArgumentError

__all__ = ["ServerOptions"]

Clock = Literal["wall", "log"]


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """Limits and folders.

    Attributes:
        max_users: users one request may ask for; more are refused.
        max_body_bytes: size of a request's body; larger ones are refused.
        max_waiting: requests at work or waiting for a worker; further ones are answered 503.
        workers: threads that run the pipeline. Requests that wait while all are at work are run together.
        answers: folder that every answer is logged to; None logs nothing.
        live: folder of the events appended while serving, one file for each version of the bundle; None puts
            it beside the bundle, as ``<bundle>.live``.
        clock: what the present is. ``"wall"`` is the time of this machine. ``"log"`` starts at the end of the
            bundle's log when the bundle is loaded and moves on from there: for logs of long ago, of which
            no recent event would be left.

    Raises:
        ArgumentError: a limit is below 1, or the clock is unknown.
    """

    max_users: int = 1024
    max_body_bytes: int = 1 << 20
    max_waiting: int = 64
    workers: int = 2
    answers: Path | None = None
    live: Path | None = None
    clock: Clock = "wall"

    def __post_init__(self) -> None:
        for name in (field.name for field in fields(self)[:4]):
            if getattr(self, name) < 1:
                raise ArgumentError(
                    f"ServerOptions.{name}", received=getattr(self, name), expected="an integer >= 1"
                )
        if self.clock not in get_args(Clock):
            raise ArgumentError("ServerOptions.clock", received=self.clock, expected="'wall' or 'log'")
