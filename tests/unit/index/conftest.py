"""A PostgreSQL server with pgvector of a test's own, which listens on a socket in a folder alone."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """How to connect to a PostgreSQL with pgvector."""
    programs = os.environ.get("SHORTLIST_POSTGRES")
    if programs is None:
        pytest.fail("SHORTLIST_POSTGRES must be a folder with bin/postgres; make test-services sets it")
    with postgres(Path(programs)) as found:
        yield found


@contextmanager
def postgres(programs: Path) -> Iterator[str]:
    """Start a server, and stop it by its own process id; gives the address to connect to.

    Args:
        programs: folder with ``bin/initdb`` and ``bin/postgres``.
    """
    home = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))  # a socket's path has at most 107 letters
    run: dict[str, Any] = {"cwd": home, "env": {"PATH": os.environ["PATH"], "LC_ALL": "C", "TZ": "UTC"}}
    if os.geteuid() == 0:  # it refuses to run as root
        nobody = pwd.getpwnam("nobody")
        os.chown(home, nobody.pw_uid, nobody.pw_gid)
        run |= {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    made = [
        programs / "bin/initdb",
        "-D",
        "data",
        "-U",
        "postgres",
        "--auth=trust",
        "-E",
        "UTF8",
        "--no-sync",
    ]
    server = None
    try:
        subprocess.run(made, check=True, **run, **silent)
        served = [programs / "bin/postgres", "-D", "data", "-k", str(home), "-c", "listen_addresses="]
        server = subprocess.Popen(served, **run, **silent)
        address = f"host={home} user=postgres dbname=postgres"
        wait_for(address, server)
        yield address
    finally:
        if server is not None:
            server.send_signal(signal.SIGINT)  # stops at once, connections or not
            server.wait(timeout=60)
        shutil.rmtree(home, ignore_errors=True)


def wait_for(address: str, server: subprocess.Popen[bytes]) -> None:
    """Return once the server answers."""
    import psycopg

    while True:
        try:
            psycopg.connect(address).close()
        except psycopg.OperationalError:
            assert server.poll() is None, "the server ended"
            time.sleep(0.05)
        else:
            return
