"""``shortlist join-log``."""

import argparse
from pathlib import Path
from typing import Any

from shortlist.cli._values import span

__all__ = ["ABOUT", "EXAMPLES", "HELP", "NAME", "add_options", "run"]

NAME = "join-log"
HELP = "join logged answers with what people took"
ABOUT = """Write one row for each item that was shown: request, user, item, time, position, score,
propensity, source, bundle, and whether it was taken. The rows train a ranker and judge
other policies; sl.read_parquet reads them. An event that carries a request id counts for
that answer, another one for the last answer that showed the user the item."""
EXAMPLES = """examples:
  shortlist serve my-bundle --log-answers answers --log-events events
  shortlist join-log answers events shown
  shortlist join-log answers purchases.csv shown --window 7d --like my-bundle"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("answers", type=Path, metavar="ANSWERS", help="folder of serve --log-answers")
    parser.add_argument(
        "events",
        type=Path,
        metavar="EVENTS",
        help="folder of serve --log-events, or a Parquet or CSV file with user, item, time",
    )
    parser.add_argument("out", type=Path, metavar="OUT", help="folder to write")
    parser.add_argument(
        "--window",
        type=span,
        default="1d",
        metavar="SPAN",
        help="how long after an answer an event without a request id counts (%(default)s)",
    )
    parser.add_argument(
        "--like",
        type=Path,
        metavar="BUNDLE",
        help="call and type user and item as this bundle does, to train on the rows",
    )


def run(options: argparse.Namespace) -> None:
    """Carry the command out."""
    import polars as pl

    from shortlist.pipeline import join_log

    like = None if options.like is None else _ids_of(options.like)
    rows = join_log(options.answers, options.events, options.out, window=options.window, like=like).frame()
    shown, taken = rows.select(pl.len(), pl.col("label").cast(pl.Int64).sum()).collect().row(0)
    print(f"{options.out}: {shown:,} items shown, {taken:,} of them taken")


def _ids_of(bundle: Path) -> Any:
    from shortlist.pipeline import load
    from shortlist.schema import Schema

    store = load(bundle).state.store
    return Schema([store.user_schema.user, store.item_schema.item])
