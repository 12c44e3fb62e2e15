"""The click benchmark: what files hold, how they are prepared, how models are measured."""

import json

import numpy as np
import polars as pl
import pytest

from shortlist.cli import main
from shortlist.errors import ArgumentError, DataError, SchemaError
from shortlist.io import Dataset
from shortlist.recipes import SMALL_CTR, CtrBench, bench_ctr, guess_columns, planted_ctr, read_ctr
from shortlist.recipes._bench_ctr import ctr_flow
from shortlist.recipes._ctr_models import CTR_NETWORKS, CTR_TREES, ctr_settings
from shortlist.recipes._plateau_end import PlateauEnd
from shortlist.train import Epoch


def kinds(frame, **options):
    return {column.name: column.kind for column in guess_columns(frame, label="y", **options)}


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    return pl.DataFrame(
        {
            "y": rng.integers(0, 2, 2000),
            "I1": rng.integers(0, 30, 2000),
            "C1": rng.integers(0, 9, 2000),
            "user_id": rng.integers(0, 500, 2000),
            "hits": np.floor(rng.lognormal(3, 1.5, 2000)).astype(int),
            "dense": rng.random(2000),
            "hashed": rng.choice(rng.integers(0, 2**60, 30), 2000),
            "feature_7": rng.integers(100, 160, 2000),
            "weird": [f"{value:x}" for value in rng.integers(0, 50, 2000)],
            "row": np.arange(2000),
            "key": [f"k{place}" for place in range(2000)],
            "same": np.ones(2000, int),
            "flag": rng.random(2000) < 0.5,
            "whole": rng.integers(0, 5, 2000).astype(float),
            "user_hist": ["3^4", "5"] * 1000,
            "lists": pl.Series([["a"], []] * 1000),
            "hour": 14_102_100 + rng.integers(0, 4, 2000) * 100 + rng.integers(0, 24, 2000),
            "time_stamp": 1_494_000_000 + rng.integers(0, 500_000, 2000),
            "cost": rng.integers(0, 3, 2000),
            "when": pl.Series([0, 1] * 1000).cast(pl.Datetime),
        }
    )


def test_what_columns_hold_is_guessed(rows):
    assert kinds(rows) == {
        **dict.fromkeys(("I1", "hits", "dense"), "number"),
        **dict.fromkeys(
            ("C1", "user_id", "hashed", "feature_7", "weird", "flag", "whole", "cost"), "category"
        ),
        "hour": "hour",
        **dict.fromkeys(("user_hist", "lists"), "list"),
        **dict.fromkeys(("row", "key", "same", "when", "time_stamp"), "unused"),
    }
    told = kinds(rows, numbers=["C1"], categories=["I1", "hits"], separator=",")
    assert (told["C1"], told["I1"], told["hits"], told["user_hist"]) == ("number", *["category"] * 3)
    like = {column.name: column.like for column in guess_columns(rows, label="y")}
    assert (like["user_hist"], like["lists"]) == ("user_id", None)


def test_files_are_read_and_prepared(tmp_path):
    (tmp_path / "train.csv").write_text("y\tprice\tshop\tseen\n1\t-1.5\ta\tx^y\n0\t\tb\t\n1\t0.5\t\ty\n")
    (tmp_path / "test.csv").write_text("shop\ty\tprice\tseen\nc\t0\t3\tz^\n")
    pl.read_csv(tmp_path / "test.csv", separator="\t").write_parquet(tmp_path / "valid.parquet")
    paths = [tmp_path / name for name in ("train.csv", "valid.parquet", "test.csv")]
    files = read_ctr(*paths, label="y")
    np.testing.assert_allclose(files.train["price"][0], -np.log(2.5))
    assert files.train["price"][1] is None
    assert files.train["seen"].to_list() == [["x", "y"], [], ["y"]]
    assert files.test["seen"].to_list() == [["z"]]
    assert files.test["price"][0] == pytest.approx(np.log(4))
    assert str(files) == (
        "3 train, 1 valid, 1 test rows, 66.67% positive\n1 numbers: price; 1 categories: shop; 1 lists: seen"
    )
    flow = ctr_flow(files, ctr_settings(3)).fit(Dataset.of(files.train))
    assert set(flow.schema.names) == {"price", "price_filled", "shop", "seen"}


