import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortlist.errors import SchemaError
from shortlist.schema import (
    DTYPES,
    Column,
    Domain,
    Schema,
    Shape,
    Tags,
    cardinality,
    first_value,
    select,
    tags,
)

LOG = Schema(
    [
        Column("u", "int64", ("user", "id")),
        Column("i", "string", ("item", "id")),
        Column("t", "datetime", ("time",)),
        Column("price", "float32", ("item", "continuous")),
        Column("seen", "string", ("user", "sequence"), Shape("list"), Domain("i")),
    ]
)


def test_roles_are_found_by_tags() -> None:
    assert (LOG.user.name, LOG.item.name, LOG.time.name) == ("u", "i", "t")


def test_a_missing_or_doubled_role_is_named() -> None:
    with pytest.raises(SchemaError, match="0 columns with tags"):
        LOG.without("t").time  # noqa: B018
    with pytest.raises(SchemaError, match="2 columns"):
        LOG.merge([Column("u2", "int64", ("user", "id"))]).user  # noqa: B018


def test_an_unknown_column_brings_near_names() -> None:
    with pytest.raises(SchemaError, match="did you mean 'price'"):
        LOG["pric"]


def test_a_name_stands_once() -> None:
    with pytest.raises(SchemaError, match="twice"):
        Schema([Column("a", "int64"), Column("a", "int64")])


@pytest.mark.parametrize(
    "pair",
    [
        ("categorical", "continuous"),
        ("id", "continuous"),
        ("embedding", "id"),
        ("user", "item"),
        ("binary", "regression"),
    ],
)
def test_contradictory_tags_are_refused(pair: tuple[str, str]) -> None:
    with pytest.raises(SchemaError, match="contradict"):
        Column("x", "int64", pair)


def test_compound_tags_are_split() -> None:
    assert Column("x", "int64", ("user_id",)).tags == {Tags.USER, Tags.ID}


def test_an_unknown_dtype_is_refused() -> None:
    with pytest.raises(SchemaError, match="known dtype"):
        Column("x", "int46")


def test_selectors_combine_by_words() -> None:
    assert tags.any("item", "time").names(LOG) == ("i", "t", "price")
    assert tags.all("item", "id").names(LOG) == ("i",)
    assert tags.any("item").without(tags.any("id")).names(LOG) == ("price",)
    assert select.names("u", "nope").also(select.dtype("float32")).names(LOG) == ("u", "price")
    assert select.everything().only(tags.any("user")).names(LOG) == ("u", "seen")
    assert LOG.select(tags.any("id")).names == ("u", "i")
    assert LOG.select("u").names == ("u",)
    assert LOG.select(["i", "u"]).names == ("i", "u")


def test_printing_shows_a_row_per_column() -> None:
    assert str(LOG).splitlines()[1].split() == ["u", "int64", "scalar", "id", "user"]


def test_tags_can_be_corrected() -> None:
    assert LOG.tag("price", "context", "continuous")["price"].tags == {"context", "continuous"}
    assert LOG["price"].tagged("mine").untagged("item").tags == {"continuous", "mine"}
    assert LOG["price"].renamed("cost").name == "cost"


def test_codes_count_the_reserved_ones() -> None:
    assert (first_value(1), cardinality(5, buckets=3)) == (2 + 1, 2 + 3 + 5)


@given(
    st.lists(
        st.builds(
            Column,
            st.text(min_size=1, max_size=8),
            st.sampled_from(DTYPES),
            st.sets(st.sampled_from(["user", "id", "mine"])).map(frozenset),
            st.builds(Shape, st.sampled_from(["scalar", "list", "vector"]), st.none() | st.integers(1, 9)),
            st.none()
            | st.builds(Domain, st.text(max_size=4), st.none() | st.integers(0, 9), st.none() | st.just(0.0)),
            st.none() | st.text(max_size=4),
        ),
        unique_by=lambda column: column.name,
        max_size=5,
    )
)
def test_json_round_trip(columns: list[Column]) -> None:
    schema = Schema(columns)
    assert Schema.from_json(schema.to_json()) == schema
    assert Schema.from_json(schema.to_json()).fingerprint() == schema.fingerprint()
    assert hash(schema) == hash(Schema(columns))


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"columns": [{"name": "x"}]}', '{"columns": [{"name":"x","dtype":"int8","odd":1}]}']
)
def test_what_is_not_a_schema_is_refused(text: str) -> None:
    with pytest.raises(SchemaError, match=r"schema\.json"):
        Schema.from_json(text)
