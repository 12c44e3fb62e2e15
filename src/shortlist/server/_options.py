"""Options of the server."""

import os
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Literal, get_args

from shortlist.errors import ArgumentError
from shortlist.monitor import MonitorOptions
from shortlist.server._traffic import Traffic

__all__ = ["ServerOptions"]

Clock = Literal["wall", "log"]


def _usual_workers() -> int:
    """Two threads, or one where this process has a single core."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(2, cores)


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """Limits and folders.

    Attributes:
        max_users: users one request may ask for; more are refused.
        max_body_bytes: size of a request's body; larger ones are refused.
        max_waiting: requests at work or waiting for a worker; further ones are answered 503.
        workers: threads that run the pipeline: by default two, one where this process has a single core.
            Requests that wait while all are at work are run together.
        answers: folder that every answer is logged to; None logs nothing.
        events: folder that every event is logged to with its request id; None logs nothing.
        live: folder of the events appended while serving, one file for all versions; None puts it beside the
            (first) bundle, as ``<bundle>.live``.
        store: address of a store that several processes share, such as ``redis://127.0.0.1:6379/0``; see
            `shortlist.store.open_store`. Where it keeps events, ``live`` is not used. None reads the bundle.
        clock: what the present is. ``"wall"`` is the time of this machine. ``"log"`` starts at the end of the
            bundle's log when the bundle is loaded and moves on from there: for logs of long ago, of which
            no recent event would be left.
        traffic: which of several bundles answers whom; None leaves it all to the first.
        watch_s: seconds between looks whether a bundle has changed on disk; a changed one is loaded beside
            the other and takes its place. 0 never looks.
        timeout_ms: time that one request may take before it is answered 504; 0 sets no limit.
        api_keys: a request must bring one of these, as ``Authorization: Bearer KEY`` or ``X-Api-Key: KEY``;
            with none, everyone who reaches the address may ask. ``/health`` is open to all.
        grpc: host and port at which the Open Inference Protocol is answered over gRPC too; None does not.
        access_log: whether to log a line for each answer.
        monitor: what is looked at of live requests, and at what cost.

    Raises:
        ArgumentError: a limit is below 1, the clock is unknown, or a key cannot be sent in a header.
    """

    max_users: int = 1024
    max_body_bytes: int = 1 << 20
    max_waiting: int = 1024
    workers: int = field(default_factory=_usual_workers)
    answers: Path | None = None
    events: Path | None = None
    live: Path | None = None
    store: str | None = None
    clock: Clock = "wall"
    traffic: Traffic | None = None
    watch_s: float = 2.0
    timeout_ms: int = 0
    api_keys: tuple[str, ...] = ()
    grpc: str | None = None
    access_log: bool = False
    monitor: MonitorOptions = field(default_factory=MonitorOptions)

    def __post_init__(self) -> None:
        for name in (limit.name for limit in fields(self)[:4]):
            if getattr(self, name) < 1:
                raise ArgumentError(
                    f"ServerOptions.{name}", received=getattr(self, name), expected="an integer >= 1"
                )
        if self.clock not in get_args(Clock):
            raise ArgumentError("ServerOptions.clock", received=self.clock, expected="'wall' or 'log'")
        for name in ("watch_s", "timeout_ms"):
            if getattr(self, name) < 0:
                raise ArgumentError(
                    f"ServerOptions.{name}", received=getattr(self, name), expected="0 or more"
                )
        if not all(map(_sendable, self.api_keys)):
            raise ArgumentError(
                "ServerOptions.api_keys",
                received="an empty key, or one with spaces or letters beyond ASCII",
                expected="printable ASCII without spaces",
            )


def _sendable(key: str) -> bool:
    return key.isascii() and key.isprintable() and key != "" and " " not in key