def test_an_hour_is_a_time_of_day_and_a_weekday(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("click,hour,C1\n" + "".join(f"{n % 2},141021{n % 24:02},{n % 12}\n" for n in range(48)))
    files = read_ctr(path, path, path, label="click")
    assert files.names("category") == ["C1", "hour_of_day", "hour_weekday"]
    assert files.train["hour_of_day"].to_list()[:3] == [0, 1, 2]
    assert set(files.train["hour_weekday"]) == {2}  # 21 October 2014 was a Tuesday
    assert "hour_of_day" in ctr_flow(files, ctr_settings(48)).fit(Dataset.of(files.train)).schema


def test_what_later_rows_hold_and_long_ids(tmp_path):
    path = tmp_path / "rows.csv"
    ids = [f"{10**18 + n},{n % 2},{n % 7}" for n in range(100_050)] + ["18446744073709551615,1,x"]
    path.write_text("\n".join(["key,click,C1", *ids]))
    files = read_ctr(path, path, path, label="click")
    assert files.train["C1"].dtype == pl.String
    assert files.names("unused") == ["key"]


def test_wrong_files_are_named(tmp_path):
    good = tmp_path / "good.csv"
    good.write_text("y,a\n1,2\n0,3\n")

    def read(text, label="y", **options):
        (tmp_path / "bad.csv").write_text(text)
        return read_ctr(tmp_path / "bad.csv", good, good, label=label, **options)

    with pytest.raises(SchemaError, match=r"did you mean 'click'"):
        read("click,a\n1,2\n", label="clik")
    with pytest.raises(SchemaError, match="no column 'b'"):
        read("y,a\n1,2\n", numbers=["b"])
    with pytest.raises(DataError, match="labels such as"):
        read("y,a\n1,2\n2,3\n")
    with pytest.raises(DataError, match="no rows"):
        read("y,a\n")
    with pytest.raises(SchemaError, match=r"no \['b'\]"):
        read("y,a,b\n1,2,3\n0,4,5\n")
    with pytest.raises(DataError, match="CSV or Parquet file"):
        read_ctr(tmp_path / "none.csv", good, good, label="y")
    (tmp_path / "text.parquet").write_text("no")
    with pytest.raises(DataError, match="CSV or Parquet file"):
        read_ctr(tmp_path / "text.parquet", good, good, label="y")


@pytest.fixture(scope="module")
def small():
    return read_ctr(*SMALL_CTR, label="click")


def test_the_small_set_is_the_planted_one(small):
    assert small.names("number") == ["I1", "I2", "price"]
    assert small.names("category") == ["user_id", "item_id", "C1", "C2"]
    history = small.columns[-1]
    assert (history.kind, history.like) == ("list", "item_id")
    assert pl.read_csv(SMALL_CTR[1]).equals(planted_ctr(600, seed=1))


def test_every_model_learns_and_is_measured(small, tmp_path):
    said: list[str] = []
    names = (*CTR_NETWORKS, *CTR_TREES)
    quick = CtrBench(models=names, epochs=2, batch_size=256, lr=0.01, dim=4, hidden=(16,), dropout=0.0)
    figures = bench_ctr(small, quick, log=said.append)
    assert list(figures.runs) == list(names)
    for name in names:
        assert figures.mean(name, "auc") > 0.53, name
        assert 0.4 < figures.mean(name, "logloss") < 1.0
    assert "4 categories" in said[0]
    assert any(text.startswith("dcnv2 seed 0 epoch 2: loss ") for text in said)
    figures.write_csv(tmp_path / "figures.csv")
    table = pl.read_csv(tmp_path / "figures.csv")
    assert table["model"].to_list() == list(names)
    assert table["auc"][0] == pytest.approx(figures.mean(names[0], "auc"))
    figures.write_html(tmp_path / "figures.html")
    assert "dcnv2" in (tmp_path / "figures.html").read_text()
    assert "one seed" in str(figures)


def test_models_without_their_columns_are_left_out(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("click,C1\n" + "".join(f"{n % 2},{n % 12}\n" for n in range(48)))
    files = read_ctr(path, path, path, label="click")
    said: list[str] = []
    figures = bench_ctr(files, CtrBench(models=("din", "neumf", "lr"), epochs=1), log=said.append)
    assert list(figures.runs) == ["lr"]
    assert sum("left out" in text for text in said) == 2
    with pytest.raises(ArgumentError, match="item_history beside item_id"):
        bench_ctr(files, CtrBench(models=("bst",)))


def test_seeds_give_a_deviation(small):
    quick = CtrBench(models=("lr",), seeds=2, epochs=1)
    figures = bench_ctr(small, quick)
    values = [run["auc"] for run in figures.runs["lr"]]
    assert figures.deviation("lr", "auc") == pytest.approx(abs(values[0] - values[1]) / np.sqrt(2))
    assert "±" in str(figures)
    assert json.loads(json.dumps(figures.to_json()))["runs"]["lr"][1]["auc"] == values[1]
    again = bench_ctr(small, CtrBench(models=("lr",), epochs=1))
    assert again.runs["lr"][0]["auc"] == values[0]


def test_training_ends_after_the_last_fall():
    said: list[str] = []
    end = PlateauEnd(said.append, patience=2, drops=1)
    metrics = [0.5, 0.4, 0.4, 0.6, 0.5, 0.6]
    ends = [end(Epoch(n, n, 0.1, metric, 0.1, 8, 2.0)) for n, metric in enumerate(metrics)]
    assert ends == [False] * 5 + [True]
    assert said[0] == "epoch 0: loss 0.1000, valid AUC 0.5000, 4 rows/s"
    assert PlateauEnd(said.append, patience=9, until=0.0)(Epoch(1, 1, 0.1, 0.5, 0.1, 8, 2.0))


def test_every_option_reaches_the_settings():
    given = {
        "dim": 4,
        "hidden": (8,),
        "dropout": 0.3,
        "batch_size": 7,
        "lr": 0.1,
        "l2": 0.2,
        "table_epochs": 1,
    }
    given |= {"epochs": 5, "patience": 6, "min_count": 9}
    use = CtrBench(**given).settings(10)
    assert {name: getattr(use, name) for name in given} == given
    sizes = [ctr_settings(rows) for rows in (10, 10**6, 10**7)]
    assert len(set(sizes)) == 3


def test_wrong_options_are_refused():
    with pytest.raises(ArgumentError, match="did you mean 'deepfm'"):
        CtrBench(models=("deepf",))
    with pytest.raises(ArgumentError, match="one model or more"):
        CtrBench(models=())
    with pytest.raises(ArgumentError, match=r"CtrBench.seeds"):
        CtrBench(seeds=0)


def test_the_command(capsys, tmp_path):
    options = ["--models", "lr", "--epochs", "1", "--hidden", "8", "--csv", str(tmp_path / "f.csv")]
    assert main(["bench", "ctr", "--small", *options, "--html", str(tmp_path / "f.html"), "--json"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["settings"]["hidden"] == [8]
    assert "lr seed 0" in told.err
    assert (tmp_path / "f.csv").exists()
    assert (tmp_path / "f.html").exists()
    train, valid, test = map(str, SMALL_CTR)
    files = ["--train", train, "--valid", valid, "--test", test, "--label", "click", "--quiet"]
    assert main(["bench", "ctr", *files, "--models", "lr", "--epochs", "1"]) == 0
    told = capsys.readouterr()
    assert told.err == ""
    assert "normalised entropy" in told.out
    assert main(["bench", "ctr", "--train", train]) == 2
    assert "--label" in capsys.readouterr().err
    assert main(["bench", "ctr", "--small", *files]) == 2
    assert "--small and files" in capsys.readouterr().err
