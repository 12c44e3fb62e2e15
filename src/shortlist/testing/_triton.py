"""A real Triton out of the package `nvidia-pytriton`, started on a model repository."""

import os
import shutil
import subprocess
import sysconfig
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

from shortlist.server import free_port

__all__ = ["Triton", "started_triton"]

_PATIENCE_S = 180.0


@dataclass(frozen=True, slots=True)
class Triton:
    """A running server.

    Attributes:
        address: host and port of its HTTP.
        process: its number.
    """

    address: str
    process: int


@contextmanager
def started_triton(python: Path, repository: Path, room: Path) -> Iterator[Triton]:
    """The server that the package of an interpreter carries, once it is ready; stopped at the end.

    Args:
        python: an interpreter that has `nvidia-pytriton` and the base install.
        repository: the models.
        room: an existing folder for its backend and its log.
    """
    packages = next((python.parent.parent / "lib").glob("python3*")) / "site-packages"
    home = packages / "pytriton" / "tritonserver"
    backend = room / "backends" / "python"
    shutil.copytree(home / "backends" / "python", backend, dirs_exist_ok=True)
    version = packages.parent.name.removeprefix("python")
    shutil.copy(home / "python_backend_stubs" / version / "triton_python_backend_stub", backend)
    ports = {name: free_port() for name in ("http", "grpc", "metrics")}
    command = [str(home / "bin" / "tritonserver"), f"--model-repository={repository}"]
    command += [f"--backend-directory={room / 'backends'}"]
    for name, port in ports.items():
        command += [f"--{name}-port={port}", f"--{name}-address=127.0.0.1"]
    environment = {
        **os.environ,
        "LD_LIBRARY_PATH": f"{sysconfig.get_config_var('LIBDIR')}:{packages / 'nvidia_pytriton.libs'}",
        "PATH": f"{python.parent}:{os.environ['PATH']}",
        "VIRTUAL_ENV": str(python.parent.parent),
    }
    with (room / "triton.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environment)  # noqa: S603 - ours
        try:
            _wait(process, f"http://127.0.0.1:{ports['http']}/v2/health/ready", room / "triton.log")
            yield Triton(f"127.0.0.1:{ports['http']}", process.pid)
        finally:
            process.terminate()
            process.wait(60)


def _wait(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    until = time.monotonic() + _PATIENCE_S
    while process.poll() is None and time.monotonic() < until:
        with suppress(OSError), urlopen(url, timeout=5) as answer:  # noqa: S310 - http
            if answer.status == 200:
                return
        time.sleep(0.1)
    raise AssertionError(log.read_text()[-4000:])
