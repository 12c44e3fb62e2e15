"""``shortlist bench``."""

import argparse
from pathlib import Path

from shortlist.cli._bench_ctr import add_ctr_options, run_ctr
from shortlist.cli._values import count, positive

__all__ = ["ABOUT", "EXAMPLES", "HELP", "NAME", "add_options", "run"]

NAME = "bench"
HELP = "measure models on a file of sequences, or rankers on labelled rows"
ABOUT = """sequence: train models that tell what comes next on a file of lines "user item item item ...",
oldest first, and measure them on the last item of each user, ranked among all items, beside
popularity and item-kNN: recall@10 and NDCG@10. The last but one item stops training.

Training ends after 36 minutes at the latest, which the models share, or when each has had its
own (--minutes): 30,000 users, 20,000 items and 300,000 events end within 40 minutes whatever the
models. Larger data get more in proportion.

ctr: train rankers on a file of labelled rows, stop by a second, measure on a third: AUC, logloss,
normalised entropy, rows a second and seconds of each. What columns hold (numbers, categories, lists)
is guessed and told; settings suit the number of rows."""
EXAMPLES = """examples:
  shortlist bench sequence --small
  shortlist bench sequence --sequences log.txt
  shortlist bench sequence --sequences log.txt --models item-knn sasrec esasrec --seeds 3
  shortlist bench sequence --sequences log.txt --no-filter --users 5000 --epochs 20 --json
  shortlist bench ctr --small
  shortlist bench ctr --train train.csv --valid valid.csv --test test.csv --label click
  shortlist bench ctr --train a.parquet --valid b.parquet --test c.parquet --label label \\
      --models dcnv2 deepfm lightgbm --seeds 3 --csv figures.csv --html figures.html"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("kind", choices=("sequence", "ctr"), metavar="sequence|ctr", help="what is measured")
    parser.add_argument("--sequences", type=Path, metavar="FILE", help="lines of a user and its items")
    parser.add_argument(
        "--small", action="store_true", help="a small file that ships with the library, and few epochs"
    )
    names = "popular item-knn sasrec esasrec (these), gsasrec gru4rec bert4rec hstu"
    rankers = "lr fm dnn widedeep deepfm dcn dcnv2 dlrm xdeepfm autoint masknet finalmlp neumf din bst "
    rankers += "lightgbm xgboost"
    parser.add_argument("--models", nargs="+", metavar="NAME", help=f"{names}; ctr: {rankers} (all)")
    parser.add_argument(
        "--seeds", type=count, default=1, metavar="N", help="runs of each model (%(default)s)"
    )
    parser.add_argument(
        "--filter",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="leave items that a user had before out of lists (yes)",
    )
    parser.add_argument("--nofilter", dest="filter", action="store_false", help=argparse.SUPPRESS)
    parser.add_argument("--users", type=count, metavar="N", help="only the first N lines")
    parser.add_argument("--dim", type=count, metavar="N", help="width of the vectors (64)")
    parser.add_argument(
        "--dropout",
        type=float,
        metavar="SHARE",
        help="share set to zero in training (by the length of the sequences)",
    )
    parser.add_argument("--epochs", type=count, metavar="N", help="most epochs of a model (200)")
    parser.add_argument("--patience", type=count, metavar="N", help="epochs without progress (10)")
    parser.add_argument(
        "--minutes",
        type=positive,
        metavar="N",
        help="most minutes of training one model (its part of 36, more above 300,000 events)",
    )
    add_ctr_options(parser)
    parser.add_argument("--quiet", action="store_true", help="do not tell what goes on")
    parser.add_argument("--json", action="store_true", help="print the results as JSON")


def run(options: argparse.Namespace) -> None:
    """Carry the command out."""
    if options.kind == "ctr":
        run_ctr(options)
        return
    from shortlist import recipes
    from shortlist.cli._show import plain_json, progress
    from shortlist.errors import ArgumentError

    if (options.sequences is None) is not options.small:
        raise ArgumentError(
            "shortlist bench sequence",
            received="--small and --sequences" if options.small else "no file",
            expected="--sequences FILE, or --small for one that ships with the library",
        )
    given = {
        name: getattr(options, name)
        for name in ("users", "dim", "dropout", "epochs", "patience", "minutes")
        if getattr(options, name) is not None
    }
    if options.small:
        given = {"epochs": 15, **given}
    if options.models is not None:
        given["models"] = tuple(options.models)
    figures = recipes.bench_sequence(
        recipes.SMALL_SEQUENCES if options.small else options.sequences,
        recipes.SequenceBench(seeds=options.seeds, filter_seen=options.filter, **given),
        log=progress(quiet=options.quiet, beside=True),
    )
    print(plain_json(figures.to_json()) if options.json else figures)
