"""A feature of TensorFlow Metadata, as Merlin stores its schemas: Protocol Buffers text or JSON."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from shortlist.errors import SchemaError
from shortlist.schema._struct import pack_struct, unpack_struct
from shortlist.schema._text_format import Message, parse_message, write_message

__all__ = ["Feature", "Range", "read_features", "write_json", "write_text"]

_STRUCT = "type.googleapis.com/google.protobuf.Struct"
_TYPES = {"1": "BYTES", "2": "INT", "3": "FLOAT", "4": "STRUCT"}
_DOMAINS = {"INT": "int_domain", "FLOAT": "float_domain"}


@dataclass(frozen=True, slots=True)
class Range:
    """An ``int_domain`` or a ``float_domain``.

    Attributes:
        name: features of one name share one vocabulary.
        low: smallest value.
        high: largest value.
        categorical: whether the values are codes.
    """

    name: str | None = None
    low: float | None = None
    high: float | None = None
    categorical: bool = False


@dataclass(frozen=True, slots=True)
class Feature:
    """One feature.

    Attributes:
        name: its name.
        kind: INT, FLOAT, BYTES or empty when the file does not say.
        domain: values it takes.
        counts: smallest and largest number of values of a row, None where open; None when not said.
        sizes: fixed numbers of values of a row, by dimension; None when not said.
        tags: as written.
        properties: the extra metadata: plain data.
    """

    name: str
    kind: str = ""
    domain: Range | None = None
    counts: tuple[int | None, int | None] | None = None
    sizes: tuple[int, ...] | None = None
    tags: tuple[str, ...] = ()
    properties: Mapping[str, Any] = field(default_factory=dict)


def read_features(text: str) -> list[Feature]:
    """The features of a schema in either form.

    Raises:
        SchemaError: the text is not a schema of TensorFlow Metadata.
    """
    if text.lstrip().startswith("{"):
        try:
            schema = _fields_of(json.loads(text))
        except (TypeError, ValueError, RecursionError) as error:
            raise SchemaError(
                "schema.json",
                received=repr(text[:60]),
                expected='JSON like {"feature": [...]}',
                remedy="write the file again",
            ) from error
    else:
        schema = parse_message(text)
    features = schema.get("feature", [])
    if (schema and "feature" not in schema) or not all(isinstance(one, Mapping) for one in features):
        raise SchemaError(
            "schema", received=f"fields {sorted(schema)}", expected="messages in the field 'feature'"
        )
    return [_feature(message) for message in features]


def _fields_of(plain: Any) -> Message:
    """JSON in the form of a parsed message; the extra metadata stay as they are."""
    if not isinstance(plain, Mapping):
        raise TypeError(plain)
    fields: Message = {}
    for name, value in plain.items():
        snake = re.sub(r"[A-Z]", lambda letter: f"_{letter[0].lower()}", name)
        values = value if isinstance(value, list) else [] if value is None else [value]
        nested = isinstance(value, Mapping | list) and snake != "extra_metadata"
        fields[snake] = [_fields_of(v) if nested and isinstance(v, Mapping) else v for v in values]
    return fields


def _feature(message: Any) -> Feature:
    name = _text(_one(message, "name"))
    if not name:
        raise SchemaError("schema", received="a feature without a name", expected="a name for every feature")
    try:
        kind = _text(_one(message, "type")) or ""
        counts, shape = _one(message, "value_count"), _one(message, "shape")
        note = _one(message, "annotation") or {}
        return Feature(
            name,
            _TYPES.get(kind, kind.removeprefix("TYPE_UNKNOWN")),
            _range(message),
            None if counts is None else (_integer(counts, "min"), _integer(counts, "max")),
            None if shape is None else tuple(_integer(dim, "size") or 0 for dim in shape.get("dim", [])),
            tuple(str(_text(tag)) for tag in note.get("tag", [])),
            _properties(note.get("extra_metadata", [])),
        )
    except (AttributeError, TypeError, ValueError) as error:
        raise SchemaError(
            f"column {name!r}",
            received=f"a field that cannot be read ({error})",
            expected="a feature of TensorFlow Metadata",
        ) from error


def _range(message: Message) -> Range | None:
    for key in _DOMAINS.values():
        found = _one(message, key)
        if found is not None:
            low, high = (_number(_one(found, end)) for end in ("min", "max"))
            coded = str(_text(_one(found, "is_categorical"))).lower() in ("true", "t", "1")
            return Range(_text(_one(found, "name")), low, high, coded)
    shared = _one(message, "domain")
    named = _one(message, "string_domain")
    name = _text(shared) if shared is not None else _text(_one(named, "name")) if named else None
    return None if name is None else Range(name)


def _one(message: Mapping[str, Any], key: str) -> Any:
    return message.get(key, [None])[-1] if message.get(key) else None


def _text(value: Any) -> str | None:
    return value.decode() if isinstance(value, bytes) else None if value is None else str(value)


def _integer(message: Message, key: str) -> int | None:
    value = _one(message, key)
    return None if value is None else int(value)


def _number(value: Any) -> float | None:
    """An integer stays one: a float does not hold all of 64 bits."""
    if value is None:
        return None
    text = str(_text(value))
    return int(text) if re.fullmatch(r"-?\d+", text) else float(re.sub(r"(?<=\d)[fF]$", "", text))


def _properties(extra: list[Any]) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    for one in extra:
        if _one_is_packed(one):
            properties |= unpack_struct(b"".join(one["value"]))
        elif _STRUCT in one:
            properties |= _expanded(one[_STRUCT][-1])
        else:
            plain = one.get("value", {}) if "@type" in one else one
            properties |= plain if isinstance(plain, Mapping) else {}
    return properties


def _one_is_packed(extra: Mapping[str, Any]) -> bool:
    return isinstance(extra.get("value"), list) and all(isinstance(part, bytes) for part in extra["value"])


def _expanded(struct: Message) -> dict[str, Any]:
    """A struct that is written out as text."""
    entries = [entry for entry in struct.get("fields", []) if isinstance(entry, Mapping)]
    return {str(_text(_one(entry, "key"))): _expanded_value(_one(entry, "value") or {}) for entry in entries}


def _expanded_value(value: Any) -> Any:
    if "number_value" in value:
        return float(str(_one(value, "number_value")))
    if "string_value" in value:
        return _text(_one(value, "string_value"))
    if "bool_value" in value:
        return _one(value, "bool_value") == "true"
    if "struct_value" in value:
        return _expanded(_one(value, "struct_value"))
    if "list_value" in value:
        items = _one(value, "list_value").get("values", [])
        return [_expanded_value(item) for item in items]
    return None


def _plain(feature: Feature) -> dict[str, Any]:
    """What both forms say, in the names of the text form; texts are strings."""
    plain: dict[str, Any] = {"name": feature.name}
    if feature.counts is not None:
        ends = zip(("min", "max"), feature.counts, strict=True)
        plain["value_count"] = {end: count for end, count in ends if count is not None}
    if feature.kind:
        plain["type"] = feature.kind
    if feature.domain is not None and feature.kind in _DOMAINS:
        domain = feature.domain
        said = {"name": domain.name, "min": domain.low, "max": domain.high}
        plain[_DOMAINS[feature.kind]] = {key: value for key, value in said.items() if value is not None} | (
            {"is_categorical": True} if domain.categorical else {}
        )
    return plain


def write_text(features: Iterable[Feature]) -> str:
    """A schema as Protocol Buffers text, as ``schema.pbtxt`` holds it."""
    return write_message({"feature": [_text_fields(feature) for feature in features]}) + "\n"


def _text_fields(feature: Feature) -> dict[str, Any]:
    def fields(plain: Mapping[str, Any]) -> dict[str, Any]:
        return {key: [value(one) if key != "type" else one] for key, one in plain.items()}

    def value(one: Any) -> Any:
        if isinstance(one, Mapping):
            return fields(one)
        return one.encode() if isinstance(one, str) else str(one).lower() if isinstance(one, bool) else one

    extra = {"type_url": [_STRUCT.encode()], "value": [pack_struct(feature.properties)]}
    note = {"tag": [tag.encode() for tag in feature.tags], "extra_metadata": [extra]}
    return {**fields(_plain(feature)), "annotation": [note]}


def write_json(features: Iterable[Feature]) -> str:
    """A schema as JSON, as ``.merlin/schema.json`` holds it; integers are strings: they have 64 bits."""

    def value(one: Any) -> Any:
        if isinstance(one, Mapping):
            return {_camel(key): value(inner) for key, inner in one.items()}
        if isinstance(one, int) and not isinstance(one, bool):
            return str(one)
        return one if not isinstance(one, float) or isfinite(one) else str(one)

    plain = [
        value(_plain(feature))
        | {"annotation": {"tag": list(feature.tags), "extraMetadata": [dict(feature.properties)]}}
        for feature in features
    ]
    return json.dumps({"feature": plain}, indent=1)


def _camel(name: str) -> str:
    return re.sub(r"_(\w)", lambda letter: letter[1].upper(), name)
