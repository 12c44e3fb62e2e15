"""Types of the values that come with a request."""

from types import SimpleNamespace
from typing import Any

import pytest

from shortlist.errors import ArgumentError
from shortlist.pipeline import Merge, Popular
from shortlist.schema import LIST, Column, Schema
from shortlist.server._context import check_context, context_columns

SCHEMA = Schema(
    [
        Column("device", "string"),
        Column("age", "float32"),
        Column("member", "bool"),
        Column("pages", "int64", shape=LIST),
    ]
)
COLUMNS = {column.name: column for column in SCHEMA}


def test_columns_are_those_that_workflows_read() -> None:
    stage: Any = SimpleNamespace(name="score", flow=SimpleNamespace(input_schema=SCHEMA))
    assert context_columns([Popular(), stage]) == COLUMNS
    source: Any = SimpleNamespace(
        name="s", flow=stage.flow, needs=(), gives=("candidates", "scores"), run=lambda *_: None
    )
    assert context_columns([Merge(Popular(), source)]) == COLUMNS


def test_values_that_fit() -> None:
    check_context(
        {
            "device": ["web", None],
            "age": [1, 2.5],
            "member": [True, None],
            "pages": [[1, 2], None],
            "nobody reads it": [{}, object()],
        },
        COLUMNS,
    )


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("device", 5, "string"),
        ("device", ["web"], "string"),
        ("age", "old", "float32"),
        ("age", True, "float32"),
        ("member", 1, "bool"),
        ("pages", 1, "a list of int64"),
        ("pages", ["one"], "a list of int64"),
    ],
)
def test_values_that_do_not(name: str, value: Any, expected: str) -> None:
    with pytest.raises(ArgumentError, match=f"context.{name}: expected {expected}"):
        check_context({name: [None, value]}, COLUMNS)
