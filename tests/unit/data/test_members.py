import numpy as np
import pytest

from shortlist.data._members import Members

FAR = 2**62


@pytest.mark.parametrize("values", [[], [0], [-5, 0, 7], [-FAR, -1, 3, FAR], list(range(0, 3000, 3))])
def test_places_are_those_of_a_dictionary(values: list[int]) -> None:
    known = {value: place for place, value in enumerate(values)}
    wanted = [*values, *range(-4, 10), -FAR, FAR, FAR + 1, 2, 2998]
    found = Members(np.array(values, dtype=np.int64)).places(np.array(wanted))
    assert found.tolist() == [known.get(value, -1) for value in wanted]


def test_nothing_asked() -> None:
    assert Members(np.array([1, 2])).places(np.zeros(0, np.int64)).shape == (0,)
