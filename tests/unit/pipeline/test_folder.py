import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shortlist import pipeline
from shortlist.bundle import Reader, Writer
from shortlist.data import Requests
from shortlist.errors import BundleError, PipelineError
from shortlist.features import Workflow
from shortlist.pipeline import (
    Apply,
    Boost,
    Cache,
    Cap,
    Diversify,
    Drop,
    Explore,
    Fallback,
    Learned,
    Limit,
    Listed,
    Lookup,
    Merge,
    Pin,
    Pipeline,
    Popular,
    Repeats,
    Retrieve,
    Score,
    Source,
    State,
    Take,
    load_stages,
    save_stages,
    write_pipeline,
)


class Kept(dict[str, Any]):
    """Parts in memory."""

    def write(self, kind: str, part: Any) -> str:
        self[kind] = part
        return kind


@pytest.fixture
def pipe(tower: Any, cheap: Any, vectors: Any, flow: Workflow, state: State) -> Pipeline:
    sources = (
        Retrieve(tower, vectors, flow, k=4, timeout_ms=9, where="stock > 0", trained_until=601),
        Repeats(k=3),
        Popular(k=3, window="30d", refresh_s=5, name="recent"),
        Learned(cheap, trained_until=5),
    )
    stages = [
        Merge(*sources),
        Drop(seen=True, where="price > 9", unless="stock > 0", reason="sold out"),
        Score(cheap, flow),
        Take(2),
    ]
    return Pipeline(stages, state=state, fallback=Popular(k=7))


def test_stages_are_plain_data_and_back(pipe: Pipeline) -> None:
    parts = Kept()
    plain = json.loads(json.dumps(save_stages(pipe, parts.write)))
    stages, fallback = load_stages(plain, parts.__getitem__)
    assert fallback == pipe.fallback
    assert stages[1:] == pipe.stages[1:]
    assert isinstance(stages[0], Source)
    again = json.loads(
        json.dumps(save_stages(Pipeline(stages, state=pipe.state, fallback=None), parts.write))
    )
    assert again["stages"] == plain["stages"]
    assert again["fallback"] is None
    assert load_stages(again, parts.__getitem__)[1] is None


@pytest.mark.parametrize(
    ("stage", "words"),
    [
        ({"kind": "tak", "k": 3}, "did you mean 'take'"),
        ({"k": 3}, "a stage of kind None"),
        ({"kind": "take", "n": 3}, "options of this version"),
        ({"kind": "score", "name": "x"}, "options of this version"),
    ],
)
def test_unknown_stages_are_refused(stage: dict[str, Any], words: str) -> None:
    with pytest.raises(BundleError, match=words):
        load_stages({"stages": [stage], "fallback": None}, {}.__getitem__)


def test_functions_cannot_be_saved(state: State) -> None:
    same = Apply(lambda _r, candidates, _s: candidates, "same")
    source = Apply(lambda _r, candidates, _s: candidates, "mine", (), ("candidates",))
    with pytest.raises(PipelineError, match="to_plain"):
        save_stages(Pipeline([Popular(), same], state=state), Kept().write)
    with pytest.raises(PipelineError, match="to_plain"):
        save_stages(Pipeline([Merge(source, Popular())], state=state), Kept().write)


def test_parts_without_a_way_to_be_saved_are_named(pipe: Pipeline, tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match="'encoder'"), Writer(tmp_path / "bundle") as writer:
        write_pipeline(pipe, writer, {})
    assert not (tmp_path / "bundle").exists()


@pytest.fixture
def saved(state: State, flow: Workflow, vectors: Any, tower: Any, tmp_path: Path) -> Path:
    frozen = State(store=state.store, now=450)
    pipe = Pipeline([Merge(Repeats(), Popular(k=4)), Drop(unless="stock > 0"), Take(3)], state=frozen)
    with Writer(tmp_path / "bundle", {"who": "test"}) as writer:
        write_pipeline(pipe, writer, {})
    return tmp_path / "bundle"


