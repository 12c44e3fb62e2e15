"""``shortlist profile``."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log.csv"
    rows = pl.DataFrame(
        {
            "user_id": [n % 7 for n in range(60)],
            "item_id": [f"i{n % 11}" for n in range(60)],
            "ts": [1_700_000_000 + 86_400 * n for n in range(60)],
            "bought": [n % 3 == 0 for n in range(60)],
        }
    )
    rows.write_csv(path)
    return path


def test_the_report_is_printed(call: Any, log: Path) -> None:
    code, out, err = call("profile", log)
    assert (code, err) == (0, "")
    assert out.startswith("log.csv: 60 rows, 4 columns; a log of events\n")
    assert "targets: bought" in out
    assert "PROPOSED WORKFLOW\nimport shortlist as sl" in out


def test_the_page_is_written_beside_it(call: Any, log: Path, tmp_path: Path) -> None:
    code, out, _ = call("profile", log, "--html", tmp_path / "new" / "report.html")
    assert code == 0
    assert out.endswith(f"Written: {tmp_path / 'new' / 'report.html'}\n")
    assert (tmp_path / "new" / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_json(call: Any, log: Path) -> None:
    code, out, _ = call("profile", log, "--json", "--target", "ts", "--user-col", "item_id")
    (plain,) = json.loads(out)
    assert code == 0
    assert plain["subject"] == {
        "kind": "events",
        "roles": {"user": "item_id"},
        "targets": ["ts"],
        "weight": None,
    }


def test_the_program_alone(call: Any, log: Path) -> None:
    code, out, _ = call("profile", log, "--code")
    assert code == 0
    compile(out, "program", "exec")
    assert out.startswith("import shortlist as sl\n")


def test_files_of_the_same_columns_are_one_table(call: Any, log: Path, tmp_path: Path) -> None:
    rows = pl.read_csv(log)
    rows.write_csv(tmp_path / "log-2.csv")
    items = pl.DataFrame({"item_id": ["i1", "i2"], "price": [1.5, 2.5]})
    items.write_parquet(tmp_path / "items.parquet")
    plain = json.loads(call("profile", tmp_path, "--json")[1])
    assert sorted((one["subject"]["kind"], one["rows"]) for one in plain) == [("items", 2), ("log", 120)]
    out = call("profile", log, tmp_path / "items.parquet")[1]
    assert out.count("\nPROPOSED SCHEMA\n") == 2
    assert f"{'=' * 100}\n\nitems.parquet: 2 rows" in out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["none.csv"], "no such file"),
        (["empty.csv"], "an empty file"),
        (["corrupt.parquet"], "corrupt.parquet"),
        (["log.csv", "--user-col", "usr"], "no column 'usr'"),
        (["log.csv", "--target", "bougt"], "did you mean 'bought'?"),
        (["log.csv", "--json", "--code"], "not allowed with"),
        (["log.csv", "--htlm", "x"], "did you mean '--html'?"),
        ([], "FILE"),
    ],
)
def test_what_is_wrong_is_said(
    call: Any, log: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], told: str
) -> None:
    monkeypatch.chdir(log.parent)
    Path("empty.csv").write_text("")
    Path("corrupt.parquet").write_bytes(b"PAR1 nothing PAR1")
    code, out, err = call("profile", *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert told in err


def test_a_page_that_cannot_be_written(call: Any, log: Path) -> None:
    code, _, err = call("profile", log, "--html", log / "report.html")
    assert code == 2
    assert "a place that can be written to" in err
