from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from shortlist.data import Batch
from shortlist.errors import ArgumentError, PipelineError
from shortlist.io import Dataset
from shortlist.pipeline import (
    Calibrate,
    Pipeline,
    Popular,
    Score,
    State,
    Take,
    calibrate,
    load_stages,
    place_of_score,
    save_stages,
    scored_candidates,
)
from shortlist.scorers import Platt, Sliced

WINDOW = [("ann", 40, 700, "app"), ("ann", 50, 700, "app"), ("new", 10, 800, "web"), ("eve", 50, 900, None)]


class ByPrice:
    """A tenth of the price, as a probability."""

    def score(self, batch: Batch) -> Any:
        return (batch.array("price") / 10).astype(np.float32)


class ByDevice:
    """The code of the device, and a hundredth of the price."""

    def score(self, batch: Batch) -> Any:
        flat = batch.flat()
        return (flat.array("device") + flat.array("price") / 100).astype(np.float32)


@pytest.fixture
def later(make_log: Callable[..., Dataset]) -> Dataset:
    return make_log(WINDOW)


@pytest.fixture
def pipe(state: State, flow: Any) -> Pipeline:
    return Pipeline([Popular(k=4), Score(ByPrice(), flow=flow), Take(3)], state=state)


def test_scored_candidates_are_what_was_given_and_taken(pipe: Pipeline, later: Dataset) -> None:
    got = scored_candidates(pipe[:2], later, columns=["stock", "popular_score"])
    assert got.requests.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    np.testing.assert_allclose(got.scores[:4], [0.4, 0.3, 0.2, 0.1])
    assert got.labels.tolist() == [1, 0, 0, 0] + [0, 0, 0, 1] + [0] * 4
    assert got.columns["popular_score"][:4].tolist() == [1.0, 1.0, 1.0, 3.0]
    assert got.columns["stock"][1] is None
    # ann took 40 and 50 and 50 was not found, new took 10, eve took 50.
    assert got.totals.tolist() == [2, 1, 1]
    assert got.recall == pytest.approx((1 / 2 + 1 + 0) / 3)
    longer = scored_candidates(pipe[:2], later, window_us=201)
    assert longer.totals.tolist() == [2, 1, 1]
    assert scored_candidates(pipe[:2], later, at=[650], window_us=300).totals.tolist() == [2, 1, 1]


def test_no_requests_give_no_rows(pipe: Pipeline, make_log: Callable[..., Dataset]) -> None:
    got = scored_candidates(pipe[:2], make_log([]), columns=["price"])
    assert (len(got.labels), len(got.columns["price"]), len(got.totals)) == (0, 0, 0)
    assert np.isnan(got.recall)


def test_a_pipeline_is_calibrated_behind_its_score(pipe: Pipeline, make_log: Callable[..., Dataset]) -> None:
    rows = [("ann", 40, 700 + n, "app") for n in range(9)] + [("ann", 10, 800, "app")]
    window = make_log(rows)
    mended = calibrate(pipe, window)
    assert [stage.name for stage in mended.stages] == ["popular", "score", "calibrate", "take"]
    stage = mended.stages[2]
    assert isinstance(stage, Calibrate)
    assert isinstance(stage.calibration, Platt)
    before, after = (scored_candidates(each, window) for each in (pipe[:2], mended[:3]))
    assert after.labels.tolist() == before.labels.tolist()
    assert after.scores.sum() == pytest.approx(after.labels.sum(), rel=0.02)
    assert after.scores[0] > 0.5 > before.scores[0]
    again = calibrate(mended, window, method="isotonic")
    assert [stage.name for stage in again.stages] == ["popular", "score", "calibrate", "take"]
    plain = save_stages(again, lambda kind, part: kind)
    assert plain["stages"][2]["calibration"]["kind"] == "isotonic"
    parts = {"ranker": ByPrice(), "flow": pipe.stages[1].flow}  # type: ignore[attr-defined]
    stages, _ = load_stages(plain, lambda name: parts[name])
    assert stages[2] == again.stages[2]


def test_slices_may_change_the_order(pipe: Pipeline) -> None:
    calibration = Sliced("stock", {"4": Platt(1.0, -9.0, odds=True)}, Platt(1.0, 0.0, odds=True))
    stages = [pipe.stages[0], pipe.stages[1], Calibrate(calibration), Take(4)]
    mended = Pipeline(stages, state=pipe.state)
    mended.check()
    assert "stock" in mended.stages[2].needs
    frame = mended.recommend(["zoe"], k=4)
    assert frame["item"].to_list() == [30, 20, 10, 40]
    assert frame["score"][3] == pytest.approx(0.4 / 0.6 * np.exp(-9), rel=1e-3)
    nothing = Pipeline(
        [Popular(k=4), Score(ByPrice(), flow=pipe.stages[1].flow), Calibrate(calibration)],
        state=pipe.state,
        fallback=None,
    )  # type: ignore[attr-defined]
    assert len(nothing[:3].recommend([], k=2)) == 0


def test_a_fixed_column_is_the_same_for_every_request(pipe: Pipeline, state: State, flow: Any) -> None:
    def first(fixed: dict[str, Any], device: str) -> float:
        score = Score(ByDevice(), flow=flow, fixed=fixed)
        asked = Pipeline([Popular(k=4), score], state=state).recommend(
            ["ann"], k=1, context={"device": [device]}
        )
        return float(asked["score"][0])

    assert first({}, "web") != first({}, "app")
    assert first({"device": "app"}, "web") == first({}, "app")
    plain = save_stages(
        Pipeline([Popular(), Score(ByDevice(), flow=flow, fixed={"device": "app"})], state=state),
        lambda kind, part: kind,
    )
    assert plain["stages"][1]["fixed"] == {"device": "app"}
    assert "device" in str(Pipeline([Popular(), Score(ByDevice(), flow=flow)], state=state).check())
    assert "device" not in str(
        Pipeline([Popular(), Score(ByDevice(), flow=flow, fixed={"device": "app"})], state=state).check()
    )


def test_what_cannot_be_measured_is_refused(pipe: Pipeline, later: Dataset) -> None:
    with pytest.raises(ArgumentError, match=r"window_us.*>= 1"):
        scored_candidates(pipe, later, window_us=0)
    with pytest.raises(PipelineError, match="a Score among them"):
        calibrate(Pipeline([Popular()], state=pipe.state), later)
    with pytest.raises(PipelineError, match="no column 'colour'"):
        calibrate(pipe, later, by="colour")
    assert place_of_score(pipe.stages, "here") == 1
