"""``shortlist roll-back``."""

import argparse
from pathlib import Path

__all__ = ["ABOUT", "EXAMPLES", "HELP", "NAME", "add_options", "run"]

NAME = "roll-back"
HELP = "make an earlier version of a shelf current again"
ABOUT = """Make the version before the current one current again, or the one named. A running
`shortlist serve SHELF` swaps it in. Nothing is removed; the versions of the shelf are listed."""
EXAMPLES = """examples:
  shortlist roll-back shop
  shortlist roll-back shop --to 000003"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("shelf", type=Path, metavar="SHELF", help="folder of the versions")
    parser.add_argument("--to", metavar="VERSION", help="the version to go to; the one before by default")


def run(options: argparse.Namespace) -> None:
    """Carry the command out."""
    from shortlist.io import roll_back, shelf_of, use

    if options.to is None:
        roll_back(options.shelf)
    else:
        use(options.shelf, options.to)
    shelf = shelf_of(options.shelf)
    for version in shelf.versions:
        mark = "current" if version.name == shelf.current else ""
        print(f"{version.name}  {version.published}  {mark}".rstrip())
