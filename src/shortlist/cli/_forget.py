"""``shortlist forget``."""

import argparse
from pathlib import Path

from shortlist.errors import ArgumentError

__all__ = ["ABOUT", "EXAMPLES", "HELP", "NAME", "add_options", "run"]

NAME = "forget"
HELP = "delete a user from a bundle's store and from logs"
ABOUT = """Take a user out of a bundle's tables and events, its live events, and logs of answers and
events. Stop the server of the bundle first; start it on the bundle again after. What models
learned from the user stays until they are trained anew without the user's events."""
EXAMPLES = """examples:
  shortlist forget u1 --bundle my-bundle --logs answers events
  shortlist forget u1 --bundle my-bundle --store redis://127.0.0.1:6379/0
  shortlist forget u1 --logs answers"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("user", metavar="USER", help="user id")
    parser.add_argument("--bundle", type=Path, metavar="DIR", help="folder of the bundle")
    parser.add_argument(
        "--live", type=Path, metavar="DIR", help="its live events (BUNDLE.live, beside the bundle)"
    )
    parser.add_argument(
        "--store", metavar="URL", help="store that servers share, such as redis://127.0.0.1:6379/0"
    )
    parser.add_argument(
        "--logs", type=Path, nargs="+", default=[], metavar="DIR", help="folders of logged answers and events"
    )


def run(options: argparse.Namespace) -> None:
    """Carry the command out."""
    from shortlist.pipeline import forget_user

    if options.bundle is None and not options.logs:
        raise ArgumentError("shortlist forget", received="no place", expected="--bundle or --logs")
    places = {"bundle": options.bundle, "live": options.live, "logs": tuple(options.logs)}
    gone = forget_user(options.user, **places, store=options.store)
    events = f"{gone.store_events:,} events of the store, {gone.live_events:,} live events"
    print(f"forgot {options.user}: {events}, {gone.log_rows:,} rows of logs")
    if gone.version is not None:
        print(f"{options.bundle} is version {gone.version}")
