"""Schemas of Merlin: what its files say, what ours say to it, and what is refused."""

import json
from pathlib import Path

import pytest
from google.protobuf import struct_pb2

from shortlist.errors import SchemaError
from shortlist.schema import Column, Domain, Schema, Shape, tag_set
from shortlist.schema._struct import pack_struct, unpack_struct
from shortlist.schema._text_format import parse_message

# The form of a file of NVTabular: a struct in wire format as an escaped text.
TEXT = r"""
# written by a workflow
feature {
  name: "shop"
  type: INT
  int_domain { name: "shop" max: 28 is_categorical: true }
  annotation {
    tag: "item_id"  # an old compound
    tag: "categorical"
    extra_metadata {
      type_url: "type.googleapis.com/google.protobuf.Struct"
      value: "\n\034\n\017dtype_item_size\022\t\021\000\000\000\000\000\000@@"
             "\n\025\n\010max_size\022\t\021\000\000\000\000\000@\177@"
             "\n\r\n\007is_list\022\002 \000\n\021\n\013num_buckets\022\002\010\000"
    }
  }
}
feature: <
  name: 'price' type: FLOAT;
  float_domain { min: -1.5 max: inf }
  annotation { tag: ["continuous", "ITEM"] }
>
feature {
  name: "seen" type: INT
  value_count { min: 2, max: 20 }
  int_domain { name: "shop" min: 1 max: 28 is_categorical: true }
  annotation { tag: "list" tag: "categorical" }
}
"""


def read(tmp_path: Path, text: str, name: str = "schema.pbtxt") -> Schema:
    (tmp_path / name).write_text(text)
    return Schema.read_merlin(tmp_path / name)


def column(tmp_path: Path, fields: str) -> Column:
    return next(iter(read(tmp_path, f'feature {{ name: "c" {fields} }}')))


def test_a_text_file_as_nvtabular_writes_it(tmp_path: Path) -> None:
    assert list(read(tmp_path, TEXT)) == [
        Column("shop", "int32", ("item", "id", "categorical"), domain=Domain("shop", 28 + 1)),
        Column("price", "float64", ("item", "continuous"), domain=Domain("price", None, -1.5, float("inf"))),
        Column("seen", "int64", ("sequence", "categorical"), Shape("list", 20, 2), Domain("shop", 29, 1.0)),
    ]


def test_a_json_file_as_merlin_writes_it(tmp_path: Path) -> None:
    plain = {
        "feature": [
            {
                "name": "user",
                "type": "INT",
                "intDomain": {"name": "user", "max": "943", "isCategorical": True, "is_list": True},
                "annotation": {
                    "tag": ["user_id"],
                    "extraMetadata": [
                        {"embedding_sizes": {"cardinality": 943.0, "dimension": 74.0}, "_dims": [[0.0, None]]}
                    ],
                },
            },
            {
                "name": "vector",
                "type": 3,
                "floatDomain": {"min": -0.5, "max": 0.5},
                "annotation": {
                    "tag": ["item"],
                    "extraMetadata": [{"_dims": [[0.0, None], [50, 50]], "is_list": True, "is_ragged": True}],
                },
            },
            {"name": "title", "annotation": {}, "type": None},
        ]
    }
    assert list(read(tmp_path, json.dumps(plain), "schema.json")) == [
        # The largest code is 943: its table has 944 rows, though Merlin counts 943.
        Column("user", "int64", ("user", "id", "categorical"), domain=Domain("user", 944)),
        Column("vector", "float64", ("item",), Shape("vector", 50), Domain("vector", None, -0.5, 0.5)),
        Column("title", "string"),
    ]


@pytest.mark.parametrize(
    ("fields", "dtype", "shape"),
    [
        ("type: INT", "int64", Shape()),
        ("type: FLOAT", "float64", Shape()),
        ("type: BYTES", "string", Shape()),
        ("type: TYPE_UNKNOWN", "string", Shape()),
        ("type: BYTES value_count { min: 1 max: 1 }", "string", Shape()),
        ("type: INT value_count { min: 4 }", "int64", Shape("list", None, 4)),
        ("type: INT value_count { min: 0 max: 0 }", "int64", Shape("list")),
        ("type: INT value_count { min: 4 max: 4 }", "int64", Shape("list", 4, 4)),
        ("type: INT shape { dim { size: 4 } }", "int64", Shape("list", 4, 4)),
        ("type: INT shape { }", "int64", Shape()),
        ("type: FLOAT shape { dim { size: 3 } dim { size: 4 } }", "float64", Shape("vector", 3, 0, (4,))),
        ('type: FLOAT value_count { min: 8 max: 8 } annotation { tag: "sequence" }', "float64", None),
        ('type: INT annotation { tag: "list" }', "int64", Shape("list")),
    ],
)
def test_types_and_lengths(tmp_path: Path, fields: str, dtype: str, shape: Shape | None) -> None:
    found = column(tmp_path, fields)
    assert (found.dtype, found.shape) == (dtype, shape or Shape("list", 8, 8))


