"""Protocol Buffers' text format, read and written without a definition of the messages."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NoReturn, TypeAlias

from shortlist.errors import SchemaError

__all__ = ["Message", "parse_message", "write_message"]

# Field -> its values in order. Text is bytes; numbers, names of an enumeration and bools are as written.
Message: TypeAlias = dict[str, list[Any]]

_TOKEN = re.compile(
    r"""(?P<skip>\s+|\#[^\n]*)
    |(?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
    |(?P<word>[\w.+/-]+)
    |(?P<mark>[{}<>:;,\[\]])""",
    re.VERBOSE,
)
_ESCAPE = re.compile(rb"\\(?:([0-7]{1,3})|[xX]([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))")
_LETTERS = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"a": b"\a", b"b": b"\b", b"f": b"\f", b"v": b"\v"}
_CLOSING = {"{": "}", "<": ">"}
_DEEPEST = 50


def parse_message(text: str) -> Message:
    r"""Read a message; what a field means is left to the caller.

    Raises:
        SchemaError: the text is not a message; the line is named.

    >>> parse_message('feature { name: "caf\\303\\251" type: INT } # comment')
    {'feature': [{'name': [b'caf\xc3\xa9'], 'type': ['INT']}]}
    """
    return _Reader(text).message("", 0)


class _Reader:
    """The tokens of a text, one ahead."""

    def __init__(self, text: str) -> None:
        self._tokens = self._split(text)
        self._line = 1
        self._kind, self._ahead = next(self._tokens)

    def _split(self, text: str) -> Iterator[tuple[str, str]]:
        at = 0
        while at < len(text):
            found = _TOKEN.match(text, at)
            if found is None:
                self._fail(text[at : at + 20])
            if found.lastgroup != "skip":
                yield str(found.lastgroup), found[0]
            self._line += found[0].count("\n")
            at = found.end()
        yield "end", ""

    def _fail(self, token: str, expected: str = "a field such as name: value") -> NoReturn:
        raise SchemaError(
            f"schema.pbtxt, line {self._line}",
            received=token or "the end of the text",
            expected=expected,
            remedy="write the file again",
        )

    def _take(self, kind: str, expected: str) -> str:
        if self._kind != kind:
            self._fail(self._ahead, expected)
        token = self._ahead
        self._kind, self._ahead = next(self._tokens)
        return token

    def message(self, closing: str, depth: int) -> Message:
        """The fields up to a closing mark."""
        if depth > _DEEPEST:
            self._fail(self._ahead, f"at most {_DEEPEST} messages inside each other")
        fields: Message = {}
        while self._ahead != closing:
            values = fields.setdefault(self._name(), [])
            if self._ahead == ":":
                self._take("mark", ":")
            if self._ahead == "[":
                self._take("mark", "[")
                while self._ahead != "]":
                    values.append(self._value(depth))
                    self._skip(",")
                self._take("mark", "]")
            else:
                values.append(self._value(depth))
            self._skip(",;")
        return fields

    def _skip(self, marks: str) -> None:
        if self._kind == "mark" and self._ahead in marks:
            self._take("mark", marks)

    def _name(self) -> str:
        if self._ahead != "[":
            return self._take("word", "the name of a field")
        self._take("mark", "[")
        name = self._take("word", "the name of a type")
        self._take("mark", "]")
        return name

    def _value(self, depth: int) -> Any:
        if self._kind == "text":
            whole = b""
            while self._kind == "text":  # neighbouring texts are one
                whole += _unescaped(self._take("text", "a text"))
            return whole
        if self._kind == "mark" and self._ahead in _CLOSING:
            closing = _CLOSING[self._take("mark", "{")]
            inner = self.message(closing, depth + 1)
            self._take("mark", closing)
            return inner
        return self._take("word", "a value")


def _unescaped(token: str) -> bytes:
    def byte(found: re.Match[bytes]) -> bytes:
        octal, hexadecimal, short, long, letter = found.groups()
        if octal is not None:
            return bytes([int(octal, 8) & 255])
        if hexadecimal is not None:
            return bytes([int(hexadecimal, 16)])
        if letter is not None:
            return _LETTERS.get(letter, letter)
        return chr(int(short or long, 16)).encode()

    return _ESCAPE.sub(byte, token[1:-1].encode())


def write_message(message: Mapping[str, Sequence[object]], indent: str = "") -> str:
    r"""A message as text: bytes are quoted, mappings are messages, all else stands as it is.

    >>> print(write_message({"name": [b"caf\xc3\xa9"], "shape": [{"dim": [{"size": [3]}]}]}))
    name: "caf\303\251"
    shape {
      dim {
        size: 3
      }
    }
    """
    lines = []
    for name, values in message.items():
        for value in values:
            if isinstance(value, Mapping):
                inner = write_message(value, indent + "  ")
                lines.append(f"{indent}{name} {{\n{inner}{chr(10) if inner else ''}{indent}}}")
            else:
                shown = _quoted(value) if isinstance(value, bytes) else str(value)
                lines.append(f"{indent}{name}: {shown}")
    return "\n".join(lines)


def _quoted(text: bytes) -> str:
    escapes = {10: "\\n", 13: "\\r", 9: "\\t", 34: '\\"', 92: "\\\\"}
    plain = (escapes.get(byte) or (chr(byte) if 32 <= byte < 127 else f"\\{byte:03o}") for byte in text)
    return f'"{"".join(plain)}"'
