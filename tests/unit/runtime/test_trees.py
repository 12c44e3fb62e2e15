import json
from pathlib import Path

import numpy as np
import pytest

from shortlist.data import Batch
from shortlist.errors import BundleError, DataError, ExportError
from shortlist.models.trees import LightGBM, TreeOptions, XGBoost
from shortlist.runtime import ServedTrees, load_encoder, load_ranker, load_trees, save_trees
from shortlist.schema import Column, Schema
from shortlist.scorers import read_forest

SCHEMA = Schema(
    [
        Column("age", "float32", ("user", "continuous")),
        Column("price", "float32", ("item", "continuous")),
        Column("click", "int8", ("target", "binary")),
    ]
)
BATCH = Batch({"age": np.arange(40.0), "price": np.arange(40.0) % 3})


@pytest.fixture(params=[LightGBM, XGBoost])
def model(request):
    made = request.param(SCHEMA, options=TreeOptions(trees=4, lr=0.5, threads=1))
    made.fit(made.rows(BATCH, np.arange(40) >= 20))
    return made


@pytest.fixture
def folder(model, tmp_path: Path) -> Path:
    save_trees(model.scorer, tmp_path / "part", inputs={"query": model.query_schema, "candidate": SCHEMA})
    return tmp_path / "part"


def test_trees_are_served_as_they_were_saved(model, folder):
    served = load_ranker(folder)
    assert isinstance(served, ServedTrees)
    np.testing.assert_array_equal(served.score(BATCH), model.score(BATCH))
    np.testing.assert_array_equal(served.contributions(BATCH), model.contributions(BATCH))
    assert served.schema.names == ("age", "price")
    assert repr(served).startswith("ServedTrees('click', ")
    assert len(served.fingerprint) == 16
    again = load_trees(folder, verify=False)
    assert again.fingerprint == served.fingerprint


def test_threads_do_not_change_scores(folder):
    one, two = (load_trees(folder, threads=threads).score(BATCH) for threads in (1, 2))
    np.testing.assert_array_equal(one, two)


def test_what_was_not_loaded_cannot_be_copied(model, tmp_path):
    with pytest.raises(ExportError, match="not loaded from a folder"):
        ServedTrees(model.scorer, fingerprint="").save(tmp_path / "copy")


def test_a_damaged_part_is_named(folder):
    with pytest.raises(BundleError, match="a part of kind 'trees'"):
        load_encoder(folder)
    forest = next(path for path in folder.iterdir() if path.stem in ("lightgbm", "xgboost"))
    forest.write_bytes(forest.read_bytes()[:-1] + b"x")
    with pytest.raises(BundleError, match="differs from its checksum"):
        load_ranker(folder)
    facts = json.loads((folder / "part.json").read_text())
    forest.write_bytes(b"nothing")
    facts["files"][forest.name]["bytes"] = 7
    (folder / "part.json").write_text(json.dumps(facts))
    with pytest.raises(BundleError, match="a model of"):
        load_trees(folder, verify=False)


def test_an_unknown_library():
    with pytest.raises(DataError, match="did you mean 'xgboost'"):
        read_forest("xgbost", b"")
