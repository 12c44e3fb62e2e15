"""Whatever is sent to what the server's own OpenAPI document names: no failure; every refusal says why."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette

from shortlist.server import ServerOptions, app, openapi
from shortlist.testing._requests import Drawn, requests

DOCUMENT = openapi("1")
OPERATIONS = [(method, path) for path, methods in DOCUMENT["paths"].items() for method in methods]
DRAWN = st.sampled_from(OPERATIONS).flatmap(lambda one: requests(*one, DOCUMENT))
BODIES = st.sampled_from(
    [(method, path) for method, path in OPERATIONS if method != "get" and "/versions/" not in path]
).flatmap(lambda one: requests(*one, DOCUMENT))


@pytest.fixture(scope="session")
def server(
    made_towers: tuple[Path, Path],
    long_opened: Callable[[Starlette], Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> Any:
    live = tmp_path_factory.mktemp("live")
    return long_opened(app(made_towers[0], ServerOptions(live=live))).settle()


def check(server: Any, drawn: Drawn) -> None:
    answer = server.run(server.http.request(drawn.method, drawn.path, content=drawn.content))
    assert answer.status_code < 500, f"{drawn}: {answer.text}"
    if answer.status_code >= 400 and answer.status_code != 405:
        error = answer.json()["error"]
        assert error if isinstance(error, str) else error["where"] and error["message"]
    path = drawn.path.partition("?")[0]
    if answer.status_code == 200 and path in DOCUMENT["paths"]:
        told = DOCUMENT["paths"][path][drawn.method.lower()]["responses"]["200"].get("content", {})
        reference = told.get("application/json", {}).get("schema", {}).get("$ref", "")
        if reference:
            schema = DOCUMENT["components"]["schemas"][reference.split("/")[-1]]
            assert set(schema["required"]) <= set(json.loads(answer.content)) <= set(schema["properties"])


SETTINGS = settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@settings(SETTINGS, max_examples=150)
@given(drawn=DRAWN)
def test_no_request_to_any_operation_fails(server: Any, drawn: Drawn) -> None:
    check(server, drawn)


@settings(SETTINGS, max_examples=400)
@given(drawn=BODIES)
def test_no_body_fails(server: Any, drawn: Drawn) -> None:
    check(server, drawn)
