"""The laws, on a whole two-stage recommender: towers, index, ranker, bundle."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from shortlist import pipeline
from shortlist.bundle import Reader
from shortlist.data import Batch, Candidates, Ragged, Requests
from shortlist.errors import BundleError
from shortlist.pipeline import Pipeline, Score, State, ranking_examples
from shortlist.testing._stages import check_recommender, check_same

CLOSE = 1e-5


@pytest.fixture(scope="module")
def loaded(shop: Any) -> Pipeline:
    return pipeline.load(shop.bundle)


@pytest.fixture(scope="module")
def events(shop: Any) -> pl.DataFrame:
    """Every 25th event, with the tables' columns beside it, as it went into training."""
    return shop.data.events.join_tables(shop.items, shop.data.users).collect().gather_every(25)


def asked(users: Any, k: int = 10, **more: Any) -> Requests:
    return Requests(users, k, **more)


def one(found: Candidates, row: int) -> Candidates:
    kept = found.keep(found.query_of == row)
    bounds = np.array([0, int(found.lengths[row])])
    return Candidates(kept.items, bounds, kept.scores, kept.source, found.sources, kept.columns)


def check_all_same(found: Candidates, other: Candidates) -> None:
    assert len(found) == len(other)
    for row in range(len(found)):
        check_same(one(found, row), one(other, row))


def check_columns(frame: pl.DataFrame, batch: Batch, names: Iterable[str]) -> None:
    """Columns of the training path equal those of the request path, but for what only training has."""
    assert set(names) - set(batch) <= {"time", "weight", "label", "request", "event_weight"}
    for name in batch:
        served = batch[name]
        if isinstance(served, Ragged):
            assert frame[name].to_list() == served.to_lists(), name
        else:
            np.testing.assert_allclose(frame[name].to_numpy(), served, atol=1e-6, err_msg=name)


# Law 1: train path = serve path.


def test_the_towers_see_when_serving_what_they_saw_in_training(
    shop: Any, loaded: Pipeline, events: pl.DataFrame
) -> None:
    retrieve = loaded.stages[0].sources[0]
    flow: Any = retrieve.flow
    log = shop.data.events.join_tables(shop.items, shop.data.users)
    times = events["time"].to_physical().to_numpy()
    wanted = pl.col("time").to_physical().is_in(times.tolist())
    rows = flow.transform(log).collect().filter(log.collect().select(wanted).to_series())
    assert rows.height == events.height
    requests = asked(events["user_id"].to_list(), times=times)
    query = loaded.state.query_batch(flow, requests)
    own = [name for name in flow.schema.names if name in query]
    assert {"user_id", "segment", "age", "item_id_history"} <= set(own)
    check_columns(rows, query, own)
    positions = loaded.state.items.positions(events["item_id"].to_list())
    item = loaded.state.item_batch(flow, positions)
    rest = [name for name in flow.schema.names if name not in own]
    assert {"item_id", "category", "price"} <= set(rest)
    check_columns(rows, item, rest)


def test_the_ranker_sees_when_serving_what_it_saw_in_training(shop: Any, loaded: Pipeline) -> None:
    start, end = (int(each) for each in np.quantile([*shop.data.events.times()], [0.7, 0.8]))
    time = pl.col("time").to_physical()
    window = shop.data.events.filter((time >= start) & (time < end))
    score = loaded.stages[2]
    assert isinstance(score, Score)
    flow: Any = score.flow
    examples = ranking_examples(
        loaded[:2],
        window,
        histories=flow.histories,
        negatives=None,
        window_us=end - start,
        at=[start],
        allow_leak=True,
    )
    frame = flow.transform(examples).collect()
    people = examples.collect()["user_id"].unique(maintain_order=True).to_list()
    assert len(people) > 5
    requests = asked(people, len(loaded.state.items), times=np.full(len(people), start))
    batch = loaded.state.ranking_batch(flow, requests, loaded[:2].run(requests)).flat()
    assert {"pair_count", "match_score", "segment", "price"} <= set(flow.schema.names)
    check_columns(frame, batch, flow.schema.names)


# Law 2: one user = many users.


def test_one_user_is_many_users(loaded: Pipeline) -> None:
    strangers = [None, "nobody", -1, 10**12]
    users = [*range(60), *strangers] * 4
    recent = Ragged.of([["i01", "unknown"][: n % 3] for n in range(256)], dtype=object)
    check_recommender(loaded, asked(users, recent=recent))


# Law 4: saved and loaded in a fresh process = identical.

_FRESH = """
import json, sys
from shortlist.pipeline import load
frame = load(sys.argv[1]).recommend([*range(60), None, "nobody"], k=10)
print(json.dumps([frame[name].to_list() for name in ("user", "item", "score", "source")]))
print(sorted(name for name in sys.modules if name.split(".")[0] in ("torch", "onnx")), file=sys.stderr)
"""


def test_a_fresh_process_answers_the_same(shop: Any, loaded: Pipeline) -> None:
    command = [sys.executable, "-c", _FRESH, str(shop.bundle)]
    run = subprocess.run(command, check=True, capture_output=True, text=True)
    users, items, scores, sources = json.loads(run.stdout)
    here = loaded.recommend([*range(60), None, "nobody"], k=10)
    assert [None if user is None else str(user) for user in users] == here["user"].cast(pl.String).to_list()
    assert items == here["item"].to_list()
    assert sources == here["source"].to_list()
    np.testing.assert_allclose(scores, here["score"].to_list(), atol=CLOSE)
    assert run.stderr.strip() == "[]"


