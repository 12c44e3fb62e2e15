"""Documentation, health, metrics, and the log of answers."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from shortlist.pipeline import AnswerLog
from shortlist.server import ServerOptions, app, openapi
from shortlist.server._openapi import EXAMPLES, OPERATIONS


def test_the_document_names_what_is_served(client: Any) -> None:
    document = client.get("/openapi.json").json()
    assert document == json.loads(json.dumps(openapi("1")))
    assert set(document["paths"]) == {operation.path for operation in OPERATIONS}
    for operation in OPERATIONS:
        if operation.method == "get":
            path = operation.path.format(model="bundle", version="1")
            if "item" not in operation.query:
                assert client.get(path).status_code == 200, path
    schemas = document["components"]["schemas"]
    references = re.findall(r"#/components/schemas/(\w+)", str(document))
    assert set(references) <= set(schemas)
    assert schemas["Recommend"]["properties"]["k"]["maximum"] == 1000


@pytest.mark.parametrize(("name", "body"), [(name, body) for name in EXAMPLES for body in EXAMPLES[name]])
def test_every_example_is_answered(towers: Any, name: str, body: dict[str, Any]) -> None:
    method, path = name.split()
    answer = towers.run(towers.http.request(method.upper(), path, json=body))
    assert answer.status_code == 200, answer.text
    described = openapi("1")
    kind = next(o.answer.__name__ for o in OPERATIONS if o.name == name and o.answer is not None)
    schema = described["components"]["schemas"][kind]
    assert set(schema["required"]) <= set(answer.json()) <= set(schema["properties"])


def test_the_page_needs_nothing_from_elsewhere(client: Any) -> None:
    page = client.get("/docs").text
    assert re.findall(r'(?:src|href)="(?!/openapi\.json)', page) == []
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "https://" not in page
    for operation in OPERATIONS:
        assert f"<code>{operation.path}</code>" in page


def test_metrics_count_what_happened(client: Any) -> None:
    client.ask(users=["u1", "new", "newer"])
    client.refused("/recommend", {"k": 0})
    client.post("/events", {"events": [{"user": "u1", "item": item} for item in ("i4", "new")]})
    client.get("/nowhere")
    answer = client.get("/metrics")
    of = f'bundle="bundle",version="{client.get("/health/ready").json()["bundle"]}"'
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = answer.text.splitlines()
    for line in (
        'shortlist_requests_total{path="/recommend",status="200"} 1',
        'shortlist_requests_total{path="/recommend",status="400"} 1',
        'shortlist_requests_total{path="other",status="404"} 1',
        f'shortlist_users_total{{{of},user="known"}} 1',
        f'shortlist_users_total{{{of},user="unknown"}} 2',
        f"shortlist_fallback_users_total{{{of}}} 2",
        f'shortlist_items_total{{{of},source="repeats"}} 2',
        f'shortlist_items_total{{{of},source="popular"}} 4',
        'shortlist_events_total{item="known"} 1',
        'shortlist_events_total{item="unknown"} 1',
        'shortlist_request_duration_seconds_count{path="/recommend"} 1',
        f'shortlist_recommend_duration_seconds_bucket{{{of},le="+Inf"}} 1',
        f"shortlist_recommend_duration_seconds_count{{{of}}} 1",
        "shortlist_queue_duration_seconds_count 1",
        "shortlist_batch_users_sum 3",
        "shortlist_queue_depth 0",
    ):
        assert line in lines
    pattern = re.compile(r'^(#.*|[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? ([0-9.e+-]+|NaN))$')
    assert [line for line in lines if not pattern.match(line)] == []


def test_answers_are_logged(bundle: Path, opened: Any, tmp_path: Path) -> None:
    options = ServerOptions(answers=tmp_path / "answers")
    client = opened(app(bundle, options)).settle()
    version = client.ask(users=["u1", None], request_id="r7")["bundle"]
    client.close()
    rows = AnswerLog(tmp_path / "answers").read().collect().to_dicts()
    assert [(row["request_id"], row["user"], row["items"]) for row in rows] == [
        ("r7", "u1", ["i1", "i2"]),
        ("r7", None, ["i2", "i1"]),
    ]
    assert {row["bundle"] for row in rows} == {version}
