from pathlib import Path

import numpy as np
import polars as pl
import pytest

from shortlist.data import Requests
from shortlist.errors import ArgumentError
from shortlist.pipeline import AnswerLog, Pipeline, Popular, State


def test_answers_are_kept_as_documented(state: State, tmp_path: Path) -> None:
    log = AnswerLog(tmp_path / "answers", bundle="v1", segment_rows=3)
    assert log.read().collect().height == 0
    pipe = Pipeline([Popular(k=2)], state=state)
    requests = Requests(["ann", None], k=2, times=np.array([101, 601]), ids=["r1", "r2"])
    log.add(requests, pipe.run(requests), state)
    assert not (tmp_path / "answers").exists()
    log.add(Requests([7]), pipe.run(Requests([7])), state)
    frame = log.read().collect()
    assert frame.columns == [
        "request_id",
        "user",
        "time",
        "items",
        "positions",
        "scores",
        "propensities",
        "sources",
        "bundle",
    ]
    assert frame["time"].dtype == pl.Datetime("us")
    assert [row[:2] + row[3:] for row in frame.rows()] == [
        ("r1", "ann", ["10"], [1], [1.0], [None], ["popular"], "v1"),
        ("r2", None, ["10", "20"], [1, 2], [3.0, 1.0], [None, None], ["popular", "popular"], "v1"),
        (None, "7", ["10", "20"], [1, 2], [3.0, 1.0], [None, None], ["popular", "popular"], "v1"),
    ]
    log.add(Requests([8]), pipe.run(Requests([8])), state)
    log.close()
    log.flush()
    assert log.read().collect().height == 4
    assert len(list((tmp_path / "answers").iterdir())) == 2


def test_segments_have_rows(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="segment_rows"):
        AnswerLog(tmp_path, segment_rows=0)
