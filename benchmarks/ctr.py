"""Do rankers reach the AUC of FuxiCTR's on the same rows, codes and layers?

    python benchmarks/ctr.py --peers PYTHON --movielens FOLDER  # an interpreter with fuxictr
    python benchmarks/ctr.py --small                               # few rows, Shortlist alone, writes nothing

Two sets: MovieLens 100k as clicks (a rating of 4 or 5), 80/10/10 at random by seed 2020, and rows in the
form of Criteo's, 13 numbers and 26 columns of codes by Zipf's law, whose log odds are products of planted
pairs. Shortlist trains as ``shortlist bench ctr`` does by itself; FuxiCTR by its own ``fit``, with the
same embeddings of 16, hidden layers, dropout and batches, and the better of two strengths of L2.
"""

import argparse
import json
import subprocess
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import polars as pl
import torch

from shortlist.recipes import CtrBench, CtrFiles, bench_ctr, read_ctr
from shortlist.recipes._bench_ctr import _encoded
from shortlist.rng import generator

MODELS = {"deepfm": "DeepFM", "dcnv2": "DCN-v2", "dlrm": "DLRM"}
PEER = Path(__file__).parent / "_rank" / "peer_auc.py"


def criteo_like(rows: int, seed: int = 0) -> pl.DataFrame:
    """Numbers, codes whose chance falls as 1 / rank, and clicks by planted products of pairs of columns."""
    rng, truth = generator(seed, "criteo rows"), generator(0, "criteo truth")
    sizes = np.exp(truth.uniform(np.log(10), np.log(3_000), 26)).astype(np.int64)
    codes = np.stack([np.exp(rng.random(rows) * np.log(size)).astype(np.int64) - 1 for size in sizes], 1)
    numbers = np.floor(rng.lognormal(1.0, 1.2, (rows, 13)))
    odds = -1.0 + 0.5 * (np.log1p(numbers[:, 0]) - np.log1p(numbers[:, 1]))
    for one, other in ((0, 1), (2, 3), (4, 9), (7, 12), (15, 20)):
        sides = [truth.normal(0, 1, (sizes[column], 3))[codes[:, column]] for column in (one, other)]
        odds += 0.5 * (sides[0] * sides[1]).sum(1)
    odds += sum(truth.normal(0, 0.3, sizes[column])[codes[:, column]] for column in range(26))
    columns: dict[str, Any] = {"label": (rng.random(rows) < 1 / (1 + np.exp(-odds))).astype(np.int8)}
    columns |= {f"I{at + 1}": numbers[:, at].astype(np.int64) for at in range(13)}
    columns |= {f"C{at + 1}": np.char.mod("%x", codes[:, at] * 2_654_435_761 % 2**32) for at in range(26)}
    return pl.DataFrame(columns)


def movielens(folder: Path) -> pl.DataFrame:
    """Ratings as clicks, dealt at random."""
    from shortlist.datasets import movielens_100k

    frame = (
        movielens_100k(folder)
        .collect()
        .select(
            *("user_id", "item_id", "age", "gender", "occupation", "release_year"),
            genres=pl.col("class").list.join("^"),
            label=(pl.col("rating") >= 4).cast(pl.Int8),
        )
    )
    return frame[np.random.default_rng(2020).permutation(frame.height)]


def files_of(frame: pl.DataFrame, folder: Path, categories: list[str]) -> CtrFiles:
    """Written 80/10/10 and read back, as the command reads files."""
    bounds = [int(frame.height * share) for share in (0, 0.8, 0.9, 1)]
    paths = [folder / f"{part}.parquet" for part in ("train", "valid", "test")]
    for path, low, high in zip(paths, bounds[:-1], bounds[1:], strict=True):
        frame[low:high].write_parquet(path)
    return read_ctr(*paths, label="label", categories=categories)


