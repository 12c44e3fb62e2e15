"""``shortlist embed``."""

import argparse
from pathlib import Path

from shortlist.cli._values import count

__all__ = ["ABOUT", "EXAMPLES", "HELP", "NAME", "add_options", "run"]

NAME = "embed"
HELP = "turn the texts of a table into vectors"
ABOUT = """Turn texts into vectors by a sentence-transformers model on disk, and write them with
their ids to Parquet: the id's column and "vector". Several text columns are read as one
text. With --cache, each distinct text is embedded once, also from run to run, a run
that was stopped goes on where it was, and a model that has no ONNX graph gets one there
(once, with the extra text-export).

Files are Parquet, CSV or Arrow; several files, globs and folders are read as one table,
of which the last row of each id is kept."""
EXAMPLES = """examples:
  shortlist embed items.parquet --id item_id --text title --text description \\
      --model models/all-MiniLM-L6-v2 --out vectors.parquet --cache cache
  shortlist embed 'items/*.csv' --id sku --text name --model models/e5-small \\
      --prefix 'passage: ' --out vectors.parquet"""
_ROWS = 100_000


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("table", nargs="+", metavar="FILE", help="the table: files, globs, folders")
    parser.add_argument("--id", required=True, metavar="NAME", help="column of ids")
    parser.add_argument(
        "--text", action="append", required=True, metavar="NAME", help="column of text; repeatable"
    )
    parser.add_argument("--model", type=Path, required=True, metavar="DIR", help="the model's folder")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="where the vectors go")
    parser.add_argument("--force", action="store_true", help="replace what stands at --out")
    parser.add_argument("--cache", type=Path, metavar="DIR", help="keep vectors, and the model's graph, here")
    model = parser.add_argument_group("in place of what the model's folder says")
    model.add_argument("--pooling", metavar="NAME", help="mean, cls, max, lasttoken ...")
    model.add_argument("--max-length", type=count, metavar="N", help="tokens read of a text")
    model.add_argument("--prefix", metavar="TEXT", help="put before every text")
    scaled = "whether vectors are scaled to length 1"
    model.add_argument("--normalize", action=argparse.BooleanOptionalAction, default=None, help=scaled)
    shown = parser.add_argument_group("running")
    shown.add_argument("--threads", type=count, metavar="N", help="threads (one a core)")
    shown.add_argument("--quiet", action="store_true", help="do not tell what goes on")


def run(options: argparse.Namespace) -> None:
    """Carry the command out."""
    from shortlist.cli._show import progress
    from shortlist.errors import DataError
    from shortlist.features import ops, write_vectors
    from shortlist.io import scan

    if options.out.exists() and not options.force:
        raise DataError(
            str(options.out), received="a file that stands there", expected="nothing", remedy="pass --force"
        )
    model = _served(options.model, options.cache)
    tell = progress(quiet=options.quiet, beside=True)
    source = options.table if len(options.table) > 1 else options.table[0]
    rows = scan(source, roles={"item": options.id}, name=str(source), partition_rows=_ROWS)
    tell(str(rows.report))
    embed = ops.TextEmbed(
        model,
        pooling=options.pooling,
        normalize=options.normalize,
        max_length=options.max_length,
        prefix=options.prefix,
        cache=options.cache,
        threads=options.threads,
    )
    shown = False if options.quiet else None
    done = write_vectors(rows, options.out, id_column=options.id, text=options.text, embed=embed, shown=shown)
    tell(f"Written: {options.out}, {done:,} vectors")


def _served(model: Path, cache: Path | None) -> Path:
    """The model's folder, or where a copy of it with a graph stands in the cache."""
    from shortlist.features.text import has_graph

    if cache is None or has_graph(model):
        return model
    from shortlist.extras import need

    need("torch", use="writing the ONNX graph of a text model")
    from shortlist.export import served_text_model

    return served_text_model(model, cache)
