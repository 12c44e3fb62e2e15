from typing import Any

import numpy as np

from shortlist.features import Workflow
from shortlist.pipeline import State, build_index


def test_every_item_that_may_be_shown_is_indexed(tower: Any, flow: Workflow, state: State) -> None:
    built = build_index(tower, flow, state, kind="exact")
    assert built.keys.values.tolist() == [10, 20, 30, 40, 50]
    rows, _ = built.search(np.eye(6, dtype=np.float32)[3:4], 1)
    assert rows.tolist() == [[3]]


def test_a_catalogue_without_items(tower: Any, flow: Workflow, state: State, monkeypatch: Any) -> None:
    monkeypatch.setattr(state, "allowed", lambda: np.zeros(5, dtype=bool))
    assert len(build_index(tower, flow, state).keys) == 0
