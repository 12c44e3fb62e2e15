"""A Redis server of a test's own."""

import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import final

__all__ = ["RedisServer"]


@final
class RedisServer:
    """A server on a free port of this machine alone, which keeps in a folder what it acknowledged.

    Args:
        program: the path of ``redis-server``.
        folder: an empty folder.
    """

    def __init__(self, program: Path | str, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._command = [
            str(program),
            *("--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", ""),
            *("--appendonly", "yes", "--appendfsync", "always"),
        ]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> "RedisServer":
        """Start it, with what it kept, and return once it answers."""
        silent = subprocess.DEVNULL
        self._process = subprocess.Popen(self._command, stdout=silent, stderr=silent)  # noqa: S603
        while True:
            assert self._process.poll() is None, "the server ended"
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1) as asked:
                asked.sendall(b"PING\r\n")
                if asked.recv(5) == b"+PONG":
                    return self
            time.sleep(0.02)

    def stop(self, *, kill: bool = False) -> None:
        """Stop it by its own process id; ``kill`` gives it no time to write anything."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
            self._process.wait(timeout=30)
            self._process = None

    def freeze(self, *, thaw: bool = False) -> None:
        """Let it answer nobody, though connections stay; or let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT if thaw else signal.SIGSTOP)
