"""``shortlist embed``."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from shortlist.testing._texts import tiny_text_model

TABLE = "item_id,title,about\n7,red shoes,the hat\n8,,\n7,blue shoes,\n"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    tiny_text_model(tmp_path / "model")
    (tmp_path / "items.csv").write_text(TABLE)
    return tmp_path / "items.csv"


def embed(call: Any, table: Path, *more: object) -> tuple[int, str, str]:
    out, model = table.with_name("vectors.parquet"), table.with_name("model")
    found: tuple[int, str, str] = call(
        "embed", table, "--id", "item_id", "--text", "title", "--model", model, "--out", out, *more
    )
    return found


def test_texts_become_vectors_with_ids(call: Any, table: Path) -> None:
    code, out, err = embed(call, table, "--text", "about", "--cache", table.with_name("cache"))
    assert (code, out) == (0, "")
    assert "3 rows read, 2 kept" in err
    assert err.endswith("vectors.parquet, 2 vectors\n")
    found = pl.read_parquet(table.with_name("vectors.parquet"))
    assert found.schema == {"item_id": pl.Int64, "vector": pl.Array(pl.Float32, 4)}
    assert sorted(found["item_id"]) == [7, 8]
    assert found.filter(item_id=8)["vector"].to_list() == [[0.0] * 4]
    assert len(list(table.with_name("cache").rglob("*.arrow"))) == 1


def test_options_reach_the_model(call: Any, table: Path) -> None:
    def vector(*options: object) -> list[float]:
        assert embed(call, table, "--force", "--quiet", "--threads", 1, *options) == (0, "", "")
        found = pl.read_parquet(table.with_name("vectors.parquet")).filter(item_id=7)["vector"][0]
        return [round(value, 4) for value in found]

    given = [
        ("--no-normalize",),
        ("--pooling", "max"),
        ("--max-length", 3),
        ("--prefix", "the "),
        ("--normalize",),
    ]
    vectors = [vector(*options) for options in given]
    assert vectors[-1] == vector()
    assert len({tuple(one) for one in vectors}) == len(given)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (("--text", "titel"), "did you mean 'title'?"),
        (("--text", "item_id", "--text", "about"), "a scalar of int64"),
        (("--pooling", "best"), "pooling 'best'"),
        (("--max-length", "0"), "an integer >= 1"),
        (("--model", "nowhere"), "no such folder"),
        (("--id", "sku"), "sku"),
    ],
)
def test_what_is_wrong_is_told(call: Any, table: Path, more: tuple[str, ...], told: str) -> None:
    code, out, err = embed(call, table, *more)
    assert (code, out) == (2, "")
    assert told in err
    assert not table.with_name("vectors.parquet").exists()


def test_nothing_is_replaced_unasked(call: Any, table: Path) -> None:
    table.with_name("vectors.parquet").write_text("mine")
    code, _, err = embed(call, table)
    assert (code, "--force" in err) == (2, True)
    assert table.with_name("vectors.parquet").read_text() == "mine"


def test_a_model_without_a_graph_gets_one_in_the_cache(
    call: Any, table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (table.with_name("model") / "onnx" / "model.onnx").rename(table.with_name("kept.onnx"))
    (table.with_name("model") / "model.safetensors").write_bytes(b"0")
    code, _, err = embed(call, table)
    assert (code, "shortlist embed --cache" in err) == (2, True)
    asked: list[tuple[Path, Path]] = []

    def made(model: Path, cache: Path) -> Path:
        asked.append((model, cache))
        return tiny_text_model(cache / "models" / "made")

    monkeypatch.setattr("shortlist.export.served_text_model", made)
    code, _, err = embed(call, table, "--cache", table.with_name("cache"))
    assert (code, asked) == (0, [(table.with_name("model"), table.with_name("cache"))])
