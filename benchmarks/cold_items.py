"""Do towers rank items that nobody has taken yet, by their features alone, better than content-kNN does?

    python benchmarks/cold_items.py x-wines FOLDER
    python benchmarks/cold_items.py ifdb FOLDER
    python benchmarks/cold_items.py ifdb FOLDER --encoder FOLDER   # vectors of a sentence-transformers model
    python benchmarks/cold_items.py --small    # a small synthetic log

A fifth of the items is drawn by seed and held out of training as a whole, and another tenth to choose
settings on. Every user with training events and held-out items is one query. Both recommenders know the
user's training items and the features of all items, and go by features alone, of items old and new. They are
ranked twice: among the held-out items, and among all items with the user's training items filtered.

- ``x-wines``: FOLDER holds XWines_Slim_150K_ratings.csv and XWines_Slim_1K_wines.csv; features are the
  attributes of a wine.
- ``ifdb``: FOLDER holds playedgames.parquet and game_docs.parquet; the features are the words of a text that
  stand in three texts or more and in less than a third of them, by tf-idf. content-kNN compares them as they
  are. The towers read their first 256 singular directions, and in the query the mean of the user's other
  items: so they start as content-kNN, in fewer dimensions, and learn from there.
"""

import argparse
import ast
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import torch
from scipy.sparse import csr_array
from scipy.sparse.linalg import svds

import shortlist as sl
from shortlist import metrics, ops
from shortlist.loader import Table
from shortlist.rng import generator

SEEDS = (2020, 2021, 2022)
NEIGHBOURS = (10, 30, 100, 300, 10_000)
LONGEST = 50
WIDTH = 256
Matrix = np.ndarray


@dataclass(frozen=True)
class Data:
    """Events ``user, item, time``, a table of items, and ``features`` [items, F] of content-kNN."""

    events: pl.DataFrame
    items: pl.DataFrame
    features: Matrix
    branches: list
    roles: dict[str, tuple[str, ...]]
    epochs: int
    temperatures: tuple[float, float]
    dim: int = 64

    @property
    def objectives(self) -> dict[str, sl.SampledSoftmax]:
        """With the correction for how often an item is sampled, and without."""
        corrected, not_corrected = self.temperatures
        return {
            "two-tower": sl.SampledSoftmax(temperature=corrected),
            "two-tower, logq=False": sl.SampledSoftmax(temperature=not_corrected, logq=False),
        }


@dataclass(frozen=True)
class Split:
    """Item positions: ``warm`` trained on, ``cold`` asked for; events of users that have both."""

    warm: Matrix
    cold: Matrix
    train: pl.DataFrame
    truth: pl.DataFrame


def x_wines(folder: Path) -> Data:
    wines = pl.read_csv(folder / "XWines_Slim_1K_wines.csv")
    for name in ("Grapes", "Harmonize"):
        wines = wines.with_columns(pl.Series(name, [ast.literal_eval(cell) for cell in wines[name]]))
    one = ["Type", "Elaborate", "Body", "Acidity", "Country", "RegionName", "WineryName"]
    many = ["Grapes", "Harmonize"]
    items = wines.select(pl.col("WineID").alias("item"), *one, *many, "ABV")
    ratings = pl.read_csv(folder / "XWines_Slim_150K_ratings.csv", try_parse_dates=True)
    events = ratings.select(user="UserID", item="WineID", time=pl.col("Date").cast(pl.Datetime("us")))
    parts = [items.select("item", pl.col(name).alias("word")) for name in one]
    parts += [items.select("item", pl.col(name).alias("word")).explode("word") for name in many]
    words = pl.concat(
        [
            part.with_columns(pl.format("{} {}", pl.lit(str(place)), "word").alias("word"))
            for place, part in enumerate(parts)
        ]
    )
    branches = [[*one, *many] >> ops.Categorify(), "ABV" >> ops.FillMissing(0.0) >> ops.Normalize()]
    branches += [ops.History(name, max_length=LONGEST) >> ops.Categorify(like=name) for name in one]
    tags = dict.fromkeys((*one, *many), ("item", "categorical")) | {"ABV": ("item", "continuous")}
    return Data(
        events, items, tf_idf(items["item"], words), branches, tags, epochs=2, temperatures=(0.1, 0.2)
    )


