import pytest

from shortlist.errors import ArgumentError
from shortlist.report import Table


def test_numbers_stand_right_and_words_left() -> None:
    table = Table(("model", "ndcg@10", "n"), [("a", 0.5, 10), ("long name", None, 2)], title="T", note="end")
    assert str(table).splitlines() == [
        "T",
        "model      ndcg@10   n",
        "a            .5000  10",
        "long name        -   2",
        "end",
    ]


def test_nan_is_a_dash_and_minus_is_kept() -> None:
    assert str(Table(("x",), [(float("nan"),), (-0.25,), (12.5,)])).split() == ["x", "-", "-.2500", "12.5000"]


def test_html_escapes_every_cell() -> None:
    assert "<script>" not in Table(("<script>",), [("<script>",)]).html()


def test_no_rows_is_a_table_too() -> None:
    assert str(Table(("a", "b"), [])) == "a  b"
    assert Table(("a",), []).markdown() == "| a |\n|---|"


def test_a_row_must_fit_the_columns() -> None:
    with pytest.raises(ArgumentError, match="2 cells, one for each column"):
        Table(("a", "b"), [("x",)])
