"""Schemas: frozen values that say what the columns are. Standard library only."""

from shortlist.schema import select, tags
from shortlist.schema._codes import FIRST_UNKNOWN, NULL, PADDING, cardinality, first_value
from shortlist.schema._column import DTYPES, LIST, SCALAR, Column, Domain, Shape
from shortlist.schema._schema import Schema
from shortlist.schema._selectors import Selector
from shortlist.schema._tags import Tags, tag_set

__all__ = [
    "DTYPES",
    "FIRST_UNKNOWN",
    "LIST",
    "NULL",
    "PADDING",
    "SCALAR",
    "Column",
    "Domain",
    "Schema",
    "Selector",
    "Shape",
    "Tags",
    "cardinality",
    "first_value",
    "select",
    "tag_set",
    "tags",
]