def ifdb(folder: Path, encoder: Path | None = None) -> Data:
    games = pl.read_parquet(folder / "game_docs.parquet").select(item="gameid", text="doc_text")
    if encoder is None:
        features, vectors = words_of(games)
    else:
        features = vectors = ops.TextEmbed(encoder).embedder().embed(games["text"].to_list())
    width = vectors.shape[1]
    kind = pl.Array(pl.Float32, width)
    items = games.select("item", pl.Series("vector", vectors.astype(np.float32), dtype=kind))
    plays = pl.read_parquet(folder / "playedgames.parquet")
    events = plays.select(user="userid", item="gameid", time="date_added").join(games, on="item", how="semi")
    tags = {"vector": ("item", "embedding"), "profile": ("user", "embedding")}
    return Data(
        events, items, features, ["vector", "profile"], tags, epochs=3, temperatures=(0.1, 0.1), dim=width
    )


def words_of(games: pl.DataFrame) -> tuple[Matrix, Matrix]:
    """The tf-idf of words, and its first singular directions with rows of length 1."""
    split_up = (
        pl.col("text").str.to_lowercase().str.extract_all(r"[a-z0-9]+").list.unique(maintain_order=True)
    )
    words = games.select("item", word=split_up).explode("word")
    known = words.group_by("word").len().filter(pl.col("len").is_between(3, len(games) // 3))
    features = tf_idf(games["item"], words.join(known, on="word", how="semi"))
    left, size, _ = svds(csr_array(features), k=WIDTH, random_state=0)
    vectors = left * size
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    return features, vectors


def planted() -> Data:
    """A small log whose items have a category."""
    log = sl.datasets.planted(users=200, items=100, events=4_000, groups=5)
    items = log.items.collect().select(item="item_id", category="category")
    events = log.events.collect().select(user="user_id", item="item_id", time="time")
    features = tf_idf(items["item"], items.select("item", word="category"))
    tags = {"category": ("item", "categorical")}
    return Data(
        events, items, features, ["category" >> ops.Categorify()], tags, epochs=1, temperatures=(0.1, 0.2)
    )


def tf_idf(ids: pl.Series, words: pl.DataFrame) -> Matrix:
    """Rows of length 1 with ``log(items / items with the word)`` where the item has the word."""
    known = words.drop_nulls().unique()
    vocabulary = {word: place for place, word in enumerate(known["word"].unique().sort())}
    row_of = {name: row for row, name in enumerate(ids)}
    table = np.zeros((len(ids), len(vocabulary)), dtype=np.float32)
    table[[row_of[name] for name in known["item"]], [vocabulary[word] for word in known["word"]]] = 1.0
    table *= np.log(len(ids) / table.sum(0))
    return table / np.maximum(np.linalg.norm(table, axis=1, keepdims=True), 1e-9)


def split(data: Data, seed: int, *, choosing: bool) -> Split:
    """A fifth of the items is cold; with ``choosing`` another tenth, which is asked for in its place."""
    places = pl.DataFrame({"item": data.items["item"], "place": np.arange(len(data.items))})
    order = generator(seed, "cold items").permutation(len(places))
    fifth, tenth = len(order) // 5, len(order) // 10
    cold = order[fifth : fifth + tenth] if choosing else order[:fifth]
    warm = np.sort(order[fifth + tenth :] if choosing else order[fifth:])
    events = data.events.join(places, on="item").unique(["user", "item"], maintain_order=True)
    train = events.filter(pl.col("place").is_in(warm))
    truth = (
        events.filter(pl.col("place").is_in(cold)).join(train, on="user", how="semi").sort("user", "place")
    )
    return Split(warm, np.sort(cold), train, truth)


class Neighbours:
    """content-kNN: the likenesses of an item to the user's items, of its closest ones, added up."""

    def __init__(self, data: Data, one: Split, users: pl.Series) -> None:
        taken = np.zeros((len(users), len(data.items)), dtype=np.float32)
        row, kept = rows_of(users, one.train["user"])
        taken[row, one.train["place"].to_numpy()[kept]] = 1.0
        self.taken = taken[:, one.warm]
        dense = np.count_nonzero(data.features) > data.features.size / 10
        features = data.features if dense else csr_array(data.features)
        likeness = features @ features[one.warm].T
        self.likeness = likeness if dense else likeness.toarray()

    def scores(self, count: int) -> Matrix:
        """[users, items], by so many of each item's closest."""
        likeness = self.likeness
        if count < likeness.shape[1]:
            least = np.partition(likeness, -count, axis=1)[:, -count, None]
            likeness = np.where(likeness >= least, likeness, 0.0)
        return self.taken @ likeness.T


def rows_of(users: pl.Series, column: pl.Series) -> tuple[Matrix, Matrix]:
    """Row of each known user, and the places of these in the column."""
    row = {name: place for place, name in enumerate(users)}
    found = np.array([row.get(name, -1) for name in column])
    return found[found >= 0], np.flatnonzero(found >= 0)


def towers(data: Data, one: Split, users: pl.Series, seed: int, only: str = "") -> dict[str, Matrix]:
    """[users, items] of each objective: scores of towers that saw the warm items alone."""
    log = dataset(data, one.train, one.train)
    flow = sl.Workflow(
        [
            ["user", "item"] >> ops.Categorify(),
            ops.History("item", max_length=LONGEST) >> ops.Categorify(like="item"),
            *data.branches,
        ]
    ).fit(log)
    # One row a user, after all training events; the item of the row is read by nobody.
    ask = pl.DataFrame({"user": users, "item": data.items["item"][0]})
    ask = ask.with_columns(time=one.train["time"].max() + pl.duration(days=1), place=pl.lit(-1))
    rows = flow.transform(dataset(data, ask, one.train), log=log)
    catalogue = pl.DataFrame({"item": data.items["item"], "user": users[0], "time": one.train["time"].min()})
    things = flow.transform(dataset(data, catalogue.with_columns(place=pl.lit(-1)), one.train))
    encoded, found = flow.transform(log), {}
    for name, objective in data.objectives.items():
        if only not in ("", name):
            continue
        model = sl.TwoTower(
            flow.schema,
            dim=data.dim,
            query=sl.TowerOptions(id_dropout=0.2),
            item=sl.TowerOptions(id_dropout=1.0),
            seed=seed,
        )
        options = sl.FitOptions(epochs=data.epochs, batch_size=1024, seed=seed, progress=False)
        sl.fit(model, encoded, objective, options=options)
        model.eval()
        with torch.no_grad():
            queries = model.encode_query(table(rows, model.query_schema))
            found[name] = (queries @ model.encode_item(table(things, model.item_schema)).T).numpy()
    return found


def profiles(data: Data, train: pl.DataFrame, asked: pl.DataFrame) -> pl.Series:
    """Of each asked row's user, the mean vector of the training items but the row's own."""
    vectors = data.items["vector"].to_numpy()
    taken = {user: np.array(places) for user, places in train.group_by("user").agg("place").iter_rows()}
    sums = {user: vectors[places].sum(0) for user, places in taken.items()}
    made = np.zeros((len(asked), vectors.shape[1]), dtype=np.float32)
    for row, (user, place) in enumerate(asked.select("user", "place").iter_rows()):
        if user in taken:
            own = place >= 0
            made[row] = (sums[user] - (vectors[place] if own else 0)) / max(len(taken[user]) - own, 1)
    return pl.Series("profile", made, dtype=pl.Array(pl.Float32, vectors.shape[1]))


def dataset(data: Data, events: pl.DataFrame, train: pl.DataFrame) -> sl.Dataset:
    frame = events.select("user", "item", "time", "place")
    frame = frame.join(data.items, on="item", how="left", maintain_order="left")
    if "profile" in data.roles:
        frame = frame.with_columns(profiles(data, train, frame))
    log = sl.scan(frame.drop("place"), roles={"user": "user", "item": "item", "time": "time"})
    for name, tags in data.roles.items():
        log = log.tag(name, *tags)
    return log


def table(rows: sl.Dataset, schema: sl.Schema) -> sl.Batch:
    return Table.of(rows.collect(), schema).batch()


def ndcg(scores: Matrix, one: Split, users: pl.Series, allowed: Matrix) -> Matrix:
    """NDCG@10 of every user among the allowed items, without the user's training items."""
    scores = np.where(allowed, scores, -np.inf)
    row, kept = rows_of(users, one.train["user"])
    scores[row, one.train["place"].to_numpy()[kept]] = -np.inf
    best = np.argsort(-scores, axis=1, kind="stable")[:, :10]
    row, kept = rows_of(users, one.truth["user"])
    truth = one.truth["place"].to_numpy()[kept]
    order = np.lexsort((truth, row))
    offsets = np.searchsorted(row[order], np.arange(len(users) + 1))
    return metrics.ndcg(metrics.hits(best, offsets, truth[order]), np.diff(offsets), 10)


def run(data: Data, seed: int, only: str = "") -> dict[str, dict[str, Matrix]]:
    """Protocol -> recommender -> NDCG@10 by user."""
    trial = split(data, seed, choosing=True)
    people = trial.truth["user"].unique(maintain_order=True)
    inside = np.isin(np.arange(len(data.items)), trial.cold)
    knn = Neighbours(data, trial, people)
    by_count = {k: ndcg(knn.scores(k), trial, people, inside).mean() for k in NEIGHBOURS}
    count = max(by_count, key=by_count.get)
    one = split(data, seed, choosing=False)
    users = one.truth["user"].unique(maintain_order=True)
    found = {
        f"content-kNN, {count} neighbours": Neighbours(data, one, users).scores(count),
        **towers(data, one, users, seed, only),
    }
    cold, everything = np.isin(np.arange(len(data.items)), one.cold), np.ones(len(data.items), dtype=bool)
    return {
        f"among {allowed.sum():,} {what} items": {
            name: ndcg(scores, one, users, allowed) for name, scores in found.items()
        }
        for what, allowed in (("cold", cold), ("", everything))
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", choices=("x-wines", "ifdb", "planted"), nargs="?", default="planted")
    parser.add_argument("folder", type=Path, nargs="?", default=Path())
    parser.add_argument("--small", action="store_true", help="a small synthetic log, one seed")
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--encoder", type=Path, help="ifdb: a folder with an ONNX graph, docs/guide/text.md")
    parser.add_argument("--only", default="", metavar="NAME", help="one of the objectives; all else")
    options = parser.parse_args()
    readers = {
        "x-wines": lambda: x_wines(options.folder),
        "ifdb": lambda: ifdb(options.folder, options.encoder),
        "planted": planted,
    }
    data = readers[options.data]()
    for seed in options.seeds[:1] if options.small else options.seeds:
        for protocol, found in run(data, seed, options.only).items():
            (base, knn), *others = found.items()
            print(f"seed {seed}, {protocol}, {len(knn):,} users: {base} {np.nanmean(knn):.4f}")
            for name, ours in others:
                gap = metrics.paired_bootstrap(ours, knn, seed=0)
                interval = f"{gap.difference:+.4f} [{gap.low:+.4f}, {gap.high:+.4f}]"
                print(f"    {name} {np.nanmean(ours):.4f}, difference {interval}", flush=True)


if __name__ == "__main__":
    main()
