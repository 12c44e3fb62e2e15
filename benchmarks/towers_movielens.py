"""What features, a history and row weights add to towers of ids, on MovieLens 100k.

    python benchmarks/towers_movielens.py FOLDER [VARIANT ...]
    python benchmarks/towers_movielens.py --small    # an epoch on files of the same form, made by a seed

FOLDER holds ml-100k.inter, ml-100k.user and ml-100k.item. Each user's ratings are dealt out at random 8:1:1,
seeds 2020 to 2022; full catalogue, one query a user, training and validation items filtered; movies that only
the test holds count as misses. Models learn from the training part; the validation part chooses the epoch.

As the split ignores time, so does the history: in training the user's other training items (30 of them at
random where there are more), in validation and test all training items. Genres, year, occupation, sex and age
are the features. Weighted rows weigh ``1 / sqrt(the user's rows)``, since every user is one query of the test
however active.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np
import polars as pl
import torch

import shortlist as sl
from shortlist import losses, metrics, ops, tags
from shortlist.loader import Table
from shortlist.rng import generator

SEEDS = (2020, 2021, 2022)
LONGEST = 30
IDS = ("user_id", "item_id")
FEATURES = ("gender", "occupation", "age", "release_year", "class")


@dataclass(frozen=True)
class Variant:
    """Columns that the towers read, and how they are trained."""

    columns: tuple[str, ...]
    make: Callable[[sl.Schema, int], Any]
    objective: Any
    lr: float = 3e-3
    optimization: sl.Optimization = field(default_factory=sl.Optimization)
    patience: int = 6


def towers(dim: int) -> Callable[[sl.Schema, int], Any]:
    return lambda schema, seed: sl.TwoTower(schema, dim=dim, seed=seed)


SOFTMAX = sl.SampledSoftmax(temperature=0.2)
MEAN = sl.Optimization(ema=0.994)
VARIANTS = {
    "features and history": Variant((*IDS, *FEATURES, "history", "weight"), towers(128), SOFTMAX, 3e-3, MEAN),
    "ids alone": Variant(IDS, towers(64), SOFTMAX),
    "BPR-MF": Variant(
        IDS,
        lambda schema, seed: sl.MF(schema, factors=64, seed=seed),
        sl.Contrast(losses.bpr, sl.Uniform(256)),
        5e-3,
        sl.Optimization(l2=1e-5),
    ),
    "ids, weighted, averaged": Variant((*IDS, "weight"), towers(128), SOFTMAX, 3e-3, MEAN),
    "features": Variant((*IDS, *FEATURES, "weight"), towers(128), SOFTMAX, 3e-3, MEAN),
    "history": Variant((*IDS, "history", "weight"), towers(128), SOFTMAX, 3e-3, MEAN),
}


@dataclass(frozen=True)
class Deal:
    """Encoded rows of one deal; a list ``history`` and a weight beside what the workflow makes."""

    seed: int
    schema: sl.Schema
    train: pl.DataFrame
    valid: pl.DataFrame
    test: pl.DataFrame


def deal(ratings: sl.Dataset, seed: int) -> Deal:
    parts = sl.split.by_user_random(ratings, seed=seed)
    flow = sl.Workflow(
        [
            tags.any("id") >> ops.Categorify(),
            ["gender", "occupation", "class"] >> ops.Categorify(),
            "release_year" >> ops.Categorify(min_count=5),
            "age" >> ops.FillMissing(0.0) >> ops.Normalize(),
        ]
    ).fit(parts.train)
    train, valid, test = (flow.transform(part).collect() for part in (parts.train, parts.valid, parts.test))
    taken = train.group_by("user_id", maintain_order=True).agg("item_id")
    lists = {user: np.array(items) for user, items in taken.iter_rows()}
    rng = generator(seed, "histories")
    schema = flow.schema.merge(
        [
            sl.Column(
                "history", "int64", ("user", "sequence"), sl.Shape("list"), flow.schema["item_id"].domain
            ),
            sl.Column("weight", "float32", ("weight",)),
        ]
    )
    return Deal(
        seed,
        schema,
        with_history(train, lists, lambda items, item: some(items[items != item], rng)),
        with_history(valid, lists, lambda items, _: items),
        with_history(test, lists, lambda items, _: items),
    )


def some(items: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return items if len(items) <= LONGEST else rng.choice(items, LONGEST, replace=False)


def with_history(rows: pl.DataFrame, lists: dict, choose: Callable) -> pl.DataFrame:
    pairs = rows.select("user_id", "item_id").iter_rows()
    nothing = np.empty(0, np.int64)
    made = [choose(lists.get(user, nothing), item).tolist() for user, item in pairs]
    weight = pl.len().over("user_id").cast(pl.Float32) ** -0.5
    return rows.with_columns(
        pl.Series("history", made, dtype=pl.List(pl.Int64)), weight=weight.cast(pl.Float32)
    )


def run(one: Deal, variant: Variant, epochs: int = 60) -> tuple[float, int]:
    """NDCG@10 on the test, and the epoch that the validation chose."""
    schema = one.schema.select(variant.columns)
    model = variant.make(schema, one.seed)
    options = sl.FitOptions(
        epochs=epochs,
        batch_size=1024,
        lr=variant.lr,
        patience=variant.patience,
        seed=one.seed,
        optimization=variant.optimization,
        progress=False,
    )
    train, valid = (sl.Dataset.of(part.select(schema.names), schema) for part in (one.train, one.valid))
    report = sl.fit(model, train, variant.objective, valid, options)
    return ndcg(one, model), report.best


@torch.no_grad()
def ndcg(one: Deal, model: Any) -> float:
    """Mean over the users with a test item."""
    model.eval()
    known = pl.concat([one.train, one.valid])
    items = known.filter(pl.col("item_id") > 2).unique("item_id", keep="first").sort("item_id")
    users = one.test.unique("user_id", keep="first").sort("user_id")
    queries = model.encode_query(Table.of(users, model.query_schema).batch())
    scores = (queries @ model.encode_item(Table.of(items, model.item_schema).batch()).T).numpy()
    row_of = {user: row for row, user in enumerate(users["user_id"])}
    place_of = {item: place for place, item in enumerate(items["item_id"])}
    for user, item in known.select("user_id", "item_id").iter_rows():
        if user in row_of and item in place_of:
            scores[row_of[user], place_of[item]] = -np.inf
    # Items that nobody took in training cannot be found: places past the end of the catalogue.
    pairs = one.test.select("user_id", "item_id").iter_rows()
    truth = np.array(
        sorted((row_of[user], place_of.get(item, len(items) + n)) for n, (user, item) in enumerate(pairs))
    )
    offsets = np.searchsorted(truth[:, 0], np.arange(len(users) + 1))
    best = np.argsort(-scores, axis=1, kind="stable")[:, :10]
    return float(metrics.ndcg(metrics.hits(best, offsets, truth[:, 1]), np.diff(offsets), 10).mean())


def make_files(folder: Path) -> None:
    """Files of the form of MovieLens 100k: 60 users, 80 movies, 2,000 ratings."""
    rng = generator(0, "files")
    pairs = rng.permutation(60 * 80)[:2_000]
    rows = [
        f"{pair // 80 + 1}\t{pair % 80 + 1}\t{rng.integers(1, 6)}\t{880_000_000 + pair}" for pair in pairs
    ]
    users = [f"{user}\t{20 + user % 40}\t{'MF'[user % 2]}\tjob {user % 5}\t{user}" for user in range(1, 61)]
    items = [f"{item}\ttitle\t{1950 + item % 9}\tDrama War" for item in range(1, 81)]
    heads = {
        "inter": ("user_id:token\titem_id:token\trating:float\ttimestamp:float", rows),
        "user": ("user_id:token\tage:token\tgender:token\toccupation:token\tzip_code:token", users),
        "item": ("item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq", items),
    }
    for kind, (head, lines) in heads.items():
        (folder / f"ml-100k.{kind}").write_text("\n".join([head, *lines]) + "\n")


def main() -> None:
    small = "--small" in sys.argv
    with TemporaryDirectory() as made:
        if small:
            make_files(Path(made))
        ratings = sl.datasets.movielens_100k(made if small else sys.argv[1])
        deals = [deal(ratings, seed) for seed in SEEDS[: 1 if small else None]]
    for name in (() if small else sys.argv[2:]) or VARIANTS:
        started, found = perf_counter(), []
        for one in deals:
            value, epoch = run(one, VARIANTS[name], 1 if small else 60)
            found.append(value)
            print(f"{name}, seed {one.seed}: NDCG@10 {value:.4f}, epoch {epoch}", flush=True)
        seconds = perf_counter() - started
        mean, deviation = np.mean(found), np.std(found, ddof=min(1, len(found) - 1))
        print(f"{name}: NDCG@10 {mean:.4f} +- {deviation:.4f}, {seconds:.0f} s", flush=True)


if __name__ == "__main__":
    main()
