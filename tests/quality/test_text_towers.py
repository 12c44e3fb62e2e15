"""A sentence-transformers model within a tower: what it reads, what is trained, and what is exported."""

import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

import shortlist as sl
from shortlist import ops, tags
from shortlist.data import Batch
from shortlist.export import export_encoder, served_text_model
from shortlist.runtime import load_encoder

pytestmark = pytest.mark.data

WIDTH = 384
TITLES = ["a red wine of Bordeaux", "a white wine", "an old computer game", "a game of dice and wine"]


@pytest.fixture(scope="module")
def folder() -> Path:
    place = os.environ.get("SHORTLIST_MINILM")
    if place is None:
        pytest.fail("SHORTLIST_MINILM must be a sentence-transformers folder; make test-data sets it")
    return Path(place)


@pytest.fixture(scope="module")
def log() -> sl.Dataset:
    rows = pl.DataFrame(
        {
            "user": [user for user in range(60) for _ in range(3)],
            "item": [4 * step + user % 4 for user in range(60) for step in range(3)],
            "title": [TITLES[user % 4] for user in range(60) for _ in range(3)],
        }
    )
    return sl.scan(rows, roles={"user": "user", "item": "item"}).tag("title", "item", "text")


@pytest.fixture(scope="module")
def flow(folder: Path, log: sl.Dataset) -> sl.Workflow:
    return sl.Workflow(
        [tags.any("id") >> ops.Categorify(), "title" >> ops.Tokenize(folder, max_length=16)]
    ).fit(log)


def test_the_encoder_in_a_tower_is_the_encoder_alone(
    folder: Path, flow: sl.Workflow, log: sl.Dataset, tmp_path: Path
) -> None:
    text = sl.read_text_tower(folder, WIDTH, layers=0).eval()
    with torch.no_grad():
        text.map[0].weight.copy_(torch.eye(WIDTH))
    batch = flow.transform_batch(Batch({"title": np.array([*TITLES, None], dtype=object)}))
    with torch.no_grad():
        vectors = text(torch.from_numpy(batch["title"].padded(16))).numpy()
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    alone = ops.TextEmbed(served_text_model(folder, tmp_path), max_length=16).embedder()
    np.testing.assert_allclose(vectors, alone.embed([*TITLES, None]), atol=1e-5)


def test_two_layers_are_trained_and_exported(
    folder: Path, flow: sl.Workflow, log: sl.Dataset, tmp_path: Path
) -> None:
    text = sl.read_text_tower(folder, 16, layers=2)
    frozen = {name: value.clone() for name, value in text.encoder.state_dict().items()}
    model = sl.TwoTower(flow.schema, dim=16, item=sl.TowerOptions(text={"title": text}, id_dropout=1.0))
    objective = sl.SampledSoftmax(0.1, sl.InBatch() + sl.Uniform(12), mask_known=False)
    options = sl.FitOptions(epochs=3, batch_size=90, optimization=sl.Optimization(dense_lr=1e-4))
    report = sl.fit(model, flow.transform(log), objective, options=options)
    assert report.epochs[-1].loss < report.epochs[0].loss
    after = text.encoder.state_dict()
    moved = {name.split(".")[2] for name, old in frozen.items() if not torch.equal(old, after[name])}
    assert moved == {"4", "5"}  # of six layers
    part = export_encoder(model, tmp_path / "part")
    assert part.parity < 1e-5
    batch = flow.transform_batch(Batch({"title": np.array(TITLES, dtype=object), "item": np.arange(4)}))
    served = load_encoder(tmp_path / "part").encode_item(batch)
    np.testing.assert_allclose(served, model.encode_item(batch), atol=1e-5)
