import numpy as np
import pytest

from shortlist.data._marks import Marks

# In the order of time: entity 0 has the first event and the last, entity 2 the two between.
NUMBERS = np.array([0, 2, 2, 0])


def before(marks: Marks, number: int, rank: int) -> int:
    (found,) = marks.before(np.array([number]), np.array([rank]))
    return int(found)


@pytest.mark.parametrize("asked", [1, 2, 3])
def test_what_is_before_an_entity_and_a_rank(asked: int) -> None:
    marks = Marks.of(NUMBERS)
    assert marks.events.tolist() == [0, 3, 1, 2]
    for _ in range(asked):  # by search, then out of a table
        for rank, expected in enumerate([[0, 0, 2, 2, 4], [0, 1, 2, 2, 4], [0, 1, 2, 3, 4], [0, 1, 2, 4, 4]]):
            assert [before(marks, number, rank) for number in (-1, 0, 1, 2, 99)] == expected
        assert [before(marks, number, 4) for number in (-1, 0, 1, 2, 99)] == [0, 2, 2, 4, 4]


def test_every_entity_at_its_own_rank_and_all_at_one() -> None:
    marks = Marks.of(NUMBERS)
    assert marks.before(np.array([0, 2, 0]), np.array([1, 3, 4])).tolist() == [1, 4, 2]
    assert marks.before(np.array([0, 1, 2, -1]), np.array([2])).tolist() == [1, 2, 3, 0]
    assert marks.before(np.zeros(0, np.int64), np.array([2])).tolist() == []


def test_few_events_of_many_entities_take_no_table() -> None:
    far = 10**9
    marks = Marks.of(np.array([far, 5]))
    for rank, expected in enumerate([[0, 1], [0, 2], [1, 2]]):
        assert marks.before(np.array([5, far]), np.array([rank])).tolist() == expected


def test_tables_of_many_ranks_are_not_kept_for_ever() -> None:
    marks = Marks.of(np.zeros(40, np.int64))
    for _ in range(2):
        assert [before(marks, 0, rank) for rank in range(41)] == list(range(41))
    assert len(marks._tables) == 8


def test_events_of_no_entity_are_left_out() -> None:
    marks = Marks.of(np.array([1, -1, 0]))
    assert marks.events.tolist() == [2, 0]
    assert marks.before(np.array([-1, 0, 1, 2]), np.array([3])).tolist() == [0, 1, 2, 2]


def test_no_events() -> None:
    marks = Marks.of(np.zeros(0, dtype=np.int64))
    assert marks.before(np.array([-1, 0, 3]), np.array([0])).tolist() == [0, 0, 0]
