"""The application over a small bundle, asked without a network."""

import asyncio
import shutil
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, Self, TypeVar

import httpx
import pytest
from starlette.applications import Starlette

from shortlist.server import ServerOptions, app
from shortlist.testing._bundles import tiny_bundle
from shortlist.testing._towers import tower_bundle

T = TypeVar("T")


class Client:
    """Asks an application on an event loop of its own, from its start to its end."""

    def __init__(self, application: Starlette) -> None:
        self._runner = asyncio.Runner()
        transport = httpx.ASGITransport(application, raise_app_exceptions=False)
        self.http = httpx.AsyncClient(transport=transport, base_url="http://server")
        self._life = application.router.lifespan_context(application)

        self._open = True
        self.run(self._life.__aenter__())

    def close(self) -> None:
        if self._open:
            self._open = False
            self.run(self.http.aclose())
            self.run(self._life.__aexit__(None, None, None))
            self._runner.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    def get(self, path: str) -> httpx.Response:
        return self.run(self.http.get(path))

    def post(self, path: str, body: Any) -> httpx.Response:
        given = {"content": body} if isinstance(body, bytes) else {"json": body}
        return self.run(self.http.post(path, **given))

    def ask(self, **body: Any) -> Any:
        answer = self.post("/recommend", body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def lists(self, **body: Any) -> list[list[str]]:
        return [[item["item"] for item in one["items"]] for one in self.ask(**body)["results"]]

    def refused(self, path: str, body: Any, status: int = 400) -> Any:
        answer = self.post(path, body)
        assert answer.status_code == status, answer.text
        assert "Traceback" not in answer.text
        return answer.json()["error"]

    def settle(self) -> Self:
        self.run(self._settled())
        return self

    async def _settled(self) -> None:
        for _ in range(1000):
            if (await self.http.get("/health/ready")).status_code == 200:
                return
            await asyncio.sleep(0.005)
        raise AssertionError("not ready within 5 s")


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return tiny_bundle(tmp_path / "bundle")


def _opening() -> Iterator[Callable[[Starlette], Client]]:
    clients: list[Client] = []

    def start(application: Starlette) -> Client:
        clients.append(Client(application))
        return clients[-1]

    yield start
    for each in clients:
        each.close()


@pytest.fixture
def opened() -> Iterator[Callable[[Starlette], Client]]:
    yield from _opening()


@pytest.fixture(scope="session")
def long_opened() -> Iterator[Callable[[Starlette], Client]]:
    yield from _opening()


@pytest.fixture(scope="session")
def made_towers(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    room = tmp_path_factory.mktemp("towers")
    return tower_bundle(room / "one"), tower_bundle(room / "two", seed=1)


@pytest.fixture
def tower_bundles(made_towers: tuple[Path, Path], tmp_path: Path) -> tuple[Path, Path]:
    """Two versions of a bundle with towers and an index: other models, one catalogue."""
    one, two = (Path(shutil.copytree(made, tmp_path / made.name)) for made in made_towers)
    return one, two


@pytest.fixture
def towers(tower_bundles: tuple[Path, Path], opened: Callable[[Starlette], Client]) -> Client:
    return opened(app(tower_bundles[0], ServerOptions())).settle()


@pytest.fixture
def client(bundle: Path, opened: Callable[[Starlette], Client]) -> Client:
    return opened(app(bundle, ServerOptions())).settle()
