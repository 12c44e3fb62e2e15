"""A model and its index belong together, and an index may live."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shortlist import index
from shortlist.bundle import Writer
from shortlist.data import Requests
from shortlist.errors import PipelineError
from shortlist.features import Workflow
from shortlist.pipeline import Match, Merge, Pipeline, Retrieve, State, build_index, write_pipeline


@dataclass
class Wide:
    dim: int = 7
    fingerprint: str = ""


def tower_part(model: Any, folder: Path) -> None:
    """What stands for an exported model."""
    (folder / "part.json").write_text(json.dumps({"fingerprint": "f1"}))


@pytest.fixture
def written(tower: Any, flow: Workflow, state: State, tmp_path: Path) -> Callable[[Any], Path]:
    def write(vectors: Any) -> Path:
        one = Retrieve(tower, vectors, flow, k=3)
        pipe = Pipeline([Merge(one, name="both"), Match(tower, vectors, flow)], state=state)
        with Writer(tmp_path / "bundle") as writer:
            write_pipeline(pipe, writer, {"encoder": tower_part})
        return tmp_path / "bundle"

    return write


@pytest.mark.parametrize("stage", [Retrieve, Match])
def test_an_index_of_another_width_or_model_is_refused(
    stage: Any, flow: Workflow, vectors: index.VectorIndex
) -> None:
    with pytest.raises(PipelineError, match=r"expected width 7, .* width 6"):
        stage(Wide(), vectors, flow)
    known = index.build(np.eye(6, dtype=np.float32), range(6), fingerprint="old")
    assert stage(Wide(6, "old"), known, flow).index is known
    with pytest.raises(PipelineError, match=r"model 'new', which .* received .* model 'old'"):
        stage(Wide(6, "new"), known, flow)


def test_a_bundle_says_of_which_model_its_index_is(
    written: Callable[[Any], Path], tower: Any, flow: Workflow, state: State
) -> None:
    folder = written(build_index(tower, flow, state))
    assert index.load(folder / "index", fingerprint="f1").facts.model == "f1"


def test_an_index_of_the_model_as_it_was_is_not_written(
    written: Callable[[Any], Path], tower: Any, flow: Workflow, state: State
) -> None:
    built = build_index(tower, flow, state)
    tower.encode_item = lambda batch: -np.eye(6, dtype=np.float32)[batch.array("item") - 3]
    with pytest.raises(PipelineError, match=r"stage 'retrieve'.*build the index again"):
        written(built)


def test_coded_vectors_are_those_of_the_model(
    written: Callable[[Any], Path], tower: Any, flow: Workflow, state: State
) -> None:
    assert (written(build_index(tower, flow, state, kind="sq8")) / "index" / "index.json").is_file()


def test_an_index_without_items_belongs_to_any_model(written: Callable[[Any], Path], tower: Any) -> None:
    assert written(index.build(np.zeros((0, 6), np.float32), [])).is_dir()


def test_a_live_index_in_a_pipeline(tower: Any, flow: Workflow, state: State, tmp_path: Path) -> None:
    index.publish(build_index(tower, flow, state, kind="exact"), tmp_path / "live")
    live = index.LiveIndex(tmp_path / "live").open()
    stages = [Retrieve(tower, live, flow, k=5), Match(tower, live, flow)]
    pipe = Pipeline(stages, state=state, fallback=None)
    asked = Requests(["bob"], 5)
    before = pipe.run(asked)
    assert sorted(before.items.tolist()) == [0, 1, 2, 3, 4]
    live.delete([30])
    live.upsert([10, 99], np.array([[9, 9, 9, 9, 9, 9], [1, 1, 1, 1, 1, 1]], np.float32))
    after = pipe.run(asked)
    assert after.items.tolist()[0] == 0  # item 10 has the longest vector now
    assert sorted(after.items.tolist()) == [0, 1, 3, 4]  # 30 is gone, and 99 is not in the catalogue
    assert after.columns["match_score"][0] > before.columns["match_score"].max()
    live.roll_back("000001")
    with Writer(tmp_path / "bundle") as writer:
        index.LiveIndex(tmp_path / "live").open().save(writer.part("index", "index"))
    assert len(index.load(tmp_path / "bundle" / "index")) == 5


def test_a_run_sees_one_version_of_a_live_index(
    tower: Any, flow: Workflow, state: State, tmp_path: Path
) -> None:
    index.publish(build_index(tower, flow, state), tmp_path)
    live = index.LiveIndex(tmp_path).open()
    run = state.for_run()
    first = run.index_now(live)
    live.delete([10])
    assert run.index_now(live) is first
    assert state.for_run().index_now(live) is live.current
