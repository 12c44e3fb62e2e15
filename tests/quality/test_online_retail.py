"""The standard recipe on Online Retail: better than what stands beside it, over three seeds."""

from pathlib import Path

import numpy as np
import pytest

from shortlist import datasets, recipes

SEEDS = (0, 1, 2)
SIMPLE = ("popular", "popular, 30 days", "item-kNN")


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> list[recipes.Fitted]:
    folder: Path = tmp_path_factory.mktemp("retail")
    log = datasets.online_retail()
    return [recipes.fit(log, out=folder / str(seed), options=recipes.FitRecipe(seed=seed)) for seed in SEEDS]


@pytest.mark.slow
def test_the_pipeline_beats_popularity_repeats_and_item_knn(fitted: list[recipes.Fitted]) -> None:
    for run in fitted:
        kept, filtered = run.evaluations
        for other in (*SIMPLE, "own repeats"):
            assert kept.difference("pipeline", other, "ndcg@10").low > 0
        for other in SIMPLE:
            assert filtered.difference("pipeline", other, "ndcg@10").low > 0
        assert {"EASE", "iALS"} <= {*kept.models} & {*filtered.models}


@pytest.mark.slow
def test_ranking_adds_to_retrieval(fitted: list[recipes.Fitted]) -> None:
    for place in (0, 1):
        differences = []
        for run in fitted:
            stages = run.stages[place]
            score = next(name for name in stages.models if name.endswith("score"))
            before = stages.models[stages.models.index(score) - 1]
            differences.append(stages.difference(score, before, "ndcg@10"))
        assert np.mean([one.difference for one in differences]) > 0
        assert min(one.low for one in differences) > 0
