"""Complete Journey: sources alone, and the same with rankers behind them, on the pipelines themselves.

A year of a grocer's baskets. The towers learn from all but the last 70 days, rankers from what households
that were asked 70 and 56 days before the end bought within 14 days, calibration from those asked 42 days
before; all are asked 14 days before the end for what is bought till then. Items bought before may be
recommended: groceries are bought again. Run with ``-rP`` to see the figures.
"""

import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import shortlist as sl
from shortlist import ops, select, tags
from shortlist.io import moment

pytestmark = pytest.mark.data

DAY = 86_400_000_000
FORTNIGHT = 14 * DAY
COUNTS = (
    *(ops.AsOf("pair"), ops.AsOf("pair", window="90d"), ops.AsOf("item", window="28d"), ops.AsOf("user")),
    *(ops.AsOf(("user", "product_category")), ops.AsOf(("user", "product_category"), window="90d")),
)
AGES = (ops.AsOf("pair", "days_since"), ops.AsOf(("user", "product_category"), "days_since"))


@dataclass
class Grocer:
    """What all pipelines share."""

    sources: list[Any]
    state: sl.State
    examples: sl.Dataset
    flow: sl.Workflow
    later: sl.Dataset
    later_at: datetime
    test: sl.Dataset
    test_at: datetime
    protocol: str

    def pipe(self, ranker: Any) -> sl.Pipeline:
        return sl.Pipeline([*self.sources, sl.Score(ranker, flow=self.flow), sl.Take(10)], state=self.state)


def between(events: sl.Dataset, name: str, low: datetime, high: datetime) -> sl.Dataset:
    return events.filter((pl.col(name) >= low) & (pl.col(name) < high))


@pytest.fixture(scope="module")
def grocer() -> Grocer:
    root = Path(os.environ["SHORTLIST_COMPLETE_JOURNEY"])
    lines = pl.scan_parquet(root / "transactions.parquet").filter(pl.col("quantity") > 0)
    lines = lines.select("household_id", "product_id", "transaction_timestamp")
    roles = {"user": "household_id", "item": "product_id", "time": "transaction_timestamp"}
    log = sl.scan(lines, roles=roles)
    products = sl.scan(root / "products.parquet", roles={"item": "product_id"})
    households = sl.scan(root / "demographics.parquet", roles={"user": "household_id"})
    events, time = log.join_tables(products, households), log.schema.time.name
    _, last = log.period()
    test_at = last.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None) - timedelta(days=13)
    marks = [test_at - timedelta(days=days) for days in (56, 42, 28, 14)]
    early = events.filter(pl.col(time) < marks[0])
    flow = sl.Workflow([
        ["household_id", "product_id"] >> ops.Categorify(min_count=5),
        ["department", "product_category", "brand"] >> ops.Categorify(),
    ]).fit(early)  # fmt: skip
    towers = sl.TwoTower(flow.schema, dim=32, hidden=(64,), seed=0)
    sl.fit(towers, flow.transform(early), options=sl.FitOptions(epochs=2, batch_size=4096, seed=0))
    state = sl.State(events, items=products, users=households, now=test_at)
    index = sl.build_index(towers, flow, state)
    until = moment(marks[0])
    retrieve = sl.Retrieve(towers, index, flow=flow, k=100, trained_until=until)
    match = sl.Match(towers, index, flow=flow, trained_until=until)
    sources: list[Any] = [sl.Merge(sl.Repeats(100), retrieve, sl.Popular(50, window="28d")), match]
    examples = sl.ranking_examples(
        sl.Pipeline(sources, state=state),
        between(events, time, marks[0], marks[2]),
        histories=(*COUNTS, *AGES),
        negatives=20,
        window_us=FORTNIGHT,
        at=[moment(marks[0]), moment(marks[1])],
    )
    return Grocer(
        sources,
        state,
        examples,
        ranking_flow(examples),
        between(events, time, marks[2], marks[3]),
        marks[2],
        between(events, time, test_at, test_at + timedelta(days=14)),
        test_at,
        f"by time: asked at {test_at:%Y-%m-%d} for the next 14 days",
    )


