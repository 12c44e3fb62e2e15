"""Requests drawn from an OpenAPI document: right ones, wrong ones, and ones that are almost right.

The schemas that the server describes itself by are few (objects, arrays, unions, numbers, texts), so that the
strategies are these lines and not a package that brings a client, a command line and thirty others.
"""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from hypothesis import strategies as st

__all__ = ["Drawn", "requests", "spoiled", "values"]

Strategy = st.SearchStrategy[Any]
TEXT = st.one_of(
    st.sampled_from(
        ["i01", "i02", "1", "100", "price", "category", "c1", "towers", "", "2026-01-31", "nan", "\x00"]
    ),
    st.text(max_size=8),
)
NUMBERS = st.one_of(
    st.integers(-3, 60),
    st.sampled_from([0.5, -1.0, 1e300, -(2**63), 2**63 - 1, 2**64, 1_800_000_000, 253402300799, 1e-320]),
    st.floats(allow_nan=False, allow_infinity=False),
)
PLAIN = st.one_of(st.none(), st.booleans(), NUMBERS, TEXT)
ANYTHING = st.recursive(
    PLAIN, lambda of: st.one_of(st.lists(of, max_size=3), st.dictionaries(TEXT, of, max_size=3)), max_leaves=6
)
TYPES = {"null": st.none(), "boolean": st.booleans(), "string": TEXT, "number": NUMBERS}


@dataclass(frozen=True)
class Drawn:
    """One request.

    Attributes:
        method: of HTTP.
        path: with its query.
        content: the body.
    """

    method: str
    path: str
    content: bytes


def values(schema: dict[str, Any], document: dict[str, Any]) -> Strategy:
    """Values that a schema describes."""
    if "$ref" in schema:
        return values(document["components"]["schemas"][schema["$ref"].split("/")[-1]], document)
    kind = schema.get("type")
    if isinstance(kind, list) or "anyOf" in schema:
        kinds = schema["anyOf"] if "anyOf" in schema else [{**schema, "type": one} for one in schema["type"]]
        return st.one_of([values(one, document) for one in kinds])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if kind == "array":
        return st.lists(values(schema.get("items", {}), document), max_size=3)
    if kind == "object":
        return _objects(schema, document)
    return _integers(schema) if kind == "integer" else TYPES.get(str(kind), ANYTHING)


def _integers(schema: dict[str, Any]) -> Strategy:
    least, most = schema.get("minimum", -(2**63)), schema.get("maximum", 2**63 - 1)
    return st.one_of(st.integers(max(least, 1), 60), st.integers(least, most))


def _objects(schema: dict[str, Any], document: dict[str, Any]) -> Strategy:
    if "properties" not in schema:
        return st.dictionaries(TEXT, values(schema.get("additionalProperties", {}), document), max_size=3)
    made = {name: values(one, document) for name, one in schema["properties"].items()}
    needed = {name: one for name, one in made.items() if name in schema.get("required", ())}
    others = {name: one for name, one in made.items() if name not in needed}
    return st.fixed_dictionaries(needed, optional=others)


@st.composite
def spoiled(draw: st.DrawFn, whole: Strategy) -> Any:
    """A value in which one place, however deep, was replaced by something else."""
    value = draw(whole)
    place: Any = None
    key, inside = None, value
    while isinstance(inside, dict | list) and inside and draw(st.integers(0, 3)):
        place = inside
        key = draw(st.sampled_from(sorted(inside) if isinstance(inside, dict) else range(len(inside))))
        inside = inside[key]
    other = draw(ANYTHING)
    if place is None:
        return other
    place[key] = other
    return value


TENSOR = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["user", "k", "recent", "exclude", "x"]),
        "datatype": st.sampled_from(["BYTES", "INT32", "INT64", "FP32", "BOOL", "FP16", "X"]),
        "shape": st.lists(st.integers(-1, 3), max_size=3),
        "data": st.lists(st.one_of(PLAIN, st.lists(PLAIN, max_size=2)), max_size=3),
    }
)
INFER = st.fixed_dictionaries(
    {"inputs": st.lists(TENSOR, max_size=3)},
    optional={
        "id": TEXT,
        "outputs": st.lists(st.fixed_dictionaries({"name": TEXT}), max_size=2),
        "parameters": ANYTHING,
    },
)


@st.composite
def requests(draw: st.DrawFn, method: str, path: str, document: dict[str, Any]) -> Drawn:
    """Requests to one operation."""
    told = document["paths"][path][method]
    query: list[tuple[str, Any]] = []
    for parameter in told.get("parameters", ()):
        if parameter["in"] == "path":
            name = draw(st.sampled_from(["one", "other", "1", "%00"]))
            path = path.replace(f"{{{parameter['name']}}}", name)
        elif draw(st.integers(0, 2)) or parameter["required"]:
            value = draw(st.one_of(values(parameter["schema"], document), PLAIN))
            query += [(parameter["name"], one) for one in (value if isinstance(value, list) else [value])]
    if draw(st.integers(0, 9)) == 0:
        query.append((draw(TEXT), draw(TEXT)))
    address = f"{path}?{urlencode(query, errors='replace')}" if query else path
    return Drawn(method.upper(), address, b"" if method == "get" else draw(_bodies(told, document)))


def _bodies(told: dict[str, Any], document: dict[str, Any]) -> st.SearchStrategy[bytes]:
    described = told.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    whole = INFER if described is None else values(described, document)
    plain = st.one_of(whole, whole, spoiled(whole)).map(lambda body: json.dumps(body).encode())
    return st.one_of(plain, plain, plain, st.binary(max_size=9))
