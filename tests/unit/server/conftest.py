"""The application over a small bundle, loaded and ready."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from shortlist.server import ServerOptions, app
from shortlist.testing._bundles import tiny_bundle

Serve = Callable[..., TestClient]


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return tiny_bundle(tmp_path / "bundle")


def wait(client: TestClient) -> TestClient:
    for _ in range(500):
        if client.get("/health/ready").status_code == 200:
            return client
        time.sleep(0.01)
    raise AssertionError("not ready within 5 s")


@pytest.fixture
def serve(bundle: Path) -> Iterator[Serve]:
    with ExitStack() as stack:

        def start(**options: object) -> TestClient:
            client = TestClient(app(bundle, ServerOptions(**options)), raise_server_exceptions=False)
            return wait(stack.enter_context(client))

        yield start


@pytest.fixture
def client(serve: Serve) -> TestClient:
    return serve()
