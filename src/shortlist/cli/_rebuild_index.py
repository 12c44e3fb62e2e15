"""``shortlist rebuild-index``."""

import argparse
from pathlib import Path

from shortlist.cli._values import count

__all__ = ["ABOUT", "EXAMPLES", "HELP", "NAME", "add_options", "run"]

NAME = "rebuild-index"
HELP = "build the index of a served bundle again, with the items that came and went"
ABOUT = """Read the items that were added, changed and taken out while a bundle was served, encode every item
again and build a fresh index, beside the running server. A shelf gets a new version, which the server takes
up without a failed request and `shortlist roll-back` goes back from; a plain bundle is replaced in one step.
Run it every night: edits are scanned beside the index until then. Models stay as they are."""
EXAMPLES = """examples:
  shortlist rebuild-index shop
  shortlist rebuild-index shop --live /var/lib/shop.live
  shortlist roll-back shop"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument(
        "bundle", type=Path, metavar="BUNDLE", help="folder of the bundle or shelf of versions"
    )
    parser.add_argument(
        "--live", type=Path, metavar="DIR", help="what the server was given (BUNDLE.live, beside the bundle)"
    )
    parser.add_argument(
        "--keep", type=count, default=5, metavar="N", help="versions that stay on the shelf (%(default)s)"
    )


def run(options: argparse.Namespace) -> None:
    """Carry the command out."""
    from shortlist.pipeline import rebuild_items

    made = rebuild_items(options.bundle, live=options.live, keep=options.keep)
    print(
        f"{made.folder}: version {made.version} of {made.items:,} items, "
        f"{made.upserted:,} added or changed and {made.deleted:,} taken out while serving"
    )