_FRESH = """
import json, sys
from shortlist.pipeline import load
frame = load(sys.argv[1]).recommend(["ann", "bob", None], k=3, columns=["name"])
print(json.dumps([frame.rows(), sorted(m for m in sys.modules if m.split(".")[0] in ("torch", "shortlist"))]))
"""


def test_a_fresh_process_gives_the_same_without_torch(saved: Path, state: State) -> None:
    here = pipeline.load(saved)
    assert here.state.now == 450
    run = subprocess.run(
        [sys.executable, "-c", _FRESH, str(saved)], check=True, capture_output=True, text=True
    )
    rows, modules = json.loads(run.stdout)
    assert [tuple(row) for row in rows] == here.recommend(["ann", "bob", None], k=3, columns=["name"]).rows()
    assert [row[:3] for row in rows] == [["ann", 1, 10], ["bob", 1, 10], [None, 1, 10]]
    assert not [
        name for name in modules if name.split(".")[0] == "torch" or "models" in name or "train" in name
    ]


def test_parts_that_stages_share_are_written_once(
    tower: Any, cheap: Any, vectors: Any, flow: Workflow, state: State, tmp_path: Path
) -> None:
    def export(_part: Any, folder: Path) -> None:
        (folder / "part").write_text("x")

    stages = [Retrieve(tower, vectors, flow), Score(cheap, flow), Score(tower, flow, name="again")]
    with Writer(tmp_path / "bundle") as writer:
        write_pipeline(Pipeline(stages, state=state), writer, {"encoder": export, "ranker": export})
    bundle = Reader(tmp_path / "bundle").open()
    kinds = {"encoder": "encoder", "index": "index", "flow": "flow", "ranker": "ranker", "store": "store"}
    assert bundle.parts == kinds
    stages_page = bundle.page("stages")["stages"]
    assert [stage.get("flow") for stage in stages_page] == ["flow"] * 3
    assert stages_page[2]["ranker"] == "encoder"
    assert flow.transform_batch  # the workflow itself goes on being usable


def test_every_kind_of_stage_comes_back_from_a_bundle(vectors: Any, state: State, tmp_path: Path) -> None:
    stages = [
        Fallback(
            Cache(Merge(Repeats(k=3), Listed((50, 40)))), Limit(Popular(k=5), timeout_ms=50), at_least=4
        ),
        Lookup(items=("name",), users=("age",)),
        Drop(where="price > 4.5", when="age < 40"),
        Boost(items=(20,), add=0.5),
        Cap("stock", most=2),
        Diversify(index=vectors, strength=0.4),
        Diversify(by="stock", method="dpp", name="again"),
        Pin(2, where="stock > 0"),
        Explore(epsilon=0.5, start=1, source="listed"),
        Take(4),
    ]
    pipe = Pipeline(stages, state=state)
    with Writer(tmp_path / "bundle") as writer:
        write_pipeline(pipe, writer, {})
    loaded = pipeline.load(tmp_path / "bundle")
    requests = Requests(["ann", "bob", "eve", None], ids=["r1", "r2", "r3", "r4"])
    here, there = pipe.run(requests), loaded.run(requests)
    assert there.items.tolist() == here.items.tolist()
    np.testing.assert_array_equal(there.columns["propensity"], here.columns["propensity"])
    assert str(loaded.check()) == str(pipe.check())
    live = loaded.with_state(loaded.state.live(clock=lambda: 120_000_000))
    assert live.run(requests).items.tolist() == here.items.tolist()


def test_live_events_reach_a_loaded_pipeline(saved: Path, tmp_path: Path) -> None:
    loaded = pipeline.load(saved, live=tmp_path / "live", verify=False)
    loaded.state.store.append_events(["ann"], [50], np.array([440]))
    found = loaded.run(Requests(["ann"]))
    assert loaded.state.items.take(found.items).tolist() == [50, 10]
    loaded.state.store.close()  # type: ignore[attr-defined]


def test_a_damaged_bundle_is_refused(saved: Path) -> None:
    path = saved / "store" / "items.arrow"
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(BundleError, match=r"items.arrow"):
        pipeline.load(saved)
