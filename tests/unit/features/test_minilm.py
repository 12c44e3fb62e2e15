"""A real model: all-MiniLM-L6-v2, against numbers that sentence-transformers 6.2.0 gives for it."""

import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from shortlist.data import Batch
from shortlist.export import served_text_model
from shortlist.features import Workflow, embed_texts, ops
from shortlist.io import Dataset

pytestmark = pytest.mark.data

TEXTS = [
    "A cat sits on the mat.",
    "A kitten is lying on a rug.",
    "The stock market fell today.",
    "Ein Text mit Umlauten: Äpfel und Öl",
    "word " * 400,
]
FIRST_FOUR = [
    [0.12654, -0.03285, -0.02906, 0.04441],
    [0.02781, 0.02306, 0.00992, 0.05061],
    [0.05121, 0.0157, 0.07028, 0.06919],
    [-0.02177, 0.02952, 0.02114, 0.01945],
    [-0.00812, -0.09559, -0.03867, 0.04966],
]
COSINES = [
    [1.0, 0.5693, 0.103, -0.015, 0.0851],
    [0.5693, 1.0, 0.1004, -0.0391, 0.1284],
    [0.103, 0.1004, 1.0, 0.0197, 0.0858],
    [-0.015, -0.0391, 0.0197, 1.0, 0.1185],
    [0.0851, 0.1284, 0.0858, 0.1185, 1.0],
]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = os.environ.get("SHORTLIST_MINILM")
    if source is None:
        pytest.fail("SHORTLIST_MINILM must be the folder of the model; make test-data sets it")
    # transformers and the exporter warn of their own affairs
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return served_text_model(source, tmp_path_factory.mktemp("minilm"))


def test_vectors_are_those_of_sentence_transformers(model: Path) -> None:
    vectors = embed_texts(TEXTS, ops.TextEmbed(model))
    assert vectors.shape == (5, 384)
    assert np.abs(vectors[:, :4] - FIRST_FOUR).max() < 1e-5
    assert np.abs(vectors @ vectors.T - COSINES).max() < 1e-4


def test_both_paths_and_a_loaded_workflow_agree(model: Path, tmp_path: Path) -> None:
    data = Dataset.of(pl.DataFrame({"text": [*TEXTS, None, ""]}))
    flow = Workflow(["text" >> ops.TextEmbed(model, cache=tmp_path / "cache")]).fit(data)
    offline = flow.transform(data).collect()["text"].to_numpy()
    flow.save(tmp_path / "flow")
    loaded = Workflow.load(tmp_path / "flow")
    texts: Any = np.array([*TEXTS, None, ""], dtype=object)
    online = loaded.transform_batch(Batch({"text": texts}))["text"]
    assert isinstance(online, np.ndarray)
    assert np.abs(online - offline).max() < 1e-5
    for row, text in enumerate(TEXTS):
        one = Workflow.load(tmp_path / "flow") if row == 0 else loaded
        alone = one.transform_batch(Batch({"text": texts[row : row + 1]}))["text"]
        assert np.abs(alone - offline[row]).max() < 1e-5, text  # type: ignore[operator]
