"""Readers give what the files hold; generators give the truth they plant."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from shortlist.datasets import aliccp, movielens_100k, online_retail, planted
from shortlist.errors import ArgumentError, DataError
from shortlist.testing._io import assert_accounted

ROOT = Path(__file__).parents[3]


def test_online_retail_is_read_whole() -> None:
    data = online_retail(ROOT)
    assert_accounted(data)
    assert data.report is not None
    assert (data.report.read, data.report.left_out["missing user"]) == (541_909, 135_080)
    # 406,829 lines name a customer; 401,604 of them are distinct.
    assert data.report.left_out["exact duplicate"] == 5_225
    assert data.report.left_out["cancellation"] + data.report.left_out["cancellation of nothing"] == 8_872
    assert (data.schema.user.dtype, data.schema.item.dtype) == ("int64", "string")
    assert data.schema.tagged("name").names == ("Description",)
    frame = data.collect()
    assert frame["Quantity"].min() > 0  # type: ignore[operator]
    assert frame["StockCode"].str.contains(r"^\d").all()


def test_online_retail_says_where_it_looked(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no onlineretail\.parquet under .*pass the path of a clone"):
        online_retail(tmp_path)


def write_movielens(folder: Path) -> None:
    (folder / "ml-100k.inter").write_text(
        "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"
        "1\t2\t3\t881250949\n1\t3\t5\t881250950\n2\t2\t4\t881250951\n"
    )
    (folder / "ml-100k.user").write_text(
        "user_id:token\tage:token\tgender:token\toccupation:token\tzip_code:token\n"
        "1\t24\tM\twriter\t08544\n2\t53\tF\tother\t94043\n"
    )
    (folder / "ml-100k.item").write_text(
        "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\n"
        '2\tA "Film"\t1995\tComedy Drama\n3\tOther\tV\tWar\n'
    )


def test_movielens_joins_its_three_files(tmp_path: Path) -> None:
    write_movielens(tmp_path)
    data = movielens_100k(tmp_path)
    assert_accounted(data)
    row = data.collect().row(0, named=True)
    assert (row["user_id"], row["item_id"], row["rating"], row["movie_title"]) == (1, 2, 3.0, 'A "Film"')
    assert (row["age"], row["zip_code"], row["class"], row["release_year"]) == (
        24,
        "08544",
        ["Comedy", "Drama"],
        1995,
    )
    assert data.collect()["release_year"].to_list() == [1995, None, 1995]
    assert data.schema["age"].has("user", "continuous")
    (tmp_path / "ml-100k.user").unlink()
    with pytest.raises(DataError, match=r"ml-100k\.user.*recbole"):
        movielens_100k(tmp_path)


def test_aliccp_has_the_columns_and_no_signal_but_popularity() -> None:
    data = aliccp(300_000, seed=1)
    frame = data.collect()
    assert len(data.schema) == 26
    assert data.schema.tagged("target").names == ("click", "conversion")
    assert frame["item_id"].min() == 1
    # The k most popular ids hold the mass of the lognormal around its mode exp(2) = 7.39: about .306 for 10.
    top = frame["item_id"].value_counts(sort=True)["count"][:10].sum() / frame.height
    assert top == pytest.approx(0.306, abs=0.003)
    clicks = frame.group_by("item_id").agg(pl.len(), pl.col("click").mean()).filter(pl.col("len") > 3_000)
    assert (clicks["click"] - 0.5).abs().max() < 0.04  # type: ignore[operator]
    assert frame["time"].is_sorted()
    assert aliccp(10, seed=1).collect().equals(aliccp(10, seed=1).collect())
    assert not aliccp(10, seed=2).collect().equals(aliccp(10, seed=1).collect())


def test_aliccp_features_are_cuts_of_their_parent() -> None:
    frame = aliccp(50_000).collect()
    for parent, feature, bins in (("user_id", "user_age", 7), ("item_id", "item_category", 8_580)):
        low, high = frame[parent].min(), frame[parent].max()
        share = (frame[parent] - low) / (high - low)  # type: ignore[operator]
        expected = np.maximum(np.ceil(share.to_numpy() * bins), 1)
        assert (frame[feature].to_numpy() == expected).all()
    assert frame["position"].unique().sort().to_list() == [1, 2, 3]


def test_aliccp_of_few_rows() -> None:
    assert aliccp(0).count() == 0
    assert aliccp(1).collect()["user_age"].item() == 4
    with pytest.raises(ArgumentError, match="rows"):
        aliccp(-1)


def test_planted_chances_are_chances() -> None:
    truth = planted(users=30, items=50, events=0, groups=5).truth
    scores = truth.oracle_scores(np.arange(30))
    assert scores.shape == (30, 50)
    np.testing.assert_allclose(scores.sum(1), 1.0, rtol=1e-12)
    # A user's items come from the groups liked .75 and .25 with chance signal, from anywhere otherwise.
    own = truth.group_of_item == truth.taste[0].argmax()
    share = truth.popularity[own].sum()
    assert scores[0, own].sum() == pytest.approx(0.8 * 0.75 + 0.2 * share)


def test_the_planted_log_follows_its_truth() -> None:
    log = planted(users=200, items=100, events=40_000, groups=10, seed=5)
    frame = log.events.collect()
    users = frame["user_id"].to_numpy()
    codes = {name: code for code, name in enumerate(log.truth.item_ids)}
    items = np.array([codes[name] for name in frame["item_id"]])
    best = np.argsort(-log.truth.oracle_scores(np.arange(200)), axis=1)[:, :10]
    hits = (best[users] == items[:, None]).any(1).mean()
    assert hits == pytest.approx(log.truth.oracle_recall(users), abs=0.01)
    popular = frame["item_id"].value_counts(sort=True)["item_id"][:10]
    assert frame["item_id"].is_in(popular.implode()).mean() == pytest.approx(
        log.truth.popularity_recall(users), abs=0.01
    )
    assert log.truth.oracle_recall(users) > 1.5 * log.truth.popularity_recall(users)
    assert frame["time"].is_sorted()


def test_planted_features_point_at_the_groups() -> None:
    log = planted(users=2_000, items=1_000, events=10, groups=4)
    category = log.items.collect()["category"].str.slice(1).cast(pl.Int64).to_numpy()
    # .9 tell the truth and a quarter of the rest does by chance.
    assert (category == log.truth.group_of_item).mean() == pytest.approx(0.925, abs=0.03)
    segment = log.users.collect()["segment"].str.slice(1).cast(pl.Int64).to_numpy()
    assert (segment == log.truth.taste.argmax(1)).mean() == pytest.approx(0.925, abs=0.03)


def test_planted_options_change_the_log() -> None:
    first = planted(100, 50, 500).events.collect()
    assert first.equals(planted(100, 50, 500).events.collect())
    for options in ({"seed": 1}, {"groups": 5}, {"signal": 0.1}, {"skew": 0.1}, {"days": 3}):
        assert not first.equals(planted(100, 50, 500, **options).events.collect()), options  # type: ignore[arg-type]
    for wrong in ({"groups": 1}, {"groups": 51}, {"signal": 1.5}, {"days": 0}, {"users": 0}, {"events": -1}):
        with pytest.raises(ArgumentError, match="planted"):
            planted(**{"users": 100, "items": 50, "events": 5, **wrong})  # type: ignore[arg-type]
    assert planted(1, 2, 0, groups=2).truth.oracle_recall(np.array([], np.int64)) == 0.0
