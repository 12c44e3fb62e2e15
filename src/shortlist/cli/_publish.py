"""``shortlist publish``."""

import argparse
from pathlib import Path

from shortlist.cli._values import count

__all__ = ["ABOUT", "EXAMPLES", "HELP", "NAME", "add_options", "run"]

NAME = "publish"
HELP = "put a bundle on a shelf as its current version"
ABOUT = """Copy a bundle onto a shelf, a folder of versions, and make it the current one. The bundle is
checked, copied whole, and becomes current in one step. A running `shortlist serve SHELF` swaps it in
without a failed request; whatever reads a bundle reads the current version of a shelf."""
EXAMPLES = """examples:
  shortlist publish my-bundle shop
  shortlist serve shop
  shortlist roll-back shop"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="folder of the bundle")
    parser.add_argument("shelf", type=Path, metavar="SHELF", help="folder of the versions, made if missing")
    parser.add_argument(
        "--keep", type=count, default=5, metavar="N", help="versions that stay on the shelf (%(default)s)"
    )


def run(options: argparse.Namespace) -> None:
    """Carry the command out."""
    from shortlist.bundle import Reader
    from shortlist.io import publish

    bundle = Reader(options.bundle).open()
    place = publish(bundle.folder, options.shelf, keep=options.keep)
    print(f"{place} is current: version {bundle.version} of {options.bundle}")
