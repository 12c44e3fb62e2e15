"""``shortlist fit``."""

import argparse
from pathlib import Path
from typing import Any

from shortlist.cli._values import count, pair, weighted

__all__ = ["ABOUT", "EXAMPLES", "HELP", "NAME", "add_options", "run"]

NAME = "fit"
HELP = "train on an event log and write a bundle"
ABOUT = """Turn an event log into a bundle: a folder that recommends and serves. The log is split by
time; a retrieval model and a ranker are trained, measured on the last days beside
popularity, repeats, item-kNN, EASE and iALS, and written with their index, tables and
metrics.

Files are Parquet, CSV or Arrow; several files, globs and folders are read as one log.
Columns are found by their usual names; name them where that guess is wrong. Item and user
tables are optional: without them they are what the log last said of each item and user."""
EXAMPLES = """examples:
  shortlist fit --events log.csv --out my-bundle
  shortlist fit --events 'logs/*.parquet' --items items.csv --out my-bundle --test 7d
  shortlist fit --events log.csv --user-col customer --event-col kind \\
      --positive purchase=1 --positive view=0.2 --negative dislike --cancel return=purchase --out my-bundle"""
_ROLES = ("user", "item", "time", "event", "value")
_RECIPE = ("test", "dim", "epochs", "history", "seed")


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    data = parser.add_argument_group("data")
    data.add_argument(
        "--events", nargs="+", required=True, metavar="FILE", help="the log: files, globs, folders"
    )
    data.add_argument("--items", metavar="FILE", help="one row an item")
    data.add_argument("--users", metavar="FILE", help="one row a user")
    data.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the bundle is written")
    data.add_argument("--force", action="store_true", help="replace what stands at --out")
    _columns(parser.add_argument_group("columns of the log (by default found by their usual names)"))
    _meaning(parser.add_argument_group("what events mean (by default each is a positive of weight 1)"))
    _training(parser.add_argument_group("training and measuring"))
    shown = parser.add_argument_group("output")
    shown.add_argument("--json", action="store_true", help="print the results as JSON")
    shown.add_argument("--quiet", action="store_true", help="do not tell what goes on")


def _columns(group: argparse._ArgumentGroup) -> None:
    about = {
        "user": "who",
        "item": "what",
        "time": "when",
        "event": "what kind of event",
        "value": "how much, such as a quantity or rating",
    }
    for role in _ROLES:
        group.add_argument(f"--{role}-col", metavar="NAME", help=about[role])


def _meaning(group: argparse._ArgumentGroup) -> None:
    wanted = "events of this type say that the item is wanted, this much; repeatable, others are left out"
    group.add_argument(
        "--positive", type=weighted, action="append", default=[], metavar="TYPE=WEIGHT", help=wanted
    )
    unwanted = "events of this type say that it is not wanted; repeatable"
    group.add_argument("--negative", action="append", default=[], metavar="TYPE", help=unwanted)
    back = "events of the first type take back the latest of the second; repeatable"
    group.add_argument(
        "--cancel", type=pair, action="append", default=[], metavar="RETURN=PURCHASE", help=back
    )


def _training(group: argparse._ArgumentGroup) -> None:
    test = "last part of the log, to measure on; the ranker learns from one twice as long before it (28d, or "
    test += "a sixth of a shorter log)"
    group.add_argument("--test", metavar="SPAN", help=test)
    group.add_argument("--epochs", type=count, metavar="N", help="most passes over the log (12)")
    group.add_argument("--dim", type=count, metavar="N", help="width of the vectors (64)")
    group.add_argument("--history", type=count, metavar="N", help="latest items of a user to look at (50)")
    group.add_argument("--seed", type=int, metavar="N", help="of everything random (0)")


def run(options: argparse.Namespace) -> None:
    """Carry the command out."""
    from shortlist import recipes
    from shortlist.cli._show import plain_json, progress

    fitted = recipes.fit(
        options.events if len(options.events) > 1 else options.events[0],
        items=options.items,
        users=options.users,
        out=options.out,
        options=recipes.FitRecipe(**_recipe(options)),
        log=progress(quiet=options.quiet, beside=options.json),
    )
    if options.json:
        print(plain_json(fitted.to_json()))
        return
    if options.quiet:
        for one in fitted.evaluations:
            print(f"{one}\n")
    print(f"Written: {fitted.bundle}\nNext:    shortlist inspect {fitted.bundle}")
    print(f"         shortlist serve {fitted.bundle}")


def _recipe(options: argparse.Namespace) -> dict[str, Any]:
    """The options that were given; the recipe knows the defaults of the others."""
    from shortlist.io import Signals

    given = {name: getattr(options, name) for name in _RECIPE if getattr(options, name) is not None}
    roles = {role: getattr(options, f"{role}_col") for role in _ROLES}
    named = {role: name for role, name in roles.items() if name is not None}
    if named:
        given["roles"] = named
    if options.positive or options.negative or options.cancel:
        given["signals"] = Signals(
            positives=dict(options.positive), negatives=tuple(options.negative), cancels=dict(options.cancel)
        )
    return {**given, "force": options.force}
