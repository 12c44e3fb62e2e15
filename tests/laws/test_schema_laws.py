"""A schema that Merlin stores is the schema that comes back."""

from tempfile import TemporaryDirectory

import pytest
from google.protobuf import struct_pb2
from hypothesis import given, settings
from hypothesis import strategies as st

from shortlist.errors import SchemaError
from shortlist.schema import DTYPES, Column, Domain, Schema, Shape, Tags
from shortlist.schema._struct import pack_struct, unpack_struct
from shortlist.schema._text_format import parse_message, write_message

TEXTS = st.text(max_size=8)
NUMBERS = st.none() | st.integers(-(2**62), 2**62).map(float) | st.floats(allow_nan=False)
SIZES = st.none() | st.integers(0, 2**60)
SHAPES = st.one_of(
    st.just(Shape()),
    st.builds(
        lambda least, more, inner: Shape("list", None if more is None else least + more, least, inner),
        st.integers(0, 5),
        st.none() | st.integers(0, 5),
        st.lists(st.integers(0, 5), max_size=2).map(tuple),
    ),
    st.builds(
        lambda size, inner: Shape("vector", size, 0, inner),
        st.none() | st.integers(0, 5),
        st.lists(st.integers(0, 5), max_size=2).map(tuple),
    ),
)
DOMAINS = st.none() | st.builds(Domain, TEXTS, SIZES, NUMBERS, NUMBERS)


def possible(tags: list[str]) -> bool:
    try:
        return bool(Column("x", "int64", tags))
    except SchemaError:
        return False


TAGS = st.sampled_from([*Tags, "mine", "USER_ID", "list", "multi_class", "é"])
COLUMNS = st.builds(
    Column,
    st.text(min_size=1, max_size=8),
    st.sampled_from(DTYPES),
    st.lists(TAGS, max_size=4).filter(possible),
    SHAPES,
    DOMAINS,
    st.none() | TEXTS,
)
JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.parametrize("place", ["schema.pbtxt", "schema.json", ""])
@given(columns=st.lists(COLUMNS, unique_by=lambda column: column.name, max_size=3))
@settings(max_examples=60, deadline=None)
def test_a_schema_comes_back_whole(place: str, columns: list[Column]) -> None:
    schema = Schema(columns)
    with TemporaryDirectory() as root:
        schema.write_merlin(f"{root}/{place}")
        back = Schema.read_merlin(f"{root}/{place}")
    assert back == schema
    assert back.to_json() == schema.to_json()


@given(st.dictionaries(TEXTS, JSON, max_size=4))
@settings(max_examples=60, deadline=None)
def test_structs_are_those_of_protocol_buffers(plain: dict[str, object]) -> None:
    packed = pack_struct(plain)
    assert unpack_struct(packed) == plain
    theirs = struct_pb2.Struct()
    theirs.update(plain)
    assert struct_pb2.Struct.FromString(packed) == theirs


FIELDS = st.from_regex(r"[a-z][a-z0-9_]{0,6}", fullmatch=True)
MESSAGES = st.recursive(
    st.dictionaries(FIELDS, st.lists(st.binary(max_size=9), min_size=1, max_size=3), max_size=3),
    lambda inner: st.dictionaries(FIELDS, st.lists(inner, min_size=1, max_size=2), max_size=3),
    max_leaves=5,
)


@given(MESSAGES)
@settings(max_examples=60, deadline=None)
def test_texts_of_messages_are_read_back(message: dict[str, list[object]]) -> None:
    assert parse_message(write_message(message)) == message