def test_exported_parts_answer_as_the_torch_models_do(shop: Any, loaded: Pipeline) -> None:
    before = shop.live
    after = loaded.with_state(before.state)
    requests = asked([*range(60), None, "nobody"])
    check_all_same(before[:2].run(requests), after[:2].run(requests))
    check_all_same(before.run(requests), after.run(requests))


# Law 6: nothing looks into the future; the store at time t is the log as of t.


@pytest.mark.parametrize("share", [0.3, 0.8])
def test_the_store_at_a_time_is_the_log_up_to_then(shop: Any, loaded: Pipeline, share: float) -> None:
    moment = int(np.quantile([*shop.data.events.times()], share))
    past = shop.data.events.filter(pl.col("time").to_physical() < moment)
    then = State(past, items=shop.items, users=shop.data.users, now=moment)
    users = [*range(60), None]
    asked_then = asked(users, times=np.full(len(users), moment))
    check_all_same(loaded.with_state(then).run(asked(users)), loaded.run(asked_then))
    frozen = State(store=loaded.state.store, now=moment)
    check_all_same(loaded.with_state(frozen).run(asked(users)), loaded.run(asked_then))


# Ordinary inputs.


@dataclass(frozen=True)
class Case:
    name: str
    users: list[Any]
    k: int = 5
    recent: Any = None


CASES = [
    Case("a known user", [3]),
    Case("an unknown user", ["nobody"]),
    Case("nobody", [None]),
    Case("an id of another type", ["3"]),
    Case("a user without a history but for what it just saw", [None], recent=[["i01", "i02"]]),
    Case("an unknown recent item", [3], recent=[["unknown", None]]),
    Case("the same user twice", [3, 3]),
    Case("more than the catalogue holds", [3, None], k=1000),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_ordinary_requests(loaded: Pipeline, case: Case) -> None:
    frame = loaded.recommend(case.users, k=case.k, recent=case.recent)
    found = loaded.run(asked(case.users, case.k))
    assert len(found) == len(case.users)
    wanted = min(case.k, 40)  # no event mentions the 41st, and retrieval stops at 20
    assert found.lengths.tolist() == [wanted] * len(case.users)
    assert frame.height == wanted * len(case.users)
    assert frame["rank"].to_list() == [*range(1, wanted + 1)] * len(case.users)
    assert set(frame["item"]) <= set(loaded.state.items.values.tolist())


def test_no_request_gets_no_answer(loaded: Pipeline) -> None:
    assert len(loaded.run(asked([]))) == 0
    frame = loaded.recommend([], k=5, columns=["category"])
    assert frame.height == 0
    assert frame.columns == ["user", "rank", "item", "score", "source", "category"]


def test_ids_are_compared_as_written(loaded: Pipeline) -> None:
    check_all_same(loaded.run(asked([3])), loaded.run(asked(["3"])))
    check_all_same(loaded.run(asked(["nobody"])), loaded.run(asked([10**12])))


def test_what_was_just_seen_counts(loaded: Pipeline) -> None:
    plain = loaded.run(asked([None], 20))
    shown = loaded.run(asked([None], 20, recent=Ragged.of([["i01"]], dtype=object)))
    assert plain.scores.tolist() != shown.scores.tolist()
    unknown = loaded.run(asked([None], 20, recent=Ragged.of([["unknown"]], dtype=object)))
    check_all_same(plain, unknown)


def test_the_whole_catalogue_when_nothing_cuts(loaded: Pipeline) -> None:
    merged, match, score, _ = loaded.stages
    sources = [replace(source, k=1000) if hasattr(source, "k") else source for source in merged.sources]
    pipe = Pipeline([type(merged)(*sources), match, score], state=loaded.state)
    found = pipe.run(asked([3, None], 1000))
    assert found.lengths.tolist() == [41, 41]
    assert sorted(found.items[:41].tolist()) == list(range(41))


# Law 9: a damaged bundle is refused, and the damage is named.


@pytest.fixture
def copied(shop: Any, tmp_path: Path) -> Path:
    return shutil.copytree(shop.bundle, tmp_path / "bundle")


def test_a_damaged_file_is_named(copied: Path) -> None:
    files = Reader(copied).open().manifest["files"]
    assert {name.split("/")[0] for name in files} >= {
        "encoder",
        "ranker",
        "index",
        "flow",
        "store",
        "stages.json",
    }
    for name in files:
        path = copied / name
        whole = path.read_bytes()
        if not whole:
            continue
        middle = len(whole) // 2
        path.write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])
        with pytest.raises(BundleError, match=name):
            pipeline.load(copied)
        path.write_bytes(whole)
    pipeline.load(copied)


@pytest.mark.parametrize("name", ["manifest.json", "stages.json", "encoder", "store"])
def test_a_missing_file_is_named(copied: Path, name: str) -> None:
    path = copied / name
    if path.is_dir():
        path = next(each for each in sorted(path.rglob("*")) if each.is_file())
    path.unlink()
    with pytest.raises(BundleError, match=path.name):
        pipeline.load(copied)


def test_a_file_cut_short_is_named(copied: Path) -> None:
    path = max((each for each in copied.rglob("*") if each.is_file()), key=lambda each: each.stat().st_size)
    path.write_bytes(path.read_bytes()[:-1])
    for verify in (True, False):
        with pytest.raises(BundleError, match=path.name):
            pipeline.load(copied, verify=verify)


def test_no_bundle_at_all(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"manifest\.json"):
        pipeline.load(tmp_path)