def ranking_flow(examples: sl.Dataset) -> sl.Workflow:
    made = select.names(*(op.output for op in (*COUNTS, *AGES)))
    standard = (ops.Normalize(), ops.Clip(-5.0, 5.0))

    def chain(columns: Any, *steps: Any) -> Any:
        branch = columns >> steps[0]
        for step in steps[1:]:
            branch >>= step
        return branch

    return sl.Workflow([
        *(chain(op, ops.LogOp(), *standard) for op in COUNTS),
        *(chain(op, ops.FillMissing(400.0, add_indicator=True), ops.LogOp(), *standard) for op in AGES),
        chain(tags.all("cross", "continuous").without(made), ops.FillMissing(0.0), *standard),
        ["department", "product_category", "brand", "income"] >> ops.Categorify(min_count=20),
    ]).fit(examples)  # fmt: skip


@pytest.fixture(scope="module")
def rankers(grocer: Grocer) -> dict[str, Any]:
    rows, schema = grocer.flow.transform(grocer.examples), grocer.flow.schema
    rows = sl.Dataset.of(rows.collect(), rows.schema)
    made: dict[str, Any] = {
        "DCN-v2": sl.DCN(schema, dim=8, layers=2, hidden=(64, 32), dropout=0.1, seed=0),
        "DeepFM": sl.DeepFM(schema, dim=8, hidden=(64, 32), dropout=0.1, seed=0),
        "LambdaMART": sl.LightGBM(
            schema, goal="lambdarank", options=sl.TreeOptions(trees=200, threads=1), seed=0
        ),
        "LightGBM": sl.LightGBM(schema, options=sl.TreeOptions(trees=200, threads=1), seed=0),
    }
    plan = sl.Optimization(dense_lr=2e-3, schedule="cosine", warmup=0.1, weight_decay=1e-5)
    options = sl.FitOptions(epochs=3, batch_size=1024, lr=2e-3, seed=0, optimization=plan)
    for model in made.values():
        sl.fit(model, rows, options=options)
    return made


def test_every_ranker_adds_to_the_sources(grocer: Grocer, rankers: dict[str, Any]) -> None:
    alone = {"sources alone": sl.Pipeline([*grocer.sources, sl.Take(10)], state=grocer.state)}
    pipes = alone | {name: grocer.pipe(model) for name, model in rankers.items()}
    found = sl.evaluate(
        pipes,
        grocer.test,
        metrics=("ndcg@10", "recall@10"),
        seen="keep",
        baselines=False,
        split=grocer.protocol,
    )
    print(found)
    for name in rankers:
        gain = found.difference(name, "sources alone", "ndcg@10")
        print(f"{name} - sources alone: {gain}")
        assert gain.low > 0, name
    print("DCN-v2 - LambdaMART:", found.difference("DCN-v2", "LambdaMART", "ndcg@10"))
    print("DeepFM - LambdaMART:", found.difference("DeepFM", "LambdaMART", "ndcg@10"))


@pytest.mark.parametrize("name", ["DCN-v2", "LightGBM"])
def test_probabilities_mean_what_they_say_later(grocer: Grocer, rankers: dict[str, Any], name: str) -> None:
    pipe = grocer.pipe(rankers[name])
    asked = {"window_us": FORTNIGHT, "at": [moment(grocer.test_at)]}
    before = sl.evaluate_ranker(pipe, grocer.test, **asked).quality
    print(f"{name} as trained\n{before}")
    for method in ("platt", "isotonic"):
        at = [moment(grocer.later_at)]
        mended = sl.calibrate(pipe, grocer.later, method=method, window_us=FORTNIGHT, at=at)
        after = sl.evaluate_ranker(mended, grocer.test, **asked).quality
        print(f"{name}, {method}\n{after}")
        assert after.calibration < 0.01
        assert after.entropy < 1
        assert abs(after.auc - before.auc) < 1e-3
