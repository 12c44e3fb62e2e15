"""Schemas of NVIDIA Merlin: the features of TensorFlow Metadata as columns, and back."""

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from shortlist.errors import SchemaError
from shortlist.schema._column import LIST, SCALAR, Column, Domain, Shape
from shortlist.schema._feature import Feature, Range, read_features, write_json, write_text
from shortlist.schema._tags import Tags, tag_set

__all__ = ["read_merlin", "write_merlin"]

# Where Merlin looks in a folder of Parquet files, in this order.
_PLACES = (".merlin/schema.json", ".merlin/schema.pbtxt", "schema.pbtxt", "schema.json")
# What the form cannot say of a column, as JSON text in its extra metadata.
_DETAILS = "shortlist"
_OWN = ("_dims", "is_list", "is_ragged", "dtype_item_size")
_BITS = {"int": 64, "float": 64}


def read_merlin(path: Path | str) -> list[Column]:
    """Read the columns of a Merlin schema; see `Schema.read_merlin`."""
    place = Path(path)
    if place.is_dir():
        found = [place / name for name in _PLACES if (place / name).is_file()]
        place = found[0] if found else place / _PLACES[0]
    try:
        features = read_features(place.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SchemaError(
            str(place),
            received=str(error),
            expected="a file schema.pbtxt or schema.json, or a folder that holds one",
            remedy="name the file",
        ) from error
    return list(dict.fromkeys(_column(feature) for feature in features))


def write_merlin(columns: Iterable[Column], path: Path | str) -> None:
    """Write columns as a Merlin schema; see `Schema.write_merlin`."""
    place = Path(path)
    if place.suffix not in (".pbtxt", ".json"):
        place /= _PLACES[0]
    features = [_feature(column) for column in columns]
    text = write_text(features) if place.suffix == ".pbtxt" else write_json(features)
    fresh = place.with_name(f".{place.name}.{uuid4().hex}")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(place)
    except OSError as error:
        with suppress(OSError):
            fresh.unlink()
        raise SchemaError(
            str(place), received=str(error), expected="a place that can be written to"
        ) from error


def _column(feature: Feature) -> Column:
    plain = _plain_column(feature)
    details = feature.properties.get(_DETAILS)
    if not isinstance(details, str):
        return plain
    try:
        told = Column.from_json({"name": plain.name, "tags": plain.tags, **json.loads(details)})
    except (SchemaError, TypeError, ValueError):
        return plain
    # Another program may have changed the feature after the details were written; then they are stale.
    return told if _said(_plain_feature(told)) == _said(feature) else plain


def _said(feature: Feature) -> tuple[object, ...]:
    own = {key: feature.properties.get(key) for key in _OWN}
    return feature.kind, feature.domain, feature.counts, feature.sizes, own


def _feature(column: Column) -> Feature:
    feature = _plain_feature(column)
    if _plain_column(feature) == column:
        return feature
    details = {key: value for key, value in column.to_json().items() if key not in ("name", "tags")}
    properties = {**feature.properties, _DETAILS: json.dumps(details)}
    return Feature(feature.name, feature.kind, feature.domain, feature.counts, None, feature.tags, properties)


def _plain_column(feature: Feature) -> Column:
    tags = tag_set(feature.tags, where=f"column {feature.name!r}")
    if feature.domain is not None and feature.domain.categorical:
        tags |= {Tags.CATEGORICAL}
    dtype = _dtype(feature)
    return Column(feature.name, dtype, tags, _shape(feature, dtype, tags), _domain(feature, dtype, tags))


def _dtype(feature: Feature) -> str:
    if feature.kind not in ("", "INT", "FLOAT", "BYTES"):
        raise SchemaError(
            f"column {feature.name!r}",
            received=f"type {feature.kind}",
            expected="INT, FLOAT or BYTES",
            remedy="flatten the column",
        )
    kind = {"INT": "int", "FLOAT": "float"}.get(feature.kind)
    if kind is None:
        return "string"
    bits = int(feature.properties.get("dtype_item_size") or 0)
    known = (8, 16, 32, 64) if kind == "int" else (16, 32, 64)
    return f"{kind}{bits if bits in known else _BITS[kind]}"


def _domain(feature: Feature, dtype: str, tags: frozenset[str]) -> Domain | None:
    said = feature.domain
    if said is None:
        return None
    name = said.name or feature.name
    if not dtype.startswith("int") or tags.isdisjoint({Tags.CATEGORICAL, Tags.ID}):
        if said.low is None and said.high is None:
            return Domain(name)
        # An end that is left out where the other is told is the form's default, 0.
        return Domain(name, None, float(said.low or 0), float(said.high or 0))
    rows = feature.properties.get("embedding_sizes")
    told = int(rows.get("cardinality") or 0) if isinstance(rows, Mapping) else 0
    # The largest code is part of the domain, so the table needs one row more; Merlin's own count of
    # rows is sometimes one short.
    size = max(int(said.high) + 1, told) if said.high is not None else told or None
    return Domain(name, size, float(said.low) if said.low else None)


def _shape(feature: Feature, dtype: str, tags: frozenset[str]) -> Shape:
    """The first of: the dimensions, the fixed sizes, the counts, the flag, the old tag ``list``."""
    dims = feature.properties.get("_dims")
    flag = feature.properties.get("is_list")
    fixed = feature.sizes
    if isinstance(dims, list) and dims:
        first, inner = _ends(dims[1:2]), dims[2:]
        if first is None:
            return SCALAR
    elif fixed is not None:
        if not fixed:
            return SCALAR
        first, inner = (fixed[0], fixed[0]), list(fixed[1:])
    elif feature.counts is not None:
        first, inner = (feature.counts[0] or 0, feature.counts[1] or None), []
        if first == (1, 1) and flag is None:
            return SCALAR
    else:
        listed = "list" in {tag.lower() for tag in feature.tags} if flag is None else flag
        return LIST if listed else SCALAR
    return _sized(feature.name, first, inner, vector=_is_vector(dtype, tags) or bool(inner))


def _ends(dim: list[Any]) -> tuple[int, int | None] | None:
    """Smallest and largest length that a dimension says; None for no dimension."""
    if not dim:
        return None
    low, high = dim[0] if isinstance(dim[0], list) else (dim[0], dim[0])
    return int(low or 0), None if high is None else int(high)


def _is_vector(dtype: str, tags: frozenset[str]) -> bool:
    return Tags.EMBEDDING in tags or (dtype.startswith("float") and Tags.SEQUENCE not in tags)


def _sized(name: str, first: tuple[int, int | None], inner: list[Any], *, vector: bool) -> Shape:
    sizes = [_ends([dim]) for dim in inner]
    if any(size is None or size[0] != size[1] for size in sizes):
        raise SchemaError(
            f"column {name!r}",
            received=f"lists of lists of sizes {inner}",
            expected="inner dimensions of a fixed size",
            remedy="flatten the column",
        )
    least, most = first
    fixed = tuple(size[0] for size in sizes if size is not None)
    if most is not None and least > most:
        raise SchemaError(
            f"column {name!r}",
            received=f"at least {least} and at most {most} values",
            expected="a range of lengths",
        )
    if vector and least == most:
        return Shape("vector", most, 0, fixed)
    return Shape("list", most, least, fixed)


def _plain_feature(column: Column) -> Feature:
    kind, bits = _kind(column.dtype)
    shape = column.shape
    scalar, ragged = shape.kind == "scalar", shape.dims[1:2] == (-1,)
    properties: dict[str, Any] = {"is_list": not scalar, "is_ragged": not scalar and ragged}
    length: int | list[int | None] | None = shape.size
    if ragged:
        length = [shape.least, shape.size]
    properties["_dims"] = [[0, None], *([] if scalar else [length, *shape.inner])]
    if bits:
        properties["dtype_item_size"] = bits
    ends = (shape.least, shape.size or 0) if ragged else (shape.size, shape.size)
    counts = None if scalar else ends
    tags = tuple(sorted(_told(column.tags)))
    return Feature(column.name, kind, _range(column, kind), counts, None, tags, properties)


def _kind(dtype: str) -> tuple[str, int]:
    """Merlin's type and number of bits; it knows no unsigned numbers, bools and times."""
    if dtype == "string":
        return "BYTES", 0
    if dtype in ("bool", "datetime"):
        return "INT", 8 if dtype == "bool" else 64
    digits = "".join(filter(str.isdigit, dtype))
    return "FLOAT" if dtype.startswith("float") else "INT", int(digits)


def _range(column: Column, kind: str) -> Range | None:
    domain = column.domain
    if domain is None or kind == "BYTES":
        return None
    if kind == "FLOAT":
        return Range(domain.name, domain.low, domain.high)
    high = domain.high if domain.size is None else domain.size - 1
    low, high = (None if end is None or end != end // 1 else int(end) for end in (domain.low, high))
    return Range(domain.name, low, high, column.has(Tags.CATEGORICAL))


def _told(tags: frozenset[str]) -> frozenset[str]:
    """The tags as Merlin names them."""
    if {Tags.TARGET, Tags.MULTICLASS} <= tags:
        return tags - {Tags.MULTICLASS} | {"multi_class"}
    return tags
