"""``shortlist demo``."""

import argparse
from pathlib import Path

__all__ = ["ABOUT", "EXAMPLES", "HELP", "NAME", "add_options", "run"]

NAME = "demo"
HELP = "the whole of it on a real event log: train, measure, recommend, serve"
ABOUT = """Turn a real log of purchases, which comes with the library, into a trained two-stage
recommender: read and clean it, train, measure it beside the baselines, show what is
recommended to five customers, start the server and ask it over HTTP. It takes a few minutes
on two cores."""
EXAMPLES = """examples:
  shortlist demo
  shortlist demo --out my-demo --keep-serving"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument(
        "--out", type=Path, default=Path("demo-output"), metavar="DIR", help="where results go (%(default)s)"
    )
    parser.add_argument(
        "--keep-serving", action="store_true", help="leave the server running until interrupted"
    )


def run(options: argparse.Namespace) -> None:
    """Carry the command out."""
    from shortlist import recipes
    from shortlist.cli._show import progress

    recipes.demo(options.out, log=progress(quiet=False, beside=False), serve=options.keep_serving)
