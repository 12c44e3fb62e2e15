"""The report: what kind of table it is, what it says, how it is printed, and how errors read."""

import json
import math
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from shortlist.cli._show import plain_json
from shortlist.datasets import planted
from shortlist.errors import ArgumentError, DataError, SchemaError
from shortlist.io import Dataset
from shortlist.profiling import Profile, profile, write_html
from shortlist.profiling._words import about, number, percent, value


@pytest.fixture(scope="module")
def log() -> Any:
    return planted(users=60, items=50, events=1500, groups=5)


@pytest.fixture(scope="module")
def report(log: Any) -> Profile:
    return profile(log.events.join_tables(log.items, log.users))


def test_a_log(report: Profile) -> None:
    assert (report.subject.kind, report.rows) == ("log", 1500)
    assert dict(report.subject.roles) == {"user": "user_id", "item": "item_id", "time": "time"}
    assert report.users is not None
    assert report.items is not None
    assert report.timing is not None
    assert report.users.distinct <= 60
    assert report.items.events == report.timing.events == 1500
    assert report.schema["price"].tags == {"item", "continuous"}


@pytest.mark.parametrize(
    ("rows", "kind", "roles"),
    [
        ({"item_id": [1, 2], "user_id": [1, 1]}, "log", {"user": "user_id", "item": "item_id"}),
        ({"item_id": [1, 2, 3], "price": [1.0, 2.0, 2.0]}, "items", {"item": "item_id"}),
        ({"customer": ["a", "b"], "age": [1, 2]}, "users", {"user": "customer"}),
        (
            {"item_id": [1, 1, 2], "date": [date(2024, 1, 1)] * 3},
            "events",
            {"item": "item_id", "time": "date"},
        ),
        ({"x": [1, 2], "y": ["a", "b"]}, "table", {}),
        ({"x": [1, 2], "time": ["2PM", "6PM"]}, "table", {}),
        ({"user_id": [None, None], "item_id": [1, 1]}, "events", {"item": "item_id"}),
        ({"user_id": [1.5, 2.5], "item_id": [1, 1]}, "events", {"item": "item_id"}),
    ],
)
def test_the_kind_of_a_table(rows: Any, kind: str, roles: dict[str, str]) -> None:
    found = profile(rows).subject
    assert (found.kind, dict(found.roles)) == (kind, roles)


def test_tags_give_the_roles_of_a_data_set() -> None:
    rows = Dataset.of(pl.DataFrame({"who": [1, 2], "what": ["a", "b"], "user_id": [3, 4]}))
    tagged = rows.tag("who", "user", "id").tag("what", "item", "id")
    assert dict(profile(tagged).subject.roles) == {"user": "who", "item": "what"}
    assert dict(profile(rows).subject.roles) == {"user": "user_id"}


def test_columns_as_arithmetic() -> None:
    rows = pl.DataFrame(
        {
            "x": [1.0, 2.0, 6.0, None, math.nan, math.inf],
            "word": ["a", "bbb", " ", None, "a", "a"],
            "list": [[1, 2], [2], [], None, [2], [3]],
        }
    )
    x, word, many = profile(rows).columns
    assert (x.nulls, x.infinite, x.low, x.high, x.mean) == (2, 1, 1.0, 6.0, 3.0)
    assert x.deviation == pytest.approx(math.sqrt((4 + 1 + 9) / 3))
    assert x.quantiles[0.5] == 2.0
    assert sum(x.histogram) == 3
    assert (word.nulls, word.blanks, word.distinct, word.most) == (1, 1, 2, (("a", 3), ("bbb", 1)))
    assert (word.low, word.high, word.mean, word.once) == (1, 3, 1.5, 0.5)
    assert word.missing == pytest.approx(2 / 6)
    assert (many.shape, many.dtype, many.filled, many.most[0]) == ("list", "int64", 5, (2, 3))
    assert (many.low, many.high, many.mean) == (0, 2, 1.0)


