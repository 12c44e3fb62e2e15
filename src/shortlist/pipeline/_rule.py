"""Conditions on item columns, such as ``"stock > 0"``."""

import ast
import re
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import numpy.typing as npt

from shortlist.data import Array
from shortlist.errors import ArgumentError

__all__ = ["Rule"]

_TEXT = re.compile(r"^\s*(?P<column>.+?)\s*(?P<op>==|!=|<=|>=|<|>|\bnot\s+in\b|\bin\b)\s*(?P<value>.+?)\s*$")
_WORDS = {"true": True, "false": False, "null": None, "none": None}


@final
@dataclass(frozen=True, slots=True)
class Rule:
    """A column, a comparison and a value.

    A null (None, NaN) holds no comparison; ``== null`` and ``!= null`` ask for nulls themselves.

    Attributes:
        column: name of an item column, or of a column that an earlier stage added.
        op: one of ``== != < <= > >= in "not in"``.
        value: number, text, true, false, null, or a list of those.

    >>> rule = Rule.parse("colour in ['red', 'blue']")
    >>> rule.holds(np.array(["red", None, "green"], dtype=object)).tolist()
    [True, False, False]
    """

    column: str
    op: str
    value: Any

    @classmethod
    def parse(cls, text: str) -> "Rule":
        """Read ``"column op value"``; text in quotes or bare, lists in brackets.

        Raises:
            ArgumentError: the text has another form.
        """
        found = _TEXT.match(text) if isinstance(text, str) else None
        if found is None:
            raise _refused(text)
        op = " ".join(found["op"].split())
        value = _value(found["value"])
        if (op in ("in", "not in")) != isinstance(value, tuple):
            raise _refused(text)
        return cls(found["column"], op, value)

    def __str__(self) -> str:
        value = list(self.value) if isinstance(self.value, tuple) else self.value
        return f"{self.column} {self.op} {'null' if value is None else repr(value)}"

    def holds(self, values: Array) -> npt.NDArray[np.bool_]:
        """Bool [N]: where the condition holds.

        Raises:
            ArgumentError: the values cannot be compared with the rule's.
        """
        known = _known(values)
        if self.value is None and self.op in ("==", "!="):
            return ~known if self.op == "==" else known
        out = np.zeros(len(values), dtype=np.bool_)
        try:
            out[known] = self._compare(values[known])
        except TypeError as error:
            raise ArgumentError(
                f"rule {str(self)!r}",
                received=f"values of column {self.column!r} such as {values[known][0]!r}",
                expected="values that can be compared with it",
                remedy="write text in quotes and numbers without",
            ) from error
        return out

    def _compare(self, values: Array) -> Any:
        if self.op in ("in", "not in"):
            wanted = set(self.value)
            found = np.fromiter((value in wanted for value in values.tolist()), np.bool_, len(values))
            return found if self.op == "in" else ~found
        compare = {
            "==": np.equal,
            "!=": np.not_equal,
            "<": np.less,
            "<=": np.less_equal,
            ">": np.greater,
            ">=": np.greater_equal,
        }[self.op]
        wanted_value: Any = self.value
        if values.dtype != object and isinstance(wanted_value, str):
            raise TypeError("text beside numbers")
        return compare(values, wanted_value).astype(np.bool_)


def _known(values: Array) -> npt.NDArray[np.bool_]:
    if values.dtype.kind == "f":
        return ~np.isnan(values)
    if values.dtype == object:
        return np.fromiter((v is not None and v == v for v in values.tolist()), np.bool_, len(values))  # noqa: PLR0124
    return np.ones(len(values), dtype=np.bool_)


def _value(text: str) -> Any:
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
    return tuple(value) if isinstance(value, list | tuple | set) else value


def _refused(text: object) -> ArgumentError:
    return ArgumentError(
        "rule",
        received=repr(text),
        expected='a column, one of == != < <= > >= in "not in", and a value',
        remedy="write for example \"stock > 0\" or \"colour in ['red', 'blue']\"",
    )
