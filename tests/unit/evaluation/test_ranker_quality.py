import json
from math import log

import numpy as np
import pytest

from shortlist.evaluation import ranker_quality


def test_values() -> None:
    labels, predicted = np.array([1, 0, 0, 1], np.float32), np.array([0.8, 0.4, 0.6, 0.5], np.float32)
    got = ranker_quality(labels, predicted)
    assert (got.rows, got.positives) == (4, 0.5)
    assert got.auc == 3 / 4  # of the four pairs only 0.5 below 0.6 is wrong
    logloss = -(log(0.8) + log(0.6) + log(0.4) + log(0.5)) / 4
    assert got.logloss == pytest.approx(logloss)
    assert got.entropy == pytest.approx(logloss / log(2))
    assert "ranker, on examples later than those it learned from" in str(got)
    assert json.loads(json.dumps(got.to_json()))["auc"] == 3 / 4


@pytest.mark.parametrize("labels", [[], [1, 1], [0]])
def test_what_is_not_defined_is_null_in_json(labels: list[int]) -> None:
    got = ranker_quality(np.array(labels, np.float32), np.full(len(labels), 0.5, np.float32))
    plain = json.loads(json.dumps(got.to_json(), allow_nan=False))
    assert plain["rows"] == len(labels)
    assert plain["auc"] is None
    assert str(got)