def test_every_type_of_column() -> None:
    rows = pl.DataFrame(
        {
            "category": pl.Series(["x", "y", None], dtype=pl.Categorical),
            "day": [date(2024, 1, 1), None, date(2024, 3, 1)],
            "decimal": [Decimal("1.5"), None, Decimal(2)],
            "flag": [True, None, False],
            "vector": pl.Series([[1.0, 2.0], [3.0, 4.0], None], dtype=pl.Array(pl.Float32, 2)),
            "large": pl.Series([2**63, 1, 2], dtype=pl.UInt64),
            "nothing": [None] * 3,
            "bytes": [b"a", b"b", None],
        }
    )
    found = profile(rows)
    types = {column.name: f"{column.dtype} {column.shape}".strip() for column in found.columns}
    assert types == {
        "category": "string",
        "day": "datetime",
        "decimal": "float64",
        "flag": "bool",
        "vector": "float32 vector(2)",
        "large": "uint64",
        "nothing": "string",
    }
    assert found.notes == ("column 'bytes' of type Binary cannot be used and is left out",)
    assert found.schema["large"].has("categorical")  # no float holds it
    assert "note: column 'bytes'" in str(found)


@pytest.mark.parametrize("rows", [0, 1])
def test_hardly_any_rows(rows: int) -> None:
    frame = pl.DataFrame({"user_id": [1], "item_id": ["a"], "ts": [datetime(2024, 1, 1)], "x": [1.0]}).head(
        rows
    )
    found = profile(frame)
    assert found.rows == rows
    assert "COLUMNS" in str(found)
    assert json.loads(plain_json(found.to_json()))["rows"] == rows


def test_repeats() -> None:
    found = profile({"user_id": [1, 1, 1, 2], "item_id": [5, 5, 6, 5], "x": [1, 1, 1, 1]}).repeats
    assert (found.rows, found.events, found.pairs) == (1, 4, 3)
    assert found.again == 0.25
    assert found.density == 3 / (2 * 2)


def test_the_text_says_it_all(report: Profile) -> None:
    text = str(report)
    heads = [line for line in text.splitlines() if line.isupper() and len(line) > 3]
    assert heads == [
        *("COLUMNS", "ITEMS", "USERS", "TIME", "REPEATS", "LEAK SUSPECTS"),
        *("PROPOSED SCHEMA", "PROPOSED WORKFLOW"),
    ]
    body = text.partition("PROPOSED SCHEMA")[0]
    assert max(map(len, body.splitlines())) <= 118
    assert report.code.strip() in text
    assert str(report.schema) in text


def test_the_json_is_plain(report: Profile) -> None:
    plain = json.loads(plain_json(report.to_json()))
    assert plain["subject"]["kind"] == "log"
    assert plain["items"]["shares"].keys() == {"0.01", "0.1", "0.5"}
    assert {column["name"] for column in plain["columns"]} == {column["name"] for column in plain["schema"]}
    assert plain["timing"]["first"].startswith("20")


def test_the_page_stands_alone(report: Profile, tmp_path: Path) -> None:
    path = report.to_html(tmp_path / "report.html")
    page = path.read_text(encoding="utf-8")
    for head in (
        "Leak suspects",
        "Columns",
        "Popularity: events by item",
        "Activity: events by user",
        "Time",
    ):
        assert f"<h2>{head}</h2>" in page
    assert not [word for word in ("<script", "http", "src=", "@import") if word in page]
    assert page.count("<svg") >= 4
    assert "&lt;html" in report._repr_html_()
    both = write_html([report, report], tmp_path / "both.html").read_text(encoding="utf-8")
    assert both.count("<h1>") == 2


