import numpy as np
import pytest

from shortlist.data import NULL, ArrayLog, Attribute, as_numbers, members_of
from shortlist.errors import ArgumentError

# User 0 paid 1 for item 0, had nothing of item 1, and paid 4 for item 0; user 1 paid 9 for item 1.
LOG = ArrayLog(
    np.array([0, 0, 0, 1]),
    np.array([0, 1, 0, 1]),
    np.array([10, 20, 30, 30]),
    np.array([1, 0, 2, 1], np.float32),
    2,
    {"price": np.array([1.0, np.nan, 4.0, 9.0]), "shop": np.array([5, 5, NULL, 6])},
    {"colour": Attribute("item", np.array([3, 8])), "age": Attribute("user", np.array([40.0]))},
)
ZERO, ONE, EVER, NOW = np.array([0]), np.array([1]), np.array([0]), np.array([31])


def test_events_of_weight_0_are_in_totals_and_recent_only() -> None:
    assert LOG.counts("user", ZERO, ZERO, EVER, NOW).tolist() == [2]
    assert LOG.history(ZERO, NOW, 9)[0].to_lists() == [[0, 0]]
    assert LOG.recent("user", ZERO, ZERO, NOW, 9, names=("item", "time"))[1].to_lists() == [[10, 20, 30]]
    count, total = LOG.totals("item", ZERO, ONE, EVER, NOW, name="price")
    assert (count.tolist(), total.tolist()) == ([1], [9.0])
    assert LOG.popularity(0, 31).tolist() == [3.0, 1.0]
    assert LOG.positives().times.tolist() == [10, 30, 30]
    assert not LOG.all_positive


def test_columns_are_keys_and_values() -> None:
    shops = {"shop": np.array([5, 6, NULL, 7])}
    four = np.zeros(4, np.int64)
    assert LOG.counts("shop", four, four, EVER, NOW, columns=shops).tolist() == [1, 1, 0, 0]
    of = ("shop", "user")
    assert LOG.last(of, four, four, EVER, NOW, columns=shops).tolist() == [10, -1, -1, -1]
    history = LOG.history(ZERO, NOW, 9, ("price", "shop"))
    assert history[2].to_lists() == [[1.0, 4.0]]
    assert history[3].to_lists() == [[5, NULL]]


def test_attributes_follow_from_the_user_or_the_item() -> None:
    assert LOG.history(np.array([0, 1]), NOW, 9, ("colour",))[2].to_lists() == [[3, 3], [8]]
    assert LOG.counts("colour", ZERO, ZERO, EVER, NOW, columns={"colour": np.array([8])}).tolist() == [1]
    ages = LOG.values("age", np.array([0, 3]))
    assert ages[0] == 40.0
    assert np.isnan(ages[1])  # user 1 has been met since the table was made
    assert Attribute("user", np.zeros(0, np.int64)).at(ZERO).tolist() == [NULL]


def test_what_follows() -> None:
    users, times = np.array([0, 0, 0, -1]), np.array([10, 9, 30, 0])
    assert LOG.following("user", users, users, times, 1, name="shop").tolist() == [5, 5, NULL, NULL]
    np.testing.assert_array_equal(
        LOG.following("user", users, users, times, 2, name="price"), [4.0, np.nan, np.nan, np.nan]
    )


def test_members_have_one_order() -> None:
    assert members_of(("b", "item", "a", "user")) == ("user", "item", "b", "a")
    assert members_of("category") == ("category",)


def test_numbers_of_columns() -> None:
    np.testing.assert_array_equal(as_numbers(np.array([NULL, 0, 1])), [np.nan, 0.0, 1.0])
    np.testing.assert_array_equal(as_numbers(np.array([np.nan, 2.0], np.float32)), [np.nan, 2.0])


def test_more_combinations_than_integers_are_refused() -> None:
    many = ArrayLog(np.array([2**40]), np.array([5]), np.array([1]), n_items=2**40)
    with pytest.raises(ArgumentError, match="combine fewer columns"):
        many.counts("pair", ZERO, ZERO, EVER, NOW)
