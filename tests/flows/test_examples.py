"""The examples, each run as a stranger would: a process of its own, at a small size."""

import ast
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

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


@pytest.mark.parametrize(
    "path",
    [pytest.param(path, id=path.stem, marks=[pytest.mark.slow] * (path.stem in SLOW)) for path in FILES],
)
def test_example_runs_and_prints_what_it_promises(path: Path) -> None:
    arguments, check = RUNS[path.stem]
    ran = subprocess.run(
        [sys.executable, "-W", "error", str(path), *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    check(ran.stdout)


def test_every_example_is_run_and_listed() -> None:
    names = {path.stem for path in FILES}
    assert names == set(RUNS)
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
