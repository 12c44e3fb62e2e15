"""Complete Journey in two stages: sources, and the examples that rankers learn from."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

import shortlist as sl
from shortlist import ops, select, tags
from shortlist.io import moment

FORTNIGHT = 14 * 86_400_000_000
COUNTS = (
    *(ops.AsOf("pair"), ops.AsOf("pair", window="90d"), ops.AsOf("item", window="28d"), ops.AsOf("user")),
    *(ops.AsOf(("user", "product_category")), ops.AsOf(("user", "product_category"), window="90d")),
)
AGES = (ops.AsOf("pair", "days_since"), ops.AsOf(("user", "product_category"), "days_since"))


@dataclass
class Grocer:
    """What all pipelines share.

    Attributes:
        alone: single sources, to see what each finds.
        sources: stages that find candidates: own repeats, towers, popular ones, and the towers' score of all.
        state: the log as of the last moment.
        examples: what rankers learn from, of the two fortnights after the towers' training.
        flow: fitted on these.
        later, later_at: the fortnight after them, for calibration, and its first moment.
        test, test_at: the last fortnight of the year, and its first moment.
        protocol: in words.
    """

    alone: dict[str, Any]
    sources: list[Any]
    state: sl.State
    examples: sl.Dataset
    flow: sl.Workflow
    later: sl.Dataset
    later_at: datetime
    test: sl.Dataset
    test_at: datetime
    protocol: str

    def pipe(self, ranker: Any = None) -> sl.Pipeline:
        """The sources, and the ranker behind them if one is given."""
        score = [] if ranker is None else [sl.Score(ranker, flow=self.flow)]
        return sl.Pipeline([*self.sources, *score, sl.Take(10)], state=self.state)

    def rows(self) -> sl.Dataset:
        """The examples as the rankers read them, in memory."""
        rows = self.flow.transform(self.examples)
        return sl.Dataset.of(rows.collect(), rows.schema)


def between(events: sl.Dataset, name: str, low: datetime, high: datetime) -> sl.Dataset:
    """Events of ``[low, high)``."""
    return events.filter((pl.col(name) >= low) & (pl.col(name) < high))


def grocer(root: Path) -> Grocer:
    """Read the tables, train the towers, make the examples."""
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
    alone = {
        "own repeats": sl.Repeats(100),
        "towers": retrieve,
        "popular, 28 days": sl.Popular(50, window="28d"),
    }
    examples = sl.ranking_examples(
        sl.Pipeline(sources, state=state),
        between(events, time, marks[0], marks[2]),
        histories=(*COUNTS, *AGES),
        negatives=20,
        window_us=FORTNIGHT,
        at=[moment(marks[0]), moment(marks[1])],
    )
    return Grocer(
        {name: sl.Pipeline([stage, sl.Take(10)], state=state) for name, stage in alone.items()},
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


def chain(columns: Any, *steps: Any) -> Any:
    """One branch of several ops."""
    branch = columns >> steps[0]
    for step in steps[1:]:
        branch >>= step
    return branch


def ranking_flow(examples: sl.Dataset) -> sl.Workflow:
    """Counts, ages and the towers' score as numbers; taxonomy and income as codes."""
    made = select.names(*(op.output for op in (*COUNTS, *AGES)))
    standard = (ops.Normalize(), ops.Clip(-5.0, 5.0))
    return sl.Workflow([
        *(chain(op, ops.LogOp(), *standard) for op in COUNTS),
        *(chain(op, ops.FillMissing(400.0, add_indicator=True), ops.LogOp(), *standard) for op in AGES),
        chain(tags.all("cross", "continuous").without(made), ops.FillMissing(0.0), *standard),
        ["department", "product_category", "brand", "income"] >> ops.Categorify(min_count=20),
    ]).fit(examples)  # fmt: skip
