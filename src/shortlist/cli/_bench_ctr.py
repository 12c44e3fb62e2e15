"""``shortlist bench ctr``."""

import argparse
from pathlib import Path
from typing import Any

from shortlist.cli._values import count, positive

__all__ = ["add_ctr_options", "run_ctr"]

_OWN = ("hidden", "batch_size", "lr", "l2", "table_epochs", "min_count")
_SHARED = ("dim", "dropout", "epochs", "patience", "minutes")


def add_ctr_options(parser: argparse.ArgumentParser) -> None:
    """The options that only this kind has."""
    group = parser.add_argument_group("ctr")
    for name, about in (("train", "learn from"), ("valid", "stop by"), ("test", "measure")):
        group.add_argument(f"--{name}", type=Path, metavar="FILE", help=f"CSV or Parquet rows to {about}")
    group.add_argument("--label", metavar="COLUMN", help="the column of labels, 0 and 1")
    group.add_argument("--separator", default="^", metavar="SIGN", help="parts lists in text (%(default)s)")
    group.add_argument("--numbers", nargs="+", default=[], metavar="COLUMN", help="columns that hold numbers")
    group.add_argument(
        "--categories", nargs="+", default=[], metavar="COLUMN", help="columns that hold categories"
    )
    group.add_argument("--hidden", nargs="+", type=count, metavar="N", help="widths of hidden layers")
    group.add_argument("--batch-size", type=count, metavar="N", help="rows a step (4096; fewer for few rows)")
    group.add_argument("--lr", type=positive, metavar="N", help="step size (0.001)")
    group.add_argument("--l2", type=float, metavar="N", help="penalty of touched rows of tables")
    group.add_argument("--table-epochs", type=count, metavar="N", help="epochs that tables learn in (all)")
    group.add_argument("--min-count", type=count, metavar="N", help="rarer values are one unknown value")
    group.add_argument("--csv", type=Path, metavar="FILE", help="write every run's figures")
    group.add_argument("--html", type=Path, metavar="FILE", help="write the table as a page")


def run_ctr(options: argparse.Namespace) -> None:
    """Carry the command out."""
    from shortlist import recipes
    from shortlist.cli._show import plain_json, progress
    from shortlist.errors import ArgumentError

    paths = (options.train, options.valid, options.test)
    given = [path for path in (*paths, options.label) if path is not None]
    if len(given) != (0 if options.small else 4):
        raise ArgumentError(
            "shortlist bench ctr",
            received="--small and files" if options.small else "not all of --train, --valid, --test, --label",
            expected="--train F --valid F --test F --label C, or --small for a set that is here already",
        )
    chosen: dict[str, Any] = {
        name: getattr(options, name) for name in (*_OWN, *_SHARED) if getattr(options, name) is not None
    }
    if "hidden" in chosen:
        chosen["hidden"] = tuple(chosen["hidden"])
    if options.small:
        chosen = {"epochs": 8, "batch_size": 256, "patience": 1, **chosen}
    if options.models is not None:
        chosen["models"] = tuple(options.models)
    bench = recipes.CtrBench(seeds=options.seeds, **chosen)
    files = recipes.read_ctr(
        *(recipes.SMALL_CTR if options.small else paths),
        label="click" if options.small else options.label,
        separator=options.separator,
        numbers=options.numbers,
        categories=options.categories,
    )
    figures = recipes.bench_ctr(files, bench, log=progress(quiet=options.quiet, beside=True))
    if options.csv is not None:
        figures.write_csv(options.csv)
    if options.html is not None:
        figures.write_html(options.html)
    print(plain_json(figures.to_json()) if options.json else figures)
