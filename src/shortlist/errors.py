"""The errors Shortlist raises: one tree, one shape of message.

::

    ShortlistError
    ├── ArgumentError      an argument or option has a wrong value        (also a ValueError)
    ├── SchemaError        columns are missing, unknown or of a wrong type
    ├── DataError          a file or a table is missing, empty, corrupt or unreadable
    ├── NotFittedError     something is used before it was fitted
    ├── PipelineError      the stages of a pipeline do not fit together
    ├── BundleError        a bundle or index is missing, damaged or of another version
    ├── CheckpointError    a training checkpoint is damaged or belongs to another model
    ├── ExportError        an exported part does not agree with its model
    ├── ServerError        the server cannot start or cannot answer
    └── MissingExtraError  an optional dependency is not installed        (also an ImportError)

Every message names where it happened, what was received, what was expected, and the remedy.
"""

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = [
    "ArgumentError",
    "BundleError",
    "CheckpointError",
    "DataError",
    "ExportError",
    "MissingExtraError",
    "NotFittedError",
    "PipelineError",
    "SchemaError",
    "ServerError",
    "ShortlistError",
    "near",
]


class ShortlistError(Exception):
    """Root of every error that Shortlist raises on purpose.

    >>> print(ShortlistError("Take.k", received=-1, expected="an integer >= 1", remedy="pass k=10"))
    Take.k: expected an integer >= 1; received -1. Remedy: pass k=10.
    """

    def __init__(
        self, where: str, *, received: object = None, expected: str | None = None, remedy: str | None = None
    ) -> None:
        self.where = where
        self.received = received
        self.expected = expected
        self.remedy = remedy
        super().__init__(_message(where, received, expected, remedy))


class ArgumentError(ShortlistError, ValueError):
    """An argument or option has a wrong value."""


class SchemaError(ShortlistError):
    """Columns are missing, unknown or of a wrong type."""


class DataError(ShortlistError):
    """A file or a table is missing, empty, corrupt or unreadable."""


class NotFittedError(ShortlistError):
    """Something is used before it was fitted."""


class PipelineError(ShortlistError):
    """The stages of a pipeline do not fit together."""


class BundleError(ShortlistError):
    """A bundle or index is missing, damaged or of another version."""


class CheckpointError(ShortlistError):
    """A training checkpoint is damaged or belongs to another model."""


class ExportError(ShortlistError):
    """An exported part does not agree with the model it came from."""


class ServerError(ShortlistError):
    """The server cannot start or cannot answer."""


class MissingExtraError(ShortlistError, ImportError):
    """An optional dependency is not installed."""


def near(name: str, known: Iterable[str]) -> str:
    """Name the known names closest to a wrong one, as the end of a remedy.

    >>> near("user", ["user_id", "item_id"])
    "did you mean 'user_id'? known: 'item_id', 'user_id'"
    """
    names = sorted(set(known))
    shown = ", ".join(repr(known_name) for known_name in names[:20]) or "none"
    shown += f" and {len(names) - 20} more" if len(names) > 20 else ""
    close = get_close_matches(name, names, n=1, cutoff=0.5)
    return f"did you mean {close[0]!r}? known: {shown}" if close else f"known: {shown}"


def _message(where: str, received: object, expected: str | None, remedy: str | None) -> str:
    parts = [] if expected is None else [f"expected {expected}"]
    if received is not None:
        parts.append(
            f"received {received if isinstance(received, str) and ' ' in received else repr(received)}"
        )
    text = f"{where}: {'; '.join(parts)}." if parts else f"{where}."
    return text if remedy is None else f"{text} Remedy: {remedy}."
