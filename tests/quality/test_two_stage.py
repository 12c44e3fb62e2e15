"""Complete Journey: sources alone, and the same with rankers behind them, on the pipelines themselves.

A year of a grocer's baskets, as `benchmarks/two_stage.py` cuts it: towers learn from all but the last 70
days, rankers from the two fortnights after, calibration from the one after these, and the last fortnight is
asked for. Run with ``-rP`` to see the figures.
"""

import os
import sys
from pathlib import Path
from typing import Any

import pytest

import shortlist as sl
from shortlist.io import moment

pytestmark = pytest.mark.data

NAMES = ("DCN-v2", "DeepFM", "LambdaMART", "LightGBM")
BENCHMARKS = str(Path(__file__).parents[2] / "benchmarks")


@pytest.fixture(scope="module")
def journey() -> tuple[Any, dict[str, Any]]:
    """The grocer, and fitted rankers by name."""
    sys.path.insert(0, BENCHMARKS)
    from _journey.grocer import grocer
    from _journey.rankers import trained

    sys.path.remove(BENCHMARKS)
    made = grocer(Path(os.environ["SHORTLIST_COMPLETE_JOURNEY"]))
    rows = made.rows()
    return made, {name: trained(name, rows, made.flow.schema) for name in NAMES}


def test_every_ranker_adds_to_the_sources(journey: tuple[Any, dict[str, Any]]) -> None:
    made, rankers = journey
    found = sl.evaluate(
        {"sources alone": made.pipe()} | {name: made.pipe(model) for name, model in rankers.items()},
        made.test,
        metrics=("ndcg@10", "recall@10"),
        seen="keep",
        baselines=False,
        split=made.protocol,
    )
    print(found)
    for name in rankers:
        gain = found.difference(name, "sources alone", "ndcg@10")
        print(f"{name} - sources alone: {gain}")
        assert gain.low > 0, name
    for name in ("DCN-v2", "DeepFM"):
        print(f"{name} - LambdaMART:", found.difference(name, "LambdaMART", "ndcg@10"))


@pytest.mark.parametrize("name", ["DCN-v2", "LightGBM"])
def test_probabilities_mean_what_they_say_later(journey: tuple[Any, dict[str, Any]], name: str) -> None:
    made, rankers = journey
    pipe = made.pipe(rankers[name])
    fortnight = 14 * 86_400_000_000
    asked: dict[str, Any] = {"window_us": fortnight, "at": [moment(made.test_at)]}
    before = sl.evaluate_ranker(pipe, made.test, **asked).quality
    print(f"{name} as trained\n{before}")
    for method in ("platt", "isotonic"):
        at = [moment(made.later_at)]
        mended = sl.calibrate(pipe, made.later, method=method, window_us=fortnight, at=at)
        after = sl.evaluate_ranker(mended, made.test, **asked).quality
        print(f"{name}, {method}\n{after}")
        assert after.calibration < 0.01
        assert after.entropy < 1
        assert abs(after.auc - before.auc) < 1e-3
