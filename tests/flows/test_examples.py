"""The examples, each run as a stranger would: a process of its own, at a small size."""

import ast
import os
import re
import runpy
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import shortlist as sl
from shortlist.testing import _ops as suite

EXAMPLES = Path(__file__).parents[2] / "examples"
FILES = sorted(EXAMPLES.glob("*.py"))


def rows_of(printed: str) -> dict[str, dict[str, float]]:
    """Recommender -> metric -> value, of a printed evaluation."""
    lines = printed.splitlines()
    head = next(number for number, line in enumerate(lines) if line.startswith("recommender"))
    columns = re.split(r"\s{2,}", lines[head].strip())[1:]
    table = {}
    for line in lines[head + 1 :]:
        name, *values = re.split(r"\s{2,}", line.strip())
        if len(values) != len(columns):
            break
        table[name] = dict(zip(columns, map(float, values), strict=True))
    return table


def towers_learn_what_is_popular(printed: str) -> None:
    table = rows_of(printed)
    assert table["pipeline"]["recall@10"] > 0.9 * table["popular"]["recall@10"]


def towers_find_the_planted_signal(printed: str) -> None:
    table = rows_of(printed)
    found = re.search(r"reaches (\d+\.\d)% of the oracle", printed)
    assert found is not None
    assert float(found[1]) >= 80.0
    assert table["pipeline"]["recall@10"] > 1.5 * table["popular"]["recall@10"]


def two_stages_beat_every_baseline(printed: str) -> None:
    table = rows_of(printed)
    assert table.pop("pipeline")["ndcg@10"] > 1.1 * max(row["ndcg@10"] for row in table.values())
    assert "Description" in printed


RUNS: dict[str, tuple[tuple[str, ...], Callable[[str], None]]] = {
    "two_tower_aliccp": (("100000", "0"), towers_learn_what_is_popular),
    "planted_signal": (("20000", "0"), towers_find_the_planted_signal),
    "retail_two_stage": (("2",), two_stages_beat_every_baseline),
}
SLOW = {"retail_two_stage"}
# Run below, on tables that are downloaded.
ON_TABLES = {"complete_journey"}
LEAKS = (
    "test rows identical to a training row",
    "test events at the moment of the last training event",
    "training events at or after the first test event",
    "training events changed by a cancellation after the cutoff",
)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in RUNS]
)
def test_example_runs_and_prints_what_it_promises(name: str) -> None:
    arguments, check = RUNS[name]
    ran = subprocess.run(
        [sys.executable, "-W", "error", str(EXAMPLES / f"{name}.py"), *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    check(ran.stdout)


def test_every_example_is_run_and_listed() -> None:
    names = {path.stem for path in FILES}
    assert names == RUNS.keys() | ON_TABLES
    listed = set(re.findall(r"`(\w+)\.py`", (EXAMPLES / "README.md").read_text()))
    assert listed == names


def code_lines(path: Path) -> int:
    """Lines that hold a statement or a part of one; the docstring, comments and blank lines are left out."""
    body = ast.parse(path.read_text()).body
    covered = [range(node.lineno, (node.end_lineno or node.lineno) + 1) for node in body[1:]]
    text = path.read_text().splitlines()
    lines = {line for span in covered for line in span}
    return sum(text[line - 1].strip()[:1] not in ("", "#") for line in lines)


def test_examples_are_short() -> None:
    assert all(len(path.read_text().splitlines()) <= 60 for path in FILES)
    assert code_lines(EXAMPLES / "two_tower_aliccp.py") <= 20


@dataclass(frozen=True)
class Journey:
    """The example of a year at a grocer's after it ran: what it printed, its variables, its files."""

    printed: str
    variables: dict[str, Any]
    folder: Path

    def written(self, part: str) -> pl.DataFrame:
        """The rows that it wrote."""
        return sl.read_parquet(self.folder / part).collect()

    def raw(self, part: str) -> sl.Dataset:
        """The rows that these were made of."""
        rows: sl.Dataset = self.variables[part]
        return rows.filter(pl.col("quantity") > 0)


@pytest.fixture(scope="module")
def journey(tmp_path_factory: pytest.TempPathFactory) -> Journey:
    tables = os.environ.get("SHORTLIST_COMPLETE_JOURNEY")
    if tables is None:
        pytest.fail("SHORTLIST_COMPLETE_JOURNEY must be the folder of the tables; make test-data sets it")
    folder = tmp_path_factory.mktemp("grocer")
    printed = StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(printed):
        patch.chdir(folder)
        patch.setattr(sys, "argv", ["complete_journey.py", tables])
        variables = runpy.run_path(str(EXAMPLES / "complete_journey.py"))
    return Journey(printed.getvalue(), variables, folder / "journey")


@pytest.mark.data
def test_a_year_at_a_grocers_leaks_nothing(journey: Journey) -> None:
    counts = {leak: re.search(rf"^{leak} +([\d,]+) ", journey.printed, flags=re.MULTILINE) for leak in LEAKS}
    assert {leak: found and found[1] for leak, found in counts.items()} == dict.fromkeys(LEAKS, "0")
    assert "warning" not in journey.printed.lower()


@pytest.mark.data
def test_a_year_at_a_grocers_has_its_columns_and_codes(journey: Journey) -> None:
    flow = sl.Workflow.load(journey.folder / "flow")
    written, raw = journey.written("train"), journey.raw("train").collect()
    assert tuple(written.columns) == flow.schema.names
    assert len(written.columns) == 15 + 11 + 3 + 2  # codes, numbers, histories; time and weight
    assert len(written) == len(raw)
    often = raw["product_id"].value_counts().filter(pl.col("count") >= 5)
    expected = often.sort("count", "product_id", descending=[True, False])
    known = flow.vocabulary("product_id")
    assert known["value"].to_list() == expected["product_id"].to_list()
    assert known["code"].to_list() == list(range(3, 3 + len(expected)))
    known_rows = raw["product_id"].is_in(expected["product_id"].implode())
    decoded = flow.decode(written.select("product_id"))["product_id"]
    assert decoded.to_list() == pl.select(pl.when(known_rows).then(raw["product_id"])).to_series().to_list()
    for column in flow.schema.tagged("categorical"):
        codes = written[column.name].explode() if column.is_list else written[column.name]
        assert column.domain is not None
        assert column.domain.size is not None
        assert 1 <= codes.drop_nulls().min() <= codes.max() < column.domain.size  # type: ignore[operator]


@pytest.mark.data
def test_a_request_at_the_grocers_gets_what_was_written(journey: Journey) -> None:
    flow = sl.Workflow.load(journey.folder / "flow")
    valid, train = (journey.variables[part] for part in ("valid", "train"))
    before = sl.Workflow(flow.histories).fit(valid.filter(pl.lit(value=False)))
    raw = valid.collect()
    looked_back = before.transform(valid, log=train).collect().drop("transaction_timestamp")
    own = [name for name in flow.input_schema.names if name not in looked_back.columns]
    given = pl.concat([raw.select(own), looked_back], how="horizontal").filter(raw["quantity"] > 0)
    written = journey.written("valid")
    assert len(written) == len(given)
    for row in (0, len(written) // 2, len(written) - 1):
        batch = suite.as_batch(given[row : row + 1], flow.input_schema)
        made = {name: suite.rows_of(values) for name, values in flow.transform_batch(batch).items()}
        wanted = {name: suite.rows_of(written[name][row : row + 1]) for name in made}
        assert made.keys() >= {"product_id", "user_count", "days_ago", "product_id_history"}
        suite.assert_close(list(made.values()), list(wanted.values()), 1e-5)