@pytest.mark.parametrize(
    ("dims", "shape", "served"),
    [
        ([[0, None]], Shape(), (-1,)),
        ([[0, None], [0, None]], Shape("list"), (-1, -1)),
        ([None, 2], Shape("vector", 2), (-1, 2)),
        ([None, [1, 4]], Shape("list", 4, 1), (-1, -1)),
        ([None, 3, 4], Shape("vector", 3, 0, (4,)), (-1, 3, 4)),
        ([None, None, 8], Shape("list", None, 0, (8,)), (-1, -1, 8)),
    ],
)
def test_dimensions_as_an_inference_server_writes_them(
    tmp_path: Path, dims: list[object], shape: Shape, served: tuple[int, ...]
) -> None:
    feature = {"name": "c", "type": "FLOAT", "annotation": {"extraMetadata": [{"_dims": dims}]}}
    found = read(tmp_path, json.dumps({"feature": [feature]}), "s.json")["c"]
    assert (found.shape, found.shape.dims) == (shape, served)


def test_compound_tags_are_split_and_contradictions_refused(tmp_path: Path) -> None:
    assert tag_set(["USER_ID"]) == {"user", "id"}
    assert tag_set(["text_tokenized"]) == {"text", "tokenized"}
    with pytest.raises(SchemaError, match=r"column 'c': .*both 'categorical' and 'continuous'"):
        column(tmp_path, 'type: INT annotation { tag: "continuous" tag: "categorical" }')
    with pytest.raises(SchemaError, match=r"column 'c': .*both 'categorical' and 'continuous'"):
        column(tmp_path, 'type: INT int_domain { is_categorical: true } annotation { tag: "continuous" }')


def test_ranges_of_numbers_that_are_no_codes(tmp_path: Path) -> None:
    assert column(tmp_path, "type: INT int_domain { min: -3 max: 7 }").domain == Domain("c", None, -3, 7)
    # The other end is 0, which Merlin's writer leaves out.
    assert column(tmp_path, "type: FLOAT float_domain { max: 1.5f }").domain == Domain("c", None, 0, 1.5)
    assert column(tmp_path, 'type: FLOAT float_domain { name: "d" }').domain == Domain("d")
    assert column(tmp_path, 'type: BYTES domain: "cities"').domain == Domain("cities")
    assert column(tmp_path, 'type: BYTES string_domain { name: "d" value: "x" }').domain == Domain("d")
    coded = 'type: INT int_domain { name: "d" } annotation { tag: "categorical" }'
    assert column(tmp_path, coded).domain == Domain("d")


def test_a_struct_may_be_written_out(tmp_path: Path) -> None:
    fields = """type: INT annotation { extra_metadata {
      [type.googleapis.com/google.protobuf.Struct] {
        fields { key: "dtype_item_size" value { number_value: 16 } }
        fields { key: "is_list" value { bool_value: true } }
        fields { key: "cat_path" value { string_value: "a" } }
        fields { key: "num_buckets" value { null_value: NULL_VALUE } }
        fields { key: "_dims" value { list_value { values { null_value: NULL_VALUE }
                                                   values { number_value: 5 } } } }
        fields { key: "embedding_sizes" value { struct_value { } } }
      } } }"""
    found = column(tmp_path, fields)
    assert (found.dtype, found.shape) == ("int16", Shape("list", 5, 5))


def test_a_column_that_stands_twice_alike_counts_once(tmp_path: Path) -> None:
    twice = 'feature { name: "a" type: INT }\n'
    assert read(tmp_path, twice * 2).names == ("a",)
    with pytest.raises(SchemaError, match="column 'a' twice"):
        read(tmp_path, twice + 'feature { name: "a" type: FLOAT }')


def test_where_a_folder_keeps_its_schema(tmp_path: Path) -> None:
    one, two = Schema([Column("a", "int64")]), Schema([Column("b", "int64")])
    one.write_merlin(tmp_path / "schema.pbtxt")
    assert Schema.read_merlin(tmp_path) == one
    two.write_merlin(tmp_path)
    assert Schema.read_merlin(tmp_path) == two
    assert json.loads((tmp_path / ".merlin" / "schema.json").read_text())["feature"][0]["name"] == "b"
    assert Schema.read_merlin(tmp_path / ".merlin" / "schema.json") == two


def test_what_merlin_sees_of_our_columns(tmp_path: Path) -> None:
    Schema(
        [
            Column("u", "uint16", ("user", "id", "categorical"), domain=Domain("users", 30), vocabulary="v"),
            Column("v", "float32", ("item", "embedding"), Shape("vector", 8)),
            Column("h", "int64", ("target", "multiclass"), Shape("list", 20, 1)),
        ]
    ).write_merlin(tmp_path / "schema.pbtxt")
    first, second, third = parse_message((tmp_path / "schema.pbtxt").read_text())["feature"]
    assert first["int_domain"] == [{"name": [b"users"], "max": ["29"], "is_categorical": ["true"]}]
    assert first["annotation"][0]["tag"] == [b"categorical", b"id", b"user"]
    extra = struct_pb2.Struct.FromString(first["annotation"][0]["extra_metadata"][0]["value"][0])
    assert extra["dtype_item_size"] == 16
    assert extra["is_list"] is False
    assert second["value_count"] == [{"min": ["8"], "max": ["8"]}]
    assert third["value_count"] == [{"min": ["1"], "max": ["20"]}]
    assert third["annotation"][0]["tag"] == [b"multi_class", b"target"]


