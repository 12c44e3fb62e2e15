"""Synthetic users, items and events with a planted taste, and the pipelines that are trained on them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

import shortlist as sl
from shortlist import ops, tags
from shortlist.features import Branch
from shortlist.index import VectorIndex, build
from shortlist.models import ranking
from shortlist.rng import generator
from shortlist.schema import Column, Schema

CANDIDATES, HISTORY, DIM, RECALL = 200, 20, 64, 0.95
CODES, NUMBERS = 10, 4  # a side, as the rankers whose times are known
GROUP_ITEMS = 500
DAY_US = 86_400_000_000
TARGET = Column("click", "float32", ("target", "binary"))
RANKERS = {
    "dlrm": lambda schema: ranking.DLRM(schema, dim=32, hidden=(256, 128), bottom=(128,)),
    "dcn": lambda schema: ranking.DCN(schema, dim=16, hidden=(256, 128), layers=3),
}


@dataclass(frozen=True)
class Size:
    """How much there is of everything."""

    items: int
    users: int
    events: int
    examples: int


FULL, SMALL = Size(1_000_000, 200_000, 2_000_000, 600_000), Size(3_000, 400, 12_000, 6_000)


@dataclass(frozen=True)
class World:
    """Tables and events, events with the columns of both tables."""

    items: sl.Dataset
    users: sl.Dataset
    events: sl.Dataset
    examples: sl.Dataset
    unseen: sl.Dataset


def side_schema(side: str) -> list[Column]:
    """The id, ten columns of codes, five of them text, and four numbers of users or items."""
    codes = [
        Column(f"{side}_c{at}", "int64" if at < CODES // 2 else "string", (side, "categorical"))
        for at in range(CODES)
    ]
    numbers = [Column(f"{side}_n{at}", "float32", (side, "continuous")) for at in range(NUMBERS)]
    return [Column(f"{side}_id", "int64", (side, "id", "categorical")), *codes, *numbers]


def side_frame(side: str, taste: np.ndarray, rng: np.random.Generator) -> pl.DataFrame:
    """Columns that tell the group ``taste`` [N] more or less, and some that tell nothing."""
    count, most = len(taste), int(taste.max()) + 1
    columns: dict[str, np.ndarray | pl.Series] = {f"{side}_id": 10**6 + rng.permutation(count * 3)[:count]}
    for at in range(CODES):
        told = taste // (1, 4, 16, 64, 256)[at % 5]
        odd = rng.random(count) < (0.1, 1.0)[at % 2]
        codes = np.where(odd, (most * rng.random(count) ** 3).astype(np.int64), told)
        text = pl.Series(codes).cast(pl.String) if at >= CODES // 2 else codes
        columns[f"{side}_c{at}"] = "v" + text if at >= CODES // 2 else text
    angle = taste * 2.399963
    for at in range(NUMBERS):
        told = np.sin(angle * (at + 1)) + rng.normal(0, 0.5, count)
        columns[f"{side}_n{at}"] = told.astype(np.float32)
    return pl.DataFrame(columns)


def make_world(size: Size, seed: int = 0) -> World:
    """Users like two groups of 500 items; nine events in ten are of these, by 1 / rank within the group."""
    rng = generator(seed, "serve")
    groups = max(4, size.items // GROUP_ITEMS)
    of_item, likes = rng.permutation(size.items) % groups, rng.integers(0, groups, (size.users, 2))
    items, users = side_frame("item", of_item, rng), side_frame("user", likes[:, 0], rng)
    members = np.argsort(of_item, kind="stable")
    starts = np.searchsorted(of_item[members], np.arange(groups + 1))

    def drawn(group: np.ndarray) -> np.ndarray:
        own = np.diff(starts)[group]
        rank = np.minimum(np.exp(rng.random(len(group)) * np.log(own + 1)) - 1, own - 1).astype(np.int64)
        return members[starts[group] + rank]

    def happened(count: int) -> tuple[np.ndarray, np.ndarray]:
        who = (size.users * rng.random(count) ** 1.5).astype(np.int64)
        group = likes[who, rng.integers(0, 2, count)]
        return who, drawn(np.where(rng.random(count) < 0.9, group, rng.integers(0, groups, count)))

    who, what = happened(size.events)
    when = pl.Series(np.sort(rng.integers(0, 60 * DAY_US, size.events))).cast(pl.Datetime("us"))
    schema = Schema([*side_schema("user"), *side_schema("item")])
    rows = pl.concat([users[who], items[what]], how="horizontal").with_columns(time=when)
    return World(
        sl.Dataset.of(items, Schema(side_schema("item"))),
        sl.Dataset.of(users, Schema(side_schema("user"))),
        sl.Dataset.of(rows, schema.merge([Column("time", "datetime", ("time",))])),
        *(clicks(happened(size.examples // 4), (users, items), rng) for _ in range(2)),
    )


def clicks(
    taken: tuple[np.ndarray, np.ndarray], tables: tuple[pl.DataFrame, pl.DataFrame], rng: np.random.Generator
) -> sl.Dataset:
    """What was taken, and three items drawn at random beside each."""
    who, what = np.repeat(taken[0], 4), np.repeat(taken[1], 4)
    label = (np.arange(len(who)) % 4 == 0).astype(np.float32)
    what = np.where(label > 0, what, rng.integers(0, len(tables[1]), len(what)))
    rows = pl.concat([tables[0][who].drop("user_id"), tables[1][what].drop("item_id")], how="horizontal")
    columns = [c for side in ("user", "item") for c in side_schema(side)[1:]]
    return sl.Dataset.of(rows.with_columns(click=label), Schema([*columns, TARGET]))


def prepare(folder: Path, size: Size) -> None:
    """Train the towers and both rankers, and write a bundle of each ranker, unless they stand there."""
    if all((folder / name / "manifest.json").exists() for name in RANKERS):
        return
    world = make_world(size)
    log = world.events.select(["user_id", "item_id", "time"])
    state = sl.State(log, items=world.items, users=world.users)
    towers, model = trained_towers(world, size)
    index = tuned_index(state, towers, model, size)
    plain = sl.Workflow([codes_of("user", "item"), tags.any("continuous") >> ops.Normalize(), "click"])
    flow = plain.fit(world.examples)
    for name, make in RANKERS.items():
        ranker, options = make(flow.schema), sl.FitOptions(epochs=1, batch_size=1024)
        report = sl.fit(
            ranker, flow.transform(world.examples), valid=flow.transform(world.unseen), options=options
        )
        stages = [
            sl.Retrieve(model, index, flow=towers, k=CANDIDATES),
            sl.Drop(seen=True),
            sl.Score(ranker, flow=flow),
            sl.Diversify(index=index, strength=0.3),
            sl.Take(10),
        ]
        facts = {"auc": report.best_metric, "recall": index.recall, "index": repr(index)}
        sl.save(sl.Pipeline(stages, state=state), folder / name, facts=facts)
    examples = flow.transform(world.unseen).collect()
    examples.write_parquet(folder / "unseen.parquet")


def codes_of(*sides: str) -> Branch:
    """The columns of codes, encoded."""
    return tags.any(*sides).only(tags.any("categorical")).without(tags.any("id")) >> ops.Categorify()


def trained_towers(world: World, size: Size) -> tuple[sl.Workflow, sl.TwoTower]:
    """Query: ten codes and the last 20 items. Item: the id, all codes and numbers."""
    flow = sl.Workflow(
        [
            "item_id" >> ops.Categorify(),
            codes_of("user", "item"),
            tags.all("item", "continuous") >> ops.Normalize(),
            ops.History("item_id", max_length=HISTORY) >> ops.Categorify(like="item_id"),
        ]
    ).fit(world.events)
    model = sl.TwoTower(flow.schema, dim=DIM, hidden=(128,))
    options = sl.FitOptions(epochs=2, batch_size=4096 if size is FULL else 512)
    sl.fit(model, flow.transform(world.events), sl.SampledSoftmax(temperature=0.1), options=options)
    return flow, model


def tuned_index(state: sl.State, flow: sl.Workflow, model: sl.TwoTower, size: Size) -> VectorIndex:
    """All items, searched with as little effort as finds 95 % of the best 200 of users' vectors."""
    exact = sl.build_index(model, flow, state, kind="exact")
    asked = state.store.users.values[:: max(1, len(state.store.users) // 2048)].tolist()
    return build(
        exact.vectors(np.arange(len(exact))),
        exact.keys,
        kind="ivf_sq8" if size is FULL else "ivf",
        options=sl.IndexOptions(recall_at=CANDIDATES, sample=1024),
        recall_target=RECALL,
        queries=state.encode_query(model, flow, sl.Requests(asked)),
    )
