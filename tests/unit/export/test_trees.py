import subprocess
import sys

import numpy as np
import polars as pl
import pytest

import shortlist as sl
from shortlist import ops
from shortlist.errors import ExportError, NotFittedError
from shortlist.export import export_trees
from shortlist.runtime import load_ranker
from shortlist.testing._trees import PLANTED, planted_rows

OPTIONS = sl.TreeOptions(trees=8, lr=0.3, threads=1)
_SERVED = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"torch", "safetensors", "onnx", "onnxscript", "numba"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Blocked())
import shortlist as sl
print(sl.load(sys.argv[1]).recommend([0, 1, None], k=4)["score"].to_list())
"""


@pytest.mark.parametrize("kind", [sl.LightGBM, sl.XGBoost])
def test_a_pipeline_with_trees_is_saved_and_served_without_torch(kind, tmp_path):
    log = sl.datasets.planted(users=60, items=30, events=1_500, groups=3)
    events = log.events.join_tables(log.items, log.users)
    early, window, _ = sl.split.by_time(events, valid="10d", test="10d")
    state = sl.State(early, items=log.items, users=log.users)
    sources = [sl.Merge(sl.Repeats(10), sl.Popular(20))]
    counts = [ops.AsOf("pair"), ops.AsOf("item")]
    pipe = sl.Pipeline(sources, state=sl.State(sl.concat([early, window]), items=log.items, users=log.users))
    examples = sl.ranking_examples(
        pipe, window, histories=counts, negatives=None, window_us=10**12, allow_leak=True
    )
    flow = sl.Workflow([*counts, ["category"] >> ops.Categorify()]).fit(examples)
    assert "request" in flow.transform(examples).schema
    model = kind(flow.schema, goal="lambdarank", options=OPTIONS)
    sl.fit(model, flow.transform(examples))
    pipe = sl.Pipeline([*sources, sl.Score(model, flow=flow), sl.Take(5)], state=state)
    bundle = sl.save(pipe, tmp_path / "bundle")
    here = pipe.recommend([0, 1, None], k=4)
    assert sl.load(bundle).recommend([0, 1, None], k=4).equals(here)
    assert here["score"].n_unique() > 2
    answer = subprocess.run(
        [sys.executable, "-c", _SERVED, str(bundle)], capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.strip() == str(here["score"].to_list())
    again = sl.save(sl.load(bundle), tmp_path / "again")
    assert sl.load(again).recommend([0], k=4).equals(pipe.recommend([0], k=4))


def test_trees_are_compared_before_they_are_published(tmp_path, monkeypatch):
    model = sl.LightGBM(PLANTED, options=OPTIONS)
    with pytest.raises(NotFittedError, match="no trees"):
        export_trees(model, tmp_path / "part")
    sl.fit(model, planted_rows(50))
    part = export_trees(model, tmp_path / "part")
    assert (part.kind, part.outputs) == ("trees", {"click": 1})
    assert load_ranker(tmp_path / "part").target == "click"
    monkeypatch.setattr(model, "score", lambda batch: np.ones(len(batch), np.float32))
    with pytest.raises(ExportError, match="LightGBM"):
        export_trees(model, tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_nulls_are_read_as_training_read_them():
    """An exported batch of a workflow holds NaN where the frame holds null."""
    frame = planted_rows(50).collect()
    model = sl.XGBoost(PLANTED, options=OPTIONS)
    sl.fit(model, frame)
    flow = sl.Workflow([PLANTED.without("click", "request").names]).fit(planted_rows(50))
    raw = flow.transform(planted_rows(50)).collect()
    assert raw["price"].null_count() > 0
    columns = {
        name: np.where(raw[name].is_null().to_numpy(), np.nan, raw[name].cast(pl.Float64).to_numpy())
        for name in ("age", "price", "pair", "group", "shop")
    }
    batch = sl.Batch({**columns, "genres": sl.Ragged.of(raw["genres"].to_list())})
    rows = model.rows(batch, frame["click"].to_numpy())
    assert np.isnan(rows.matrix).any()
