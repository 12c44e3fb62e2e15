"""``shortlist profile``."""

import argparse
from pathlib import Path

__all__ = ["ABOUT", "EXAMPLES", "HELP", "NAME", "add_options", "run"]

NAME = "profile"
HELP = "look into data: what they hold, what leaks, and a schema and workflow to begin with"
ABOUT = """Read a log of events, a table of items or users, or any other table, and say what is in it:
types, missing and distinct values, quantiles, the popularity and activity curves, the time
that is covered, repeats, columns that give away what is to be predicted, and a program that
fits a workflow on it. Memory stays bounded, however large the data are.

Files are Parquet, CSV or Arrow. Files of the same columns are read as one table, others by
themselves. Columns are found by their usual names; name them where that guess is wrong."""
EXAMPLES = """examples:
  shortlist profile log.csv
  shortlist profile 'logs/*.parquet' --html report.html
  shortlist profile answers.csv --target accepted --json
  shortlist profile log.csv --code > features.py"""
_ROLES = ("user", "item", "time", "event", "value")


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="files, globs, folders")
    columns = parser.add_argument_group("columns (by default found by their usual names)")
    for role in _ROLES:
        columns.add_argument(f"--{role}-col", metavar="NAME", help=f"the role {role!r}")
    columns.add_argument(
        "--target", action="append", metavar="NAME", help="a column to be predicted; repeatable"
    )
    shown = parser.add_argument_group("output")
    shown.add_argument("--html", type=Path, metavar="FILE", help="write the report as one HTML file as well")
    chosen = shown.add_mutually_exclusive_group()
    chosen.add_argument(
        "--json", action="store_true", help="print the report as JSON, a list with one entry a table"
    )
    chosen.add_argument("--code", action="store_true", help="print the proposed program only")


def run(options: argparse.Namespace) -> None:
    """Carry the command out."""
    from shortlist.cli._show import plain_json
    from shortlist.features.engine import Local
    from shortlist.io import tables_of
    from shortlist.profiling import profile, write_html

    given = {role: getattr(options, f"{role}_col") for role in _ROLES}
    roles = {role: name for role, name in given.items() if name is not None} or None
    engine = Local(progress=None)
    tables = tables_of(options.files)
    profiles = [profile(files, roles, targets=options.target, engine=engine) for files in tables]
    if options.html is not None:
        write_html(profiles, options.html)
    if options.json:
        print(plain_json([one.to_json() for one in profiles]))
        return
    rule = "\n\n" + "=" * 100 + "\n\n"
    print(rule.join((one.code.rstrip() if options.code else str(one)) for one in profiles))
    if options.html is not None and not options.code:
        print(f"\nWritten: {options.html}")
