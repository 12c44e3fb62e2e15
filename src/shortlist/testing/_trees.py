"""What trees as rankers must do, whatever library grows them.

Each check takes ``make``, which builds an unfitted model of the planted schema, for a goal and a seed.
"""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import polars as pl
import pytest

from shortlist.data import Batch, Ragged
from shortlist.errors import ArgumentError, DataError, NotFittedError, SchemaError
from shortlist.io import Dataset
from shortlist.metrics import auc, ndcg_within
from shortlist.rng import generator
from shortlist.runtime import load_ranker, save_trees
from shortlist.schema import LIST, Column, Domain, Schema
from shortlist.testing._models import ranking_batch

__all__ = ["PLANTED", "TREE_CHECKS", "planted_rows"]

Make = Callable[[str, int], Any]

PLANTED = Schema(
    [
        Column("group", "int64", ("user", "categorical"), domain=Domain("group", 8)),
        Column("age", "float32", ("user", "continuous")),
        Column("genres", "int64", ("item", "categorical"), LIST, Domain("genres", 6)),
        Column("shop", "int64", ("item", "categorical"), domain=Domain("shop", 30)),
        Column("price", "float32", ("item", "continuous")),
        Column("pair", "float32", ("cross", "continuous")),
        Column("click", "int8", ("target", "binary")),
        Column("request", "int64", ("request",)),
    ]
)


def planted_rows(requests: int, seed: int = 0) -> Dataset:
    """Five candidates a request; the one of the group's own genre whose pair is known is taken.

    A fifth of the prices and half of the pairs are missing.
    """
    rng = generator(seed, "planted trees")
    rows = requests * 5
    group = np.repeat(rng.integers(2, 6, requests), 5)
    genre = rng.integers(2, 6, rows)
    pair = rng.random(rows) < 0.5
    frame = pl.DataFrame(
        {
            "group": group,
            "age": rng.normal(size=rows).astype(np.float32),
            "genres": pl.Series([[int(one), 2] for one in genre], dtype=pl.List(pl.Int64)),
            "shop": rng.integers(1, 30, rows),
            "price": pl.Series(np.where(rng.random(rows) < 0.2, np.nan, 1.0), dtype=pl.Float32).fill_nan(
                None
            ),
            "pair": pl.Series(np.where(pair, 1.0, np.nan), dtype=pl.Float32).fill_nan(None),
            "click": ((genre == group) & pair).astype(np.int8),
            "request": np.repeat(np.arange(requests), 5),
        }
    )
    return Dataset.of(frame, PLANTED)


def check_planted_truth_is_found(make: Make) -> None:
    """Held-out rows are told apart, also where what decides is whether a value is missing."""
    fitted, held = _fitted(make, "binary"), _batch(5)
    assert auc(held.labels, fitted.scorer.score(held.batch)) > 0.99
    assert len(fitted.curve) >= fitted.scorer.forest.trees


def check_candidates_are_ordered_within_requests(make: Make) -> None:
    """LambdaMART puts what was taken first, whatever the order of the rows."""
    fitted, held = _fitted(make, "lambdarank"), _batch(5)
    values = ndcg_within(held.labels, fitted.score(held.batch), held.groups)
    assert np.nanmean(values) > 0.97


def check_numbers_are_predicted(make: Make) -> None:
    """Squared error comes close to the labels."""
    fitted, held = _fitted(make, "regression"), _batch(5)
    assert np.square(fitted.score(held.batch) - held.labels).mean() < 0.05


def check_any_number_of_candidates(make: Make) -> None:
    """Scores are probabilities, one a candidate; queries repeated or not, alone or together, get the same."""
    fitted = _fitted(make, "binary")
    batch = ranking_batch(fitted.query_schema, fitted.candidate_schema, [0, 0, 0, 1, 2, 2])
    scores = fitted.score(batch)
    assert scores.shape == (6,)
    assert scores.dtype == np.float32
    assert ((scores >= 0) & (scores <= 1)).all()
    np.testing.assert_array_equal(fitted.score(batch.flat()), scores)
    for rows in ([], [1], [5, 0]):
        part = fitted.score(batch.take(np.array(rows, dtype=np.int64)))
        np.testing.assert_array_equal(part, scores[rows])


