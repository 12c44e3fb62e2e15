"""The OpenAPI document, made from the messages, so that it cannot drift from them."""

import re
from dataclasses import dataclass
from typing import Any

import msgspec

from shortlist.server._messages import (
    Answer,
    Deleted,
    Events,
    Failure,
    Health,
    ItemIds,
    Items,
    Kept,
    Recommend,
    Similar,
    SimilarAnswer,
    Upserted,
)

__all__ = ["EXAMPLES", "OPERATIONS", "Operation", "openapi"]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the server."""

    path: str
    method: str
    summary: str
    body: type | None = None
    answer: type | None = None
    plain: bool = False
    query: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Method and path."""
        return f"{self.method} {self.path}"


OPERATIONS = (
    Operation("/recommend", "post", "Recommend items to one or many users", Recommend, Answer),
    Operation("/events", "post", "Append events; the next request sees them", Events, Kept),
    Operation("/items", "post", "Add items, or change them; the next request finds them", Items, Upserted),
    Operation("/items", "delete", "Take items out; nothing shows them any more", ItemIds, Deleted),
    Operation("/similar", "post", "Items that are like others", Similar, SimilarAnswer),
    Operation(
        "/similar",
        "get",
        "Items that are like others",
        answer=SimilarAnswer,
        query=("item", "k", "user", "exclude", "column", "bundle"),
    ),
    Operation("/health/live", "get", "The process runs", answer=Health),
    Operation("/health/ready", "get", "The bundle is loaded and answers", answer=Health),
    Operation("/metrics", "get", "Counters and latencies for Prometheus"),
    Operation("/openapi.json", "get", "This document"),
    Operation("/docs", "get", "A page about these operations, to read and to try"),
    Operation("/v2", "get", "Open Inference Protocol: the server", plain=True),
    Operation("/v2/health/live", "get", "Open Inference Protocol: the process runs", plain=True),
    Operation("/v2/health/ready", "get", "Open Inference Protocol: all bundles are loaded", plain=True),
    Operation(
        "/v2/repository/index", "post", "Open Inference Protocol: the models, one a bundle", plain=True
    ),
    *(
        Operation(f"/v2/models/{{model}}{of}{path}", method, f"Open Inference Protocol: {what}", plain=True)
        for of in ("", "/versions/{version}")
        for path, method, what in (
            ("", "get", "inputs and outputs of a model"),
            ("/ready", "get", "whether a model answers"),
            ("/config", "get", "the configuration of a model"),
            ("/infer", "post", "recommend, in tensors"),
        )
    ),
)

_REFUSALS = (
    ("400", "Not JSON, or of a wrong form"),
    ("401", "No API key that is known, where the server asks for one"),
    ("413", "Too large"),
    ("500", "The server failed"),
    ("503", "Not loaded yet, or too many requests at once; see Retry-After"),
    ("504", "Not done in time"),
)

_KEYS = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "header": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
}

EXAMPLES: dict[str, list[dict[str, Any]]] = {
    "post /recommend": [
        {"user": "u1", "k": 5},
        {"users": ["u1", "u2", None], "k": 3, "trace": True},
        {"user": None, "recent": ["i1"], "exclude": ["i2"], "time": "2026-01-31T12:00:00Z"},
    ],
    "post /events": [{"events": [{"user": "u1", "item": "i1"}, {"user": "u2", "item": "i2", "weight": 0.5}]}],
    "post /items": [{"items": [{"item": "i9", "columns": {"price": 9.5}}, {"item": "i1"}]}],
    "delete /items": [{"items": ["i9"]}],
    "post /similar": [{"item": "i1", "k": 5}, {"items": ["i1", "i2"], "user": "u1"}],
}
_QUERY: dict[str, Any] = {
    "item": {"type": "array", "items": {"type": "string"}, "minItems": 1},
    "k": {"type": "integer", "minimum": 1, "maximum": 1000},
    "user": {"type": "string"},
    "exclude": {"type": "array", "items": {"type": "string"}},
    "column": {"type": "array", "items": {"type": "string"}},
    "bundle": {"type": "string", "maxLength": 128},
}


def openapi(version: str) -> dict[str, Any]:
    """OpenAPI 3.1 as plain data."""
    types = [kind for op in OPERATIONS for kind in (op.body, op.answer) if kind is not None]
    _, components = msgspec.json.schema_components(
        [*types, Failure], ref_template="#/components/schemas/{name}"
    )
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _described(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Shortlist", "version": version},
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": _KEYS},
        "security": [{}, *({name: []} for name in _KEYS)],
    }


def _described(operation: Operation) -> dict[str, Any]:
    responses: dict[str, Any] = {"200": {"description": "Success"}}
    if operation.answer is not None:
        responses["200"]["content"] = _json(operation.answer)
    described: dict[str, Any] = {"summary": operation.summary, "responses": responses}
    if operation.query:
        described["parameters"] = [
            {"name": name, "in": "query", "required": name == "item", "schema": _QUERY[name]}
            for name in operation.query
        ]
        responses |= {code: {"description": what, "content": _json(Failure)} for code, what in _REFUSALS}
    elif operation.body is not None:
        examples = {str(n): {"value": value} for n, value in enumerate(EXAMPLES[operation.name], 1)}
        content = {"application/json": {**_json(operation.body)["application/json"], "examples": examples}}
        described["requestBody"] = {"required": True, "content": content}
        for code, meaning in _REFUSALS:
            responses[code] = {"description": meaning, "content": _json(Failure)}
    elif operation.plain:
        told = {"application/json": {"schema": {"type": "object"}}}
        responses["200"]["content"] = told
        responses |= {code: {"description": meaning, "content": told} for code, meaning in _REFUSALS}
        responses["404"] = {"description": "No such model", "content": told}
        described["parameters"] = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in re.findall(r"{(\w+)}", operation.path)
        ]
    elif operation.path == "/health/ready":
        responses["503"] = {"description": "Not loaded yet", "content": _json(Failure)}
    return described


def _json(kind: type) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{kind.__name__}"}}}
