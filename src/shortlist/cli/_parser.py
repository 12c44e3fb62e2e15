"""All commands and their options."""

import argparse
from collections.abc import Sequence
from typing import NoReturn

from shortlist import __version__
from shortlist.cli import (
    _bench,
    _demo,
    _embed,
    _evaluate,
    _fit,
    _forget,
    _inspect,
    _join_log,
    _load_store,
    _monitor,
    _profile,
    _publish,
    _rebuild_index,
    _recommend,
    _roll_back,
    _serve,
)
from shortlist.errors import ArgumentError, near

__all__ = ["parsed"]

_ABOUT = "From an event log to a served recommender: train, measure, look inside, and answer over HTTP."
_FIRST_STEPS = """first steps:
  shortlist demo                                       see the whole of it on real data, in minutes
  shortlist profile log.csv                            see what your own log holds
  shortlist fit --events log.csv --out my-bundle       train on your own log
  shortlist recommend my-bundle --users u1 u2          ask the result
  shortlist serve my-bundle                            answer over HTTP

Exit codes: 0 done, 1 unexpected failure, 2 something to mend (the message says what),
3 drift was found (monitor --fail-on-drift), 130 interrupted.
SHORTLIST_DEBUG=1 shows the traceback of an error."""
_COMMANDS = (
    _demo,
    _profile,
    _fit,
    _evaluate,
    _recommend,
    _serve,
    _monitor,
    _publish,
    _roll_back,
    _rebuild_index,
    _load_store,
    _join_log,
    _forget,
    _inspect,
    _embed,
    _bench,
)


class _Parser(argparse.ArgumentParser):
    """Errors in the words of the library."""

    def error(self, message: str) -> NoReturn:
        raise ArgumentError(self.prog, received=message, remedy=f"see {self.prog} --help")


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """The options of the command that was asked for; ``run`` carries it out.

    Raises:
        ArgumentError: a command or option is unknown, or its value cannot be read.
        SystemExit: help or the version was asked for, and has been printed.
    """
    layout = argparse.RawDescriptionHelpFormatter
    parser = _Parser("shortlist", description=_ABOUT, epilog=_FIRST_STEPS, formatter_class=layout)
    parser.add_argument("--version", action="version", version=f"shortlist {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    options: dict[str, list[str]] = {}
    for command in _COMMANDS:
        one = commands.add_parser(
            command.NAME,
            help=command.HELP,
            description=command.ABOUT,
            epilog=command.EXAMPLES,
            formatter_class=layout,
            allow_abbrev=False,
        )
        command.add_options(one)
        one.set_defaults(run=command.run, command=command.NAME)
        options[command.NAME] = sorted(one._option_string_actions)
    return _checked(parser, arguments or ["--help"], options)


def _checked(
    parser: argparse.ArgumentParser, arguments: Sequence[str], options: dict[str, list[str]]
) -> argparse.Namespace:
    first = next((text for text in arguments if not text.startswith("-")), None)
    if first is not None and first not in options:
        raise ArgumentError("shortlist", received=first, expected="a command", remedy=near(first, options))
    chosen, unknown = parser.parse_known_args(arguments)
    if unknown:
        raise ArgumentError(
            f"shortlist {chosen.command}",
            received=unknown[0],
            expected="a known option",
            remedy=near(unknown[0], options[chosen.command]),
        )
    return chosen
