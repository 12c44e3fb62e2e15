import pytest

from shortlist import errors
from shortlist.errors import ArgumentError, MissingExtraError, ShortlistError, near
from shortlist.extras import need


def test_a_message_names_place_expectation_receipt_and_remedy() -> None:
    error = ArgumentError("Take.k", received=-1, expected="an integer >= 1", remedy="pass k=10")
    assert str(error) == "Take.k: expected an integer >= 1; received -1. Remedy: pass k=10."
    assert isinstance(error, ValueError)


def test_a_message_leaves_out_what_is_not_given() -> None:
    assert str(ShortlistError("bundle is empty")) == "bundle is empty."


def test_every_error_hangs_on_the_one_tree() -> None:
    kinds = [getattr(errors, name) for name in errors.__all__ if name != "near"]
    assert all(issubclass(kind, ShortlistError) for kind in kinds)
    assert all(f"{kind.__name__} " in errors.__doc__ or kind is ShortlistError for kind in kinds)


def test_near_names_the_closest_and_at_most_twenty() -> None:
    assert near("itm", ["item", "user"]) == "did you mean 'item'? known: 'item', 'user'"
    assert near("x", [f"c{n:02}" for n in range(25)]).endswith("and 5 more")
    assert near("x", []) == "known: none"


def test_a_missing_extra_names_what_to_install() -> None:
    with pytest.raises(MissingExtraError, match="pip install 'no_such_package'") as caught:
        need("no_such_package.part", use="reading a thing")
    assert isinstance(caught.value, ImportError)
    assert caught.value.where == "reading a thing"