def check_contributions_add_up(make: Make) -> None:
    """SHAP values of a row add up to its log odds; what says nothing adds little."""
    fitted, held = _fitted(make, "binary"), _batch(5)
    shares = fitted.contributions(held.batch)
    assert shares.shape == (len(held.labels), len(fitted.columns.names) + 1)
    odds = np.exp(-np.logaddexp(0.0, -shares.sum(axis=1)))
    np.testing.assert_allclose(odds, fitted.score(held.batch), atol=1e-4)
    mean = dict(zip(fitted.columns.names, np.abs(shares).mean(axis=0), strict=False))
    assert mean["pair"] > 10 * mean["age"]
    gains = fitted.scorer.gains()
    assert gains["pair"] > 2 * gains["age"]
    np.testing.assert_allclose(sum(gains.values()), 1)


def check_seeds_reproduce(make: Make) -> None:
    """One seed gives one forest, and another seed another where something is drawn."""
    texts = [_fitted(make, "binary", seed).scorer.forest.text() for seed in (3, 3, 4)]
    assert texts[0] == texts[1]
    assert texts[0] != texts[2]


def check_saved_trees_score_the_same(make: Make) -> None:
    """A part folder holds text alone, and gives identical scores."""
    fitted, held = _fitted(make, "binary"), _batch(5)
    with TemporaryDirectory() as root:
        folder = Path(root) / "part"
        inputs = {"query": fitted.query_schema, "candidate": fitted.candidate_schema}
        save_trees(fitted.scorer, folder, inputs=inputs)
        loaded = load_ranker(folder)
        assert sorted(path.suffix for path in folder.iterdir()) in ([".json"] * 3, [".json", ".json", ".txt"])
        np.testing.assert_array_equal(loaded.score(held.batch), fitted.score(held.batch))
        loaded.save(Path(root) / "copy")
        np.testing.assert_array_equal(
            load_ranker(Path(root) / "copy").score(held.batch), fitted.score(held.batch)
        )


def check_weights_count(make: Make) -> None:
    """Rows of no weight teach nothing."""
    held, model = _batch(5), make("binary", 0)
    rows = model.rows(held.batch, held.labels, weights=np.where(held.labels == 1, 0.0, 1.0))
    model.fit(rows)
    assert model.score(held.batch).max() < 0.2


def check_wrong_rows_are_refused(make: Make) -> None:
    """What is missing or unknown is named."""
    held = _batch(5)
    model = make("lambdarank", 0)
    with pytest.raises(NotFittedError, match="no trees"):
        model.score(held.batch)
    with pytest.raises(ArgumentError, match="rows without requests"):
        model.fit(model.rows(held.batch, held.labels))
    with pytest.raises(DataError, match="whole grades"):
        model.fit(model.rows(held.batch, held.labels + 0.5, groups=held.groups))
    with pytest.raises(DataError, match="labels 0 and 1"):
        make("binary", 0).fit(model.rows(held.batch, held.labels * 2))
    with pytest.raises(ArgumentError, match="'auc'"):
        make("binary", 0).fit(model.rows(held.batch, held.labels), metric="ndcg@10")
    with pytest.raises(SchemaError, match="pair"):
        model.rows(held.batch.select([name for name in held.batch if name != "pair"]), held.labels)


TREE_CHECKS = (
    check_planted_truth_is_found,
    check_candidates_are_ordered_within_requests,
    check_numbers_are_predicted,
    check_any_number_of_candidates,
    check_contributions_add_up,
    check_seeds_reproduce,
    check_saved_trees_score_the_same,
    check_weights_count,
    check_wrong_rows_are_refused,
)


class _Held:
    def __init__(self, data: Dataset) -> None:
        frame = data.collect()
        self.batch = Batch(
            {column.name: _array(frame[column.name]) for column in PLANTED.without("click", "request")}
        )
        self.labels = frame["click"].to_numpy().astype(np.float64)
        self.groups = frame["request"].to_numpy()


def _array(series: pl.Series) -> Any:
    if series.dtype == pl.List:
        return Ragged.of(series.to_list(), np.int64)
    return series.cast(pl.Float64).fill_null(np.nan).to_numpy()


def _batch(seed: int) -> _Held:
    return _Held(planted_rows(200, seed))


def _fitted(make: Make, goal: str, seed: int = 0) -> Any:
    from shortlist.train import fit

    model = make(goal, seed)
    shuffled = planted_rows(400, 1).collect().sample(fraction=1.0, shuffle=True, seed=1)
    fit(model, Dataset.of(shuffled, PLANTED), valid=planted_rows(100, 2))
    return model
