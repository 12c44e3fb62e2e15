"""An unmodified `tritonclient` against the server; its interpreter is named by SHORTLIST_TRITONCLIENT."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from shortlist.server import free_port
from shortlist.testing._bundles import tiny_bundle

pytestmark = pytest.mark.services

CLIENT = Path(__file__).with_name("triton_client.py")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    bundle, grpc = tiny_bundle(tmp_path_factory.mktemp("services") / "shop"), free_port()
    command = [
        sys.executable,
        "-m",
        "shortlist",
        "serve",
        str(bundle),
        "--port",
        "0",
        "--grpc-port",
        str(grpc),
    ]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    found = re.search(r"http://([\d.:]+)", process.stderr.readline())
    assert found is not None
    try:
        while httpx.get(f"{found[0]}/health/ready").status_code != 200:
            time.sleep(0.05)
        yield {"http": found[1], "grpc": f"127.0.0.1:{grpc}"}
    finally:
        process.terminate()
        process.communicate(timeout=20)


@pytest.mark.parametrize("kind", ["http", "grpc"])
def test_the_client_of_triton_gets_the_lists(served: dict[str, str], kind: str) -> None:
    command = [os.environ["SHORTLIST_TRITONCLIENT"], str(CLIENT), kind, served[kind], "shop"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    assert (told["live"], told["ready"], told["server"]) == (True, True, "shortlist")
    assert told["inputs"] == ["user", "k", "recent", "exclude"]
    for form in range(2 if kind == "http" else 1):
        assert told[f"items {form}"] == [["i1", "i2"], ["i2", "i1"]]
        assert told[f"counts {form}"] == [2, 2]
        assert told[f"scores {form}"] == [[2.3333, 1.5], [3.0, 2.0]]
    assert "nobody" in told["error"]
