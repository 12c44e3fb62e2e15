"""A real Triton out of the package `nvidia-pytriton`, started on a model repository."""

import os
import shutil
import subprocess
import sysconfig
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib.util import find_spec
from pathlib import Path

import httpx
import pytest

from shortlist.server import free_port

# Its tests run in an environment of their own, see scripts/test-services.
collect_ignore = [] if find_spec("feast") else ["test_feast.py"]


@pytest.fixture(scope="session")
def triton() -> Callable[[Path, Path, Path], AbstractContextManager[str]]:
    """Starts a Triton."""
    return _started


@contextmanager
def _started(python: Path, repository: Path, room: Path) -> Iterator[str]:
    """Start the server that the package of an interpreter carries; its HTTP address, once it is ready."""
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
    libraries = f"{sysconfig.get_config_var('LIBDIR')}:{packages / 'nvidia_pytriton.libs'}"
    paths = f"{python.parent}:{os.environ['PATH']}"
    environment = {
        **os.environ,
        "LD_LIBRARY_PATH": libraries,
        "PATH": paths,
        "VIRTUAL_ENV": str(python.parent.parent),
    }
    with (room / "triton.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environment)
        try:
            _wait(process, f"http://127.0.0.1:{ports['http']}/v2/health/ready", room / "triton.log")
            yield f"127.0.0.1:{ports['http']}"
        finally:
            process.terminate()
            process.wait(60)


def _wait(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    for _ in range(1200):
        if process.poll() is not None:
            break
        try:
            if httpx.get(url).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.1)
    raise AssertionError(log.read_text()[-4000:])
