"""``shortlist evaluate``."""

import argparse
from pathlib import Path

from shortlist.cli._values import day

__all__ = ["ABOUT", "EXAMPLES", "HELP", "NAME", "add_options", "run"]

NAME = "evaluate"
HELP = "measure a bundle on events that came after it"
ABOUT = """Ask the bundle for recommendations for the users of some later events and measure how much
of what they then took was in the lists, over the full catalogue, beside the baselines. The
protocol is printed with the numbers."""
EXAMPLES = """examples:
  shortlist evaluate my-bundle --events next-month.csv
  shortlist evaluate my-bundle --events log.csv --since 2026-01-01 --seen drop --json
  shortlist evaluate my-bundle --events next-month.csv --html report.html --by country weekday"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="folder of the bundle")
    parser.add_argument("--events", nargs="+", required=True, metavar="FILE", help="files, globs, folders")
    parser.add_argument(
        "--since",
        type=day,
        metavar="DATE",
        help="measure on events from here on (the end of the bundle's log)",
    )
    parser.add_argument(
        "--seen",
        choices=("served", "keep", "drop"),
        default="served",
        help="items a user had before: treated as the bundle serves them, kept, or dropped (%(default)s)",
    )
    parser.add_argument("--json", action="store_true", help="print the results as JSON")
    parser.add_argument(
        "--html",
        type=Path,
        metavar="PATH",
        help="write a page too: curves, popularity, slices, users by name",
    )
    parser.add_argument(
        "--by",
        nargs="+",
        default=[],
        metavar="COLUMN",
        help="slice by columns of users or items, by weekday or by hour",
    )


def run(options: argparse.Namespace) -> None:
    """Carry the command out."""
    from shortlist import recipes
    from shortlist.cli._show import plain_json

    evaluation = recipes.evaluate_bundle(
        options.bundle,
        options.events if len(options.events) > 1 else options.events[0],
        since=options.since,
        seen="as served" if options.seen == "served" else options.seen,
    )
    if options.html is not None:
        evaluation.report(options.html, title=f"{options.bundle.name}, evaluated", by=options.by)
    if options.json:
        print(plain_json(evaluation.to_json()))
        return
    print(evaluation)
    for table in (evaluation.sliced(), *(evaluation.sliced(by=column) for column in options.by)):
        print(f"\n{table}")
    if options.html is not None:
        print(f"\nwritten: {options.html}")
