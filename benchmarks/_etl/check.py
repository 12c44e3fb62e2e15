"""Is the output right? Row by row against plain Polars joins, and against the peer's output."""

import json
import math
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from _etl.contestants import ENCODED, FOLDS, GROUPED, MIN_COUNT, SMOOTHING, VALUES
from _etl.data import KEYS, PLAIN, SKEWED

JOINED = [
    f"{GROUPED}_count",
    *(f"{GROUPED}_{value}_{statistic}" for value in VALUES for statistic in ("sum", "mean")),
]
PASSED = ("recent", "ts", "label")
NUMBERS = (*SKEWED, *PLAIN, *JOINED)
NEAR, EXACT = 1e-4, 1e-6
SLICE = 1_000_000


@dataclass(frozen=True)
class Definition:
    """What the workflow means, as joins of whole tables: slow and large, and easy to check by eye."""

    codes: dict[str, pl.DataFrame]
    moments: dict[str, float]
    joined: pl.DataFrame

    @classmethod
    def of(cls, rows: pl.LazyFrame) -> "Definition":
        codes = {name: vocabulary(rows, name) for name in KEYS}
        filled = [number(name) for name in (*SKEWED, *PLAIN)]
        moments = rows.select(
            *(value.mean().name.suffix(" mean") for value in filled),
            *(value.std(ddof=1).name.suffix(" deviation") for value in filled),
        )
        values = [pl.col(name).cast(pl.Float64) for name in VALUES]
        joined = rows.group_by(GROUPED).agg(
            pl.len().alias(JOINED[0]),
            *(value.sum().name.map(lambda name: f"{GROUPED}_{name}_sum") for value in values),
            *(value.mean().name.map(lambda name: f"{GROUPED}_{name}_mean") for value in values),
        )
        return cls(
            codes,
            moments.collect(engine="streaming").row(0, named=True),
            joined.collect(engine="streaming"),
        )

    def counted(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Rows with each code replaced by how often its value was seen; -1 null, -2 unknown.

        Two vocabularies that differ only in the order of values of equal count become equal.
        """
        return rows.with_columns(
            pl.concat([pl.Series([-3, -1, -2]), table["count"].cast(pl.Int64)]).gather(rows[name]).alias(name)
            for name, table in self.codes.items()
        )

    def expected(self, raw: pl.DataFrame) -> pl.DataFrame:
        """The columns of the workflow for raw rows, all but the target encodings."""
        for name, table in self.codes.items():
            found = raw.select(name).join(table, on=name, how="left", maintain_order="left")
            code = pl.when(pl.col(name).is_null()).then(1).otherwise(pl.col("code").fill_null(2))
            raw = raw.with_columns(found.select(code.alias(f"{name} code")))
        raw = raw.join(self.joined, on=GROUPED, how="left", nulls_equal=True, maintain_order="left")
        return raw.select(
            *(pl.col(f"{name} code").alias(name) for name in KEYS),
            *(
                (number(name) - self.moments[f"{name} mean"]) / self.moments[f"{name} deviation"]
                for name in (*SKEWED, *PLAIN)
            ),
            *JOINED,
            *PASSED,
        )


def vocabulary(rows: pl.LazyFrame, name: str) -> pl.DataFrame:
    """Values seen often enough with their counts; codes from 3 by count descending, then by value."""
    counted = rows.select(name).drop_nulls().group_by(name).len("count").filter(pl.col("count") >= MIN_COUNT)
    ordered = counted.sort("count", name, descending=[True, False]).collect(engine="streaming")
    return ordered.with_row_index("code", 3)


def number(name: str) -> pl.Expr:
    filled = pl.col(name).cast(pl.Float64).fill_null(0.0)
    return filled.clip(lower_bound=0.0).log1p() if name in SKEWED else filled


def written(folder: Path) -> list[Path]:
    """The files of an output in the order of their numbers, which need not be padded."""

    def numbers(path: Path) -> list[int]:
        return [int(number) for number in re.findall(r"\d+", path.stem)]

    return sorted(folder.glob("part*.parquet"), key=numbers)


def different(ours: pl.DataFrame, theirs: pl.DataFrame, known: pl.Series) -> dict[str, int]:
    """Rows that differ, by column; numbers by more than 1e-4, relative or absolute.

    Of the join, rows whose key is null are counted by themselves.
    """
    found: dict[str, int] = {}
    for name in (*KEYS, *PASSED):
        found[name] = int((~ours[name].eq_missing(theirs[name])).sum())
    for name in NUMBERS:
        mine, other = ours[name].cast(pl.Float64), theirs[name].cast(pl.Float64)
        near = other.is_finite() & ((mine - other).abs() <= NEAR * (1.0 + other.abs()))
        apart = ~(near.fill_null(value=False) | (mine.is_null() & other.is_null()))
        if name in JOINED:
            found[f"{name}, null key"] = int((apart & ~known).sum())
            apart &= known
        found[name] = int(apart.sum())
    return found


def moved(ours: pl.DataFrame, theirs: pl.DataFrame) -> dict[str, int]:
    """Rows whose code differs, be it only by the order of values of equal count."""
    return {name: int((ours[name] != theirs[name]).sum()) for name in KEYS}


def sums(rows: pl.DataFrame) -> dict[str, float]:
    return rows.select(pl.col(*KEYS).cast(pl.Int64).sum()).row(0, named=True)


def slices(sources: Sequence[pl.LazyFrame]) -> Iterator[list[pl.DataFrame]]:
    """The same million rows of each source, again and again.

    Raises:
        ValueError: the sources have not the same number of rows.
    """
    counts = [int(source.select(pl.len()).collect().item()) for source in sources]
    if len(set(counts)) > 1:
        raise ValueError(f"outputs of {counts} rows")
    for start in range(0, counts[0], SLICE):
        yield [source.slice(start, SLICE).collect() for source in sources]


def check(task: dict[str, Any]) -> dict[str, Any]:
    """Rows that differ from the definition and from the peer, sums of codes, and the target encodings."""
    raw, ours = pl.scan_parquet(task["files"]), pl.scan_parquet(written(Path(task["ours"])))
    definition = Definition.of(raw)
    peer = [pl.scan_parquet(written(Path(task["peer"])))] if task["peer"] else []
    totals: dict[str, dict[str, float]] = {
        name: {} for name in ("definition", "sums", "peer", "peer order", "peer sums")
    }
    for rows, made, *others in slices([raw, ours, *peer]):
        known = rows[GROUPED].is_not_null()
        add(totals["definition"], different(made, definition.expected(rows), known))
        add(totals["sums"], sums(made))
        for other in others:
            add(totals["peer"], different(definition.counted(made), definition.counted(other), known))
            add(totals["peer order"], moved(made, other))
            add(totals["peer sums"], sums(other))
    return {
        **totals,
        "encoded": {name: out_of_fold(raw, ours, name) for name in ENCODED},
        "peer encoded": {name: out_of_fold(raw, made, name) for made in peer for name in ENCODED},
    }


def add(total: dict[str, float], part: dict[str, float] | dict[str, int]) -> None:
    for name, value in part.items():
        total[name] = total.get(name, 0) + value


def out_of_fold(raw: pl.LazyFrame, made: pl.LazyFrame, name: str) -> dict[str, float]:
    """Rows whose target encoding is not the smoothed mean of the key's other folds.

    The folds are not known here, but their sums are: rows of one key that got one value are one fold, or j
    folds with equal counts and sums of labels: value == (S - s / j + a m) / (N - n / j + a) for some j. The
    mean m of all other rows may be that of the other folds too: keys seen once have it for their value.
    """
    value = f"TE_{name}_label"
    rows = pl.concat([raw.select(name, "label"), made.select(value)], how="horizontal")
    folds = rows.group_by(name, value).agg(n=pl.len(), s=pl.col("label").cast(pl.Int64).sum())
    keys = folds.collect(engine="streaming").with_columns(
        pl.col(value).cast(pl.Float64), N=pl.col("n").sum().over(name), S=pl.col("s").sum().over(name)
    )
    wrong = keys.filter(~right(keys, value))
    nulls = keys.filter(pl.col(name).is_null())
    return {
        "wrong": int(wrong["n"].sum()),
        "wrong, null key": int(wrong.filter(pl.col(name).is_null())["n"].sum()),
        "null value": float((nulls[value] * nulls["n"]).sum() / nulls["n"].sum()),
        "null mean": float(nulls["s"].sum() / nulls["n"].sum()),
    }


def right(keys: pl.DataFrame, value: str) -> pl.Series:
    """Whether the value of each key and fold, of n rows and s labels, is that of N - n others."""
    rows, mean = keys["n"].sum(), keys["s"].sum() / keys["n"].sum()
    spread = 5.0 * math.sqrt(mean * FOLDS / rows) / (FOLDS - 1)
    priors = keys.filter(pl.col("N") == 1)[value].unique()
    priors = priors.filter((priors - mean).abs() < spread).to_list() or [mean]
    if len(priors) > FOLDS:
        return pl.repeat(value=False, n=keys.height, eager=True)
    others = [
        (pl.col("S") - pl.col("s") / same + SMOOTHING * prior)
        / (pl.col("N") - pl.col("n") / same + SMOOTHING)
        for same in range(1, FOLDS + 1)
        for prior in priors
    ]
    return keys.select(
        pl.any_horizontal((other - pl.col(value)).abs() < EXACT for other in others)
    ).to_series()


if __name__ == "__main__":
    print(json.dumps(check(json.loads(sys.argv[1]))))
