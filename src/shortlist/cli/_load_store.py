"""``shortlist load-store``."""

import argparse
from pathlib import Path

__all__ = ["ABOUT", "EXAMPLES", "HELP", "NAME", "add_options", "run"]

NAME = "load-store"
HELP = "write what a bundle knows of users into a store that servers share"
ABOUT = """Write the users of a bundle, their events and, with items=true in the address, the columns of
its items into Redis, for `shortlist serve BUNDLE --store URL`. Do it once for each version of a bundle,
before that version is served. Events that servers appended meanwhile stay. Doing it again changes nothing."""
EXAMPLES = """examples:
  shortlist load-store my-bundle redis://127.0.0.1:6379/0
  shortlist serve my-bundle --store redis://127.0.0.1:6379/0
  shortlist load-store shop "redis://127.0.0.1:6379/0?namespace=shop&items=true" """


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="a bundle, or a shelf of its versions")
    parser.add_argument("url", metavar="URL", help="address of the store")


def run(options: argparse.Namespace) -> None:
    """Carry the command out."""
    from shortlist.pipeline import load_store

    filled = load_store(options.bundle, options.url)
    written = f"{filled.users:,} users, {filled.items:,} items, {filled.events:,} events"
    print(f"{options.url}: {written}")
