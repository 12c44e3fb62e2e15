import numpy as np
import pytest

from shortlist.errors import ArgumentError
from shortlist.models.classical import Events


def _events(**changes: object) -> Events:
    fields = {
        "users": np.array([0, 1, 0]),
        "items": np.array([1, 0, 1]),
        "times": np.array([5, 6, 7]),
        "weights": np.array([1.0, 0.5, 2.0]),
        "shape": (2, 3),
    }
    return Events(**(fields | changes))


def test_matrix_sums_the_weights_of_a_pair() -> None:
    assert _events().matrix().toarray().tolist() == [[0.0, 1.0 + 2.0, 0.0], [0.5, 0.0, 0.0]]


def test_no_events_are_an_empty_matrix() -> None:
    none = np.empty(0, dtype=np.int64)
    assert Events(none, none, none, none.astype(float), (2, 3)).matrix().toarray().tolist() == [[0.0] * 3] * 2


def test_lengths_must_agree() -> None:
    with pytest.raises(
        ArgumentError, match=r"four arrays of one length; received \[3, 3, 2, 3\]|lengths \[3, 3, 2"
    ):
        _events(times=np.array([1, 2]))


@pytest.mark.parametrize(("name", "codes"), [("users", [0, 1, 2]), ("items", [0, -1, 1])])
def test_codes_must_lie_within_the_shape(name: str, codes: list[int]) -> None:
    with pytest.raises(ArgumentError, match=rf"Events.{name}: expected codes in 0 \.\. "):
        _events(**{name: np.array(codes)})


@pytest.mark.parametrize(
    "changes", [{"times": np.array([1.0, np.nan, 2.0])}, {"weights": np.array([1.0, -1.0, 1.0])}]
)
def test_times_and_weights_must_be_usable(changes: dict[str, object]) -> None:
    with pytest.raises(ArgumentError, match="finite times, weights >= 0"):
        _events(**changes)
