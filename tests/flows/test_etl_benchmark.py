"""The ETL benchmark's rows are what it says, and its workflow gives what plain joins give."""

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import polars as pl
import pytest

from shortlist.features.engine import Local

ROWS, FILES = 15_000, 3


@pytest.fixture(scope="module")
def parts() -> Iterator[dict[str, ModuleType]]:
    """The benchmark's modules, which stand beside the package."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(Path(__file__).parents[2] / "benchmarks")
        from _etl import check, contestants, data, measure

        yield {"check": check, "contestants": contestants, "data": data, "measure": measure}
        for name in [name for name in sys.modules if name.partition(".")[0] == "_etl"]:
            del sys.modules[name]


@pytest.fixture(scope="module")
def files(parts: dict[str, ModuleType], tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return parts["data"].make(tmp_path_factory.mktemp("rows"), ROWS, FILES)


def test_rows_are_the_same_for_one_seed(
    parts: dict[str, ModuleType], files: list[Path], tmp_path: Path
) -> None:
    again = parts["data"].make(tmp_path, ROWS, FILES - 1)
    for file, other in zip(files[:-1], again, strict=True):
        assert pl.read_parquet(file).equals(pl.read_parquet(other))
    assert not pl.read_parquet(files[0]).equals(pl.read_parquet(files[1]))


def test_rows_have_nulls_skew_and_a_label_that_depends_on_keys(
    parts: dict[str, ModuleType], files: list[Path]
) -> None:
    rows = pl.concat(pl.read_parquet(file) for file in files)
    assert rows.height == ROWS // 15 * FILES
    assert tuple(rows.columns) == parts["data"].SCHEMA.names
    for name in parts["data"].KEYS:
        assert 0.0 < rows[name].null_count() / rows.height < 0.05
    for name in parts["data"].NUMBERS:
        assert 0.03 < rows[name].null_count() / rows.height < 0.07
    counts = rows["k4"].drop_nulls().value_counts(sort=True)["count"]
    assert counts[0] > 5 * counts[20]
    assert rows["recent"].list.len().min() == 0
    assert rows["recent"].list.len().max() == 8
    assert rows["ts"].is_sorted()
    assert 0.05 < rows["label"].mean() < 0.2


def test_a_folder_of_other_rows_is_refused(parts: dict[str, ModuleType], files: list[Path]) -> None:
    with pytest.raises(ValueError, match="another shape"):
        parts["data"].make(files[0].parent, 2 * ROWS)


def test_the_workflow_gives_what_plain_joins_give(
    parts: dict[str, ModuleType], files: list[Path], tmp_path: Path
) -> None:
    contestants, check = parts["contestants"], parts["check"]
    rows = contestants.dataset([str(file) for file in files], cut=700)
    contestants.workflow().fit(rows).write(rows, tmp_path / "rows", engine=Local(threads=1))
    found = check.check({"files": [str(file) for file in files], "ours": str(tmp_path / "rows"), "peer": ""})
    assert {name: count for name, count in found["definition"].items() if count} == {}
    assert {name: encoded["wrong"] for name, encoded in found["encoded"].items()} == {"k1": 0, "c1": 0}


def test_memory_of_a_run_and_its_children_is_seen_and_bounded(
    parts: dict[str, ModuleType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measure = parts["measure"]
    work = (
        "import time; held = bytearray(64 << 20); held[::4096] = b'x' * (len(held) // 4096); time.sleep(0.3)"
    )
    inner = (
        f"import subprocess, sys; subprocess.run([sys.executable, '-c', {work!r}], check=True); print('{{}}')"
    )
    command = [sys.executable, "-c", inner]
    assert 64 < measure.run(command, cwd=tmp_path).peak < 200
    monkeypatch.setattr(measure, "own_group", lambda: None)
    with measure.bounded(command, 32 << 20) as (inside, kind):
        bound = measure.run(inside, cwd=tmp_path)
    assert kind == "RLIMIT_DATA"
    assert "failed" in bound.failure


def test_a_failed_run_is_told(parts: dict[str, ModuleType], tmp_path: Path) -> None:
    good = parts["measure"].run([sys.executable, "-c", 'print(\'{"fit": 1, "transform": 2}\')'], cwd=tmp_path)
    assert good.wall == 1 + 2
    bad = parts["measure"].run([sys.executable, "-c", "raise SystemExit('too much')"], cwd=tmp_path)
    assert (bad.answer, "too much" in bad.failure) == ({}, True)
