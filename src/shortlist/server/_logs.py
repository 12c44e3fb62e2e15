"""The log of the server as lines for people or for machines."""

import json
import logging
from datetime import UTC, datetime
from typing import Literal, get_args

from shortlist.errors import ArgumentError

__all__ = ["LogFormat", "log_to_stderr"]

LogFormat = Literal["text", "json"]


def log_to_stderr(form: LogFormat = "text") -> None:
    """Send the log to the standard error, a line an entry.

    Args:
        form: ``"text"``, or ``"json"``: an object with time, level, logger, message and further facts.

    Raises:
        ArgumentError: the form is unknown.
    """
    if form not in get_args(LogFormat):
        raise ArgumentError("log_to_stderr", received=form, expected="'text' or 'json'")
    handler = logging.StreamHandler()
    handler.setFormatter(_Json() if form == "json" else _Text("%(asctime)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        facts = getattr(record, "facts", {})
        return " ".join([super().format(record), *(f"{name}={value}" for name, value in facts.items())])


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, default=str)
