"""A small shop: two towers, an index, a bundle with its fingerprint."""

from dataclasses import dataclass
from pathlib import Path

import pytest

import shortlist as sl
from shortlist import ops, tags
from shortlist.monitor import FingerprintOptions


@dataclass(frozen=True)
class Shop:
    """A pipeline, and its bundle."""

    pipe: sl.Pipeline
    folder: Path


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    log = sl.datasets.planted(users=200, items=60, events=3_000, groups=4)
    flow = sl.Workflow(
        [
            tags.any("id") >> ops.Categorify(),
            ops.History("item_id", max_length=20) >> ops.Categorify(like="item_id"),
        ]
    ).fit(log.events)
    model = sl.TwoTower(flow.schema, dim=8, seed=0)
    state = sl.State(log.events, items=log.items, users=log.users)
    retrieve = sl.Retrieve(model, sl.build_index(model, flow, state), flow=flow, k=30)
    pipe = sl.Pipeline([retrieve, sl.Drop(unless="price < 30"), sl.Take(20)], state=state)
    folder = tmp_path_factory.mktemp("shop") / "bundle"
    sl.save(pipe, folder, fingerprint=FingerprintOptions(requests=1500, newest=1.0))
    return Shop(sl.load(folder), folder)
