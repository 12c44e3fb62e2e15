"""``shortlist recommend``."""

import argparse
import sys
from pathlib import Path

from shortlist.cli._values import count
from shortlist.errors import ArgumentError, DataError

__all__ = ["ABOUT", "EXAMPLES", "HELP", "NAME", "add_options", "run"]

NAME = "recommend"
HELP = "ask a bundle for recommendations"
ABOUT = """Print what a bundle recommends to users, as of the end of its log. Unknown users, and
visitors of whom only --recent is known, are answered too."""
EXAMPLES = """examples:
  shortlist recommend my-bundle --users u1 u2 --k 5 --columns name price
  shortlist recommend my-bundle --recent i1 i2
  shortlist recommend my-bundle --users-file users.txt --csv > recommended.csv
  shortlist recommend my-bundle --all --out lists --k 20"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="folder of the bundle")
    parser.add_argument("--users", nargs="+", default=[], metavar="ID", help="user ids")
    parser.add_argument("--users-file", metavar="FILE", help="user ids, one a line; - reads standard input")
    parser.add_argument("--k", type=count, default=10, metavar="N", help="items for each (%(default)s)")
    parser.add_argument("--columns", nargs="+", default=[], metavar="NAME", help="item columns to print")
    parser.add_argument(
        "--recent", nargs="+", default=[], metavar="ID", help="items that each has just seen, oldest first"
    )
    parser.add_argument(
        "--where",
        action="append",
        default=[],
        metavar="RULE",
        help="only items for which this holds; repeatable",
    )
    parser.add_argument("--all", action="store_true", help="ask for every user of the bundle; needs --out")
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="write Parquet files there, whole or not at all"
    )
    parser.add_argument(
        "--block", type=count, default=1024, metavar="N", help="with --out, users at a time (%(default)s)"
    )
    parser.add_argument(
        "--exact", action="store_true", help="with --out, search approximate indexes by products, exactly"
    )
    parser.add_argument("--trace", action="store_true", help="tell on standard error what each stage did")
    shape = parser.add_mutually_exclusive_group()
    shape.add_argument("--json", action="store_true", help="print JSON, one object a recommendation")
    shape.add_argument("--csv", action="store_true", help="print CSV")


def run(options: argparse.Namespace) -> None:
    """Carry the command out."""
    from shortlist.cli._show import plain_json, table_of
    from shortlist.pipeline import load

    if options.out is not None or options.all:
        _write(options)
        return
    users = _users(options)
    pipe = load(options.bundle)
    recent = [options.recent] * len(users) if options.recent else None
    found = pipe.recommend(users, options.k, columns=options.columns, recent=recent, filters=options.where)
    if options.trace:
        from shortlist.data import Ragged, Requests

        shown = None if recent is None else Ragged.of(recent)
        _, trace = pipe.narrowed(options.where).run(Requests(users, options.k, recent=shown), trace=True)
        print(trace, file=sys.stderr)
    if options.json:
        print(plain_json(found.to_dicts()))
    elif options.csv:
        print(found.write_csv(), end="")
    else:
        print(table_of(found))


def _write(options: argparse.Namespace) -> None:
    """Recommendations for many users as a folder."""
    from shortlist.bundle import Reader
    from shortlist.pipeline import BatchOptions, load, recommend_all

    if options.out is None:
        raise ArgumentError("shortlist recommend", received="--all", expected="--out DIR beside it")
    odd = [name for name in ("recent", "trace", "json", "csv") if getattr(options, name)]
    if odd:
        raise ArgumentError("shortlist recommend", received=f"--out and --{odd[0]}", expected="one of them")
    if options.all and (options.users or options.users_file):
        raise ArgumentError("shortlist recommend", received="--all and users", expected="one of them")
    users = None if options.all else _users(options)
    version = Reader(options.bundle).open(verify=False).version
    written = recommend_all(
        load(options.bundle),
        options.out,
        options.k,
        users=users,
        columns=options.columns,
        filters=options.where,
        options=BatchOptions(block_users=options.block, version=version, exact=options.exact),
    )
    print(f"{options.out}: {written.count():,} recommendations")


def _users(options: argparse.Namespace) -> list[str | None]:
    users: list[str | None] = list(options.users)
    if options.users_file == "-":
        users += sys.stdin.read().split("\n")
    elif options.users_file is not None:
        try:
            users += Path(options.users_file).read_text(encoding="utf-8").split("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(
                options.users_file, received=str(error), expected="a text file with one user id a line"
            ) from error
    known = [user.strip() for user in users if user is not None and user.strip()]
    if known:
        return list(known)
    if options.recent:
        return [None]
    raise ArgumentError(
        "shortlist recommend", received="no users", expected="--users, --users-file or --recent"
    )
