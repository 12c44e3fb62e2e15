"""From arguments to an exit code."""

import os
import sys
from collections.abc import Sequence

from shortlist.cli._parser import parsed
from shortlist.errors import ShortlistError

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: those of the command line; None takes this process's.

    Returns:
        The exit code: 0 done, 1 an unexpected failure, 2 an error of the user's to mend, 3 drift was found,
        130 interrupted.
    """
    debug = os.environ.get("SHORTLIST_DEBUG", "") not in ("", "0")
    try:
        chosen = parsed(sys.argv[1:] if arguments is None else arguments)
        code: int | None = chosen.run(chosen)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of our output left, as `head` does: there is nobody to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if debug:
            raise
        return _told(error)
    return code or 0


def _told(error: Exception) -> int:
    if isinstance(error, ShortlistError):
        print(f"error: {error}", file=sys.stderr)
        return 2
    name = type(error).__name__
    print(f"unexpected error: {name}: {error}\nSHORTLIST_DEBUG=1 shows where it arose.", file=sys.stderr)
    return 1