def test_names_of_columns_do_no_harm(tmp_path: Path) -> None:
    rows = {'<b>"x': ["<script>alert(1)</script>", "b", "b"], "": [1, 2, 3]}
    page = profile(rows).to_html(tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "<b>&quot;" not in page
    assert "(no name)" in page


def test_a_sample_is_named(log: Any) -> None:
    rows = log.events.collect()
    many = pl.concat([rows] * 140)  # 210,000 rows
    found = profile(many)
    assert found.rows == 210_000
    assert 190_000 < found.sampled < 210_000
    assert f"judged from {found.sampled:,} sampled rows" in str(found)


def test_estimates_are_marked() -> None:
    rows = pl.DataFrame({"x": range(5000), "y": [n % 10 for n in range(5000)]})
    x, y = profile(rows, exact=1000).columns
    assert not x.exact
    assert x.distinct == pytest.approx(5000, rel=0.2)
    assert (y.exact, y.distinct) == (True, 10)
    assert f"~{about(x.distinct, exact=True)[:1]}" in str(profile(rows, exact=1000))


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        profile(tmp_path / "none.csv")
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(DataError, match="an empty file"):
        profile(tmp_path / "empty.csv")
    (tmp_path / "head.csv").write_text("a,b\n")
    with pytest.raises(DataError, match="no rows"):
        profile(tmp_path / "head.csv")
    (tmp_path / "corrupt.parquet").write_bytes(b"PAR1 and nothing else PAR1")
    with pytest.raises(DataError, match=r"corrupt\.parquet.*unreadable"):
        profile(tmp_path / "corrupt.parquet")


def test_a_file_that_breaks_off_is_named(tmp_path: Path) -> None:
    path = tmp_path / "torn.parquet"
    pl.DataFrame({"x": range(50_000), "y": ["abc"] * 50_000}).write_parquet(path, compression="uncompressed")
    whole = path.read_bytes()
    path.write_bytes(whole[:4] + bytes(200_000) + whole[200_004:])
    with pytest.raises(DataError, match=r"torn\.parquet"):
        profile(path)


def test_roles_and_targets_must_be_there() -> None:
    rows = {"user_id": [1, 2], "item_id": ["a", "b"], "when": ["noon", "noon"], "none": [None, None]}
    with pytest.raises(SchemaError, match="no column 'usr'"):
        profile(rows, {"user": "usr"})
    with pytest.raises(ArgumentError, match="who"):
        profile(rows, {"who": "user_id"})
    with pytest.raises(SchemaError, match="no column 'klick'"):
        profile(rows, targets=["klick"])
    with pytest.raises(DataError, match="no value that is a time"):
        profile(rows, {"user": "user_id", "item": "item_id", "time": "when"})
    with pytest.raises(DataError, match="no value at all"):
        profile(rows, {"user": "none", "item": "item_id"})
    with pytest.raises(DataError, match="numbers with fractions"):
        profile({"u": [1.5, 2.0], "i": [1, 2]}, {"user": "u", "item": "i"})


def test_hints() -> None:
    wines = pl.DataFrame(
        {
            "item_id": range(60),
            "grapes": ["['Merlot', 'Syrah']"] * 60,
            "genres": ["Drama|Comedy", "Action"] * 30,
            "avg_rating": [n / 7 for n in range(60)],
        }
    )
    first, second, third = profile(wines).hints
    assert first == "grapes holds a list written as text: split it into a list before it is encoded"
    assert second == "genres holds values separated by |: split it into a list before it is encoded"
    assert third.startswith("avg_rating may sum up events: take it as of the moment that training ends")
    values = [n * 0.37 for n in range(120)]
    paid = pl.DataFrame({"user_id": [1.0, 2.0] * 60, "item_id": [1, 2, 3] * 40, "paid": values})
    ids, context = profile(paid).hints
    assert ids == "user_id holds ids as floating point numbers: sl.scan makes whole numbers of them"
    assert context.startswith("paid belongs to the event, not to the user or the item: leave it out unless")


def test_words() -> None:
    assert [percent(x) for x in (0.0, 1.0, 0.5, 0.9999)] == ["0 %", "100 %", "50.0 %", ">99.9 %"]
    assert [number(x) for x in (0.0, 12345.6, float("nan"), 1e15)] == ["0", "12,346", "-", "1e+15"]
    assert [value(x) for x in (True, 2**60 + 1, 2.5, datetime(2024, 1, 1, 5), datetime(2024, 1, 1))] == [
        *("true", "1152921504606846977", "2.5", "2024-01-01 05:00", "2024-01-01"),
    ]