def peer(files: CtrFiles, options: argparse.Namespace, name: str, folder: Path) -> dict[str, Any]:
    """FuxiCTR on the rows as Shortlist encodes them."""
    use = CtrBench().settings(len(files.train))
    parts, schema = _encoded(files, use)
    inputs = [column for column in schema if not column.has("target")]
    lists = {column.name: column for column in inputs if column.is_list}
    longest = {name: parts["train"].collect()[name].list.len().max() for name in lists}
    for part, rows in parts.items():
        np.savez(folder / f"{part}.npz", **dict(arrays(rows.collect(), inputs, longest)))
    codes = {
        one.name: one.domain.size for one in inputs if one.domain is not None and one.domain.size is not None
    }
    asked = {
        "folder": str(folder),
        "name": name,
        "numbers": [column.name for column in inputs if column.name not in codes],
        "codes": {key: size for key, size in codes.items() if key not in lists},
        "lists": {key: [codes[key], int(longest[key])] for key in lists},
        "seeds": list(range(options.seeds)),
        "l2": [1e-5, 1e-3],
        "dim": use.dim,
        "hidden": list(use.hidden),
        "bottom": [64],
        "crosses": 3,
        "dropout": use.dropout,
        "batch": use.batch_size,
        "threads": torch.get_num_threads(),
    }
    command = [options.peers, str(PEER), json.dumps(asked)]
    found = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env={})
    (line,) = (line for line in found.stdout.splitlines() if line.startswith("{"))
    read: dict[str, Any] = json.loads(line)
    return read


def arrays(frame: pl.DataFrame, inputs: list[Any], longest: dict[str, int]) -> Iterator[tuple[str, Any]]:
    """Columns of the peer: numbers, codes, and lists filled with 0 and cut."""
    label = next(name for name in frame.columns if name == "label")
    yield "click", frame[label].cast(pl.Float32).to_numpy()
    for column in inputs:
        series = frame[column.name]
        if not column.is_list:
            yield column.name, series.to_numpy().astype(np.int64 if column.domain else np.float32)
            continue
        width = longest[column.name]
        filled = np.zeros((len(series), width), np.int64)
        for row, values in enumerate(series.to_list()):
            filled[row, : len(values[:width])] = values[:width]
        yield column.name, filled


def report(options: argparse.Namespace) -> Iterator[str]:
    """The page, part by part as it is measured."""
    sets: dict[str, tuple[pl.DataFrame, list[str]]] = {}
    if options.movielens is not None:
        sets["MovieLens 100k, at random"] = (movielens(options.movielens), ["age", "release_year"])
    sets["planted pairs in the form of Criteo's"] = (
        criteo_like(3_000 if options.small else options.rows),
        [],
    )
    yield from ("# AUC of rankers beside FuxiCTR's", "")
    made = f"{date.today().isoformat()}, torch {torch.__version__}"
    yield f"`python benchmarks/ctr.py --seeds {options.seeds}`, {made}"
    for title, (frame, categories) in sets.items():
        yield from ("", f"## {title}", "", f"{frame.height:,} rows, 80/10/10; {options.seeds} seeds", "")
        yield from ("| model | shortlist | FuxiCTR | its L2 | shortlist, s |", "|---|---|---|---|---|")
        with TemporaryDirectory() as place:
            folder = Path(place)
            files = files_of(frame, folder, categories)
            for name in options.models:
                found = bench_ctr(files, CtrBench(models=(name,), seeds=options.seeds))
                ours = [run["auc"] for run in found.runs[name]]
                theirs = (
                    peer(files, options, MODELS[name], folder) if options.peers else {"test": [], "l2": ""}
                )
                cells = [
                    said(ours),
                    said(theirs["test"]),
                    f"{theirs['l2']}",
                    f"{found.mean(name, 'seconds'):.0f}",
                ]
                yield f"| {MODELS[name]} | {' | '.join(cells)} |"


def said(values: list[float]) -> str:
    """Mean and deviation."""
    if len(values) < 2:
        return "".join(f"{value:.4f}" for value in values)
    return f"{np.mean(values):.4f} ± {np.std(values, ddof=1):.4f}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--movielens", type=Path, help="folder with ml-100k.inter, .user and .item")
    parser.add_argument("--peers", help="an interpreter with fuxictr")
    parser.add_argument("--models", nargs="*", choices=list(MODELS), default=list(MODELS))
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--small", action="store_true")
    options = parser.parse_args()
    told = []
    for line in report(options):
        print(line, flush=True)
        told.append(line)
        if not options.small:  # as far as it has come
            path = Path(__file__).parent / "results" / f"ctr_{date.today().isoformat()}.md"
            path.write_text("\n".join(told) + "\n")


if __name__ == "__main__":
    main()