def test_what_merlin_cannot_say_is_kept_until_somebody_changes_the_column(tmp_path: Path) -> None:
    schema = Schema([Column("t", "datetime", ("time",)), Column("n", "uint8", domain=Domain("n", low=0.5))])
    path = tmp_path / "schema.json"
    schema.write_merlin(path)
    assert Schema.read_merlin(path) == schema
    plain = json.loads(path.read_text())
    plain["feature"][0] |= {"type": "FLOAT", "name": "hours"}
    plain["feature"][1]["annotation"]["extraMetadata"][0]["shortlist"] = "{"
    path.write_text(json.dumps(plain))
    changed = Schema.read_merlin(path)
    assert (changed["hours"].dtype, changed["hours"].tags, changed["n"].dtype) == (
        "float64",
        {"time"},
        "int8",
    )


def test_impossible_columns_are_named(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match=r"column 'c': expected INT, FLOAT or BYTES; received .*STRUCT"):
        column(tmp_path, "type: STRUCT")
    with pytest.raises(SchemaError, match=r"column 'c': .*a range of lengths.*at least 5 and at most 2"):
        column(tmp_path, "type: INT value_count { min: 5 max: 2 }")
    ragged = 'feature { name: "c" type: INT value_count { min: many } }'
    with pytest.raises(SchemaError, match=r"column 'c': .*a field that cannot be read"):
        read(tmp_path, ragged)
    nested = {"name": "c", "type": "INT", "annotation": {"extraMetadata": [{"_dims": [None, 3, [0, None]]}]}}
    with pytest.raises(SchemaError, match=r"column 'c': .*inner dimensions of a fixed size"):
        read(tmp_path, json.dumps({"feature": [nested]}), "s.json")
    with pytest.raises(SchemaError, match="a feature without a name"):
        read(tmp_path, "feature { type: INT }")
    with pytest.raises(SchemaError, match=r"Shape\.least.*at most 2, the largest length; received 3"):
        Shape("list", 2, 3)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("feature {\n  name: ", r"schema\.pbtxt, line 2: expected a value; received the end of the text"),
        ("feature {\n name: 'a' }\n}", r"line 3: expected the name of a field; received '}'"),
        ("feature { name: [1, 2", "line 1: expected a value"),
        ("feature { name: `a` }", "line 1: expected a field such as name: value"),
        ("[a b] { }", "expected ]"),
        ("a {" * 60, "at most 50 messages inside each other"),
        ("features { }", "expected messages in the field 'feature'"),
        ('{"feature": [1]}', "expected messages in the field 'feature'"),
        ('{"feature": ', r"schema\.json: expected JSON like"),
        ('{"columns": []}', "expected messages in the field 'feature'"),
        (
            'feature { name: "c" annotation { extra_metadata { value: "\\377" } } }',
            "no google.protobuf.Struct",
        ),
    ],
)
def test_what_is_not_a_schema_is_refused_with_its_place(tmp_path: Path, text: str, fault: str) -> None:
    with pytest.raises(SchemaError, match=fault):
        read(tmp_path, text)


def test_files_that_are_missing_or_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match=r"a file schema\.pbtxt or schema\.json"):
        Schema.read_merlin(tmp_path)
    (tmp_path / "binary.pbtxt").write_bytes(b"\xff")
    with pytest.raises(SchemaError, match="utf-8"):
        Schema.read_merlin(tmp_path / "binary.pbtxt")
    (tmp_path / "file").write_text("")
    with pytest.raises(SchemaError, match="a place that can be written to"):
        Schema([]).write_merlin(tmp_path / "file" / "schema.json")


def test_an_empty_schema(tmp_path: Path) -> None:
    for name in ("schema.json", "schema.pbtxt"):
        Schema([]).write_merlin(tmp_path / name)
        assert len(Schema.read_merlin(tmp_path / name)) == 0


def test_structs_of_any_kind_of_value() -> None:
    plain = {"a": None, "b": True, "c": "é", "d": {"e": [1.0, "x", [], {}]}, "long": "y" * 300}
    packed = pack_struct(plain)
    assert unpack_struct(packed) == plain
    theirs = struct_pb2.Struct()
    theirs.update(plain)
    assert struct_pb2.Struct.FromString(packed) == theirs
    assert unpack_struct(theirs.SerializeToString()) == plain
    with pytest.raises(SchemaError, match="bytes that are no"):
        unpack_struct(packed[:-1])
