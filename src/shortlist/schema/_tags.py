"""What a column is about (an entity) and how it is to be read (a kind)."""

from collections.abc import Iterable
from enum import StrEnum

from shortlist.errors import SchemaError

__all__ = ["Tags", "tag_set"]


class Tags(StrEnum):
    """The known tags; any other string is allowed beside them.

    Entities: USER, ITEM, SESSION, CONTEXT (known with the request), CROSS (known per user-item pair).
    Kinds: ID, CATEGORICAL, CONTINUOUS, TEXT, TIME, EMBEDDING, SEQUENCE.
    Targets: TARGET, with BINARY, REGRESSION or MULTICLASS.

    >>> Tags.USER == "user"
    True
    """

    USER = "user"
    ITEM = "item"
    SESSION = "session"
    CONTEXT = "context"
    CROSS = "cross"
    ID = "id"
    CATEGORICAL = "categorical"
    CONTINUOUS = "continuous"
    TEXT = "text"
    TIME = "time"
    EMBEDDING = "embedding"
    SEQUENCE = "sequence"
    TARGET = "target"
    BINARY = "binary"
    REGRESSION = "regression"
    MULTICLASS = "multiclass"


_COMPOUNDS = {
    "user_id": ("user", "id"),
    "item_id": ("item", "id"),
    "session_id": ("session", "id"),
    "binary_classification": ("target", "binary"),
    "multi_class_classification": ("target", "multiclass"),
    "multi_class": ("target", "multiclass"),
    "list": ("sequence",),
    "text_tokenized": ("text", "tokenized"),
}

_CONTRADICTIONS = (
    frozenset({Tags.CATEGORICAL, Tags.CONTINUOUS}),
    frozenset({Tags.CATEGORICAL, Tags.EMBEDDING}),
    frozenset({Tags.CONTINUOUS, Tags.EMBEDDING}),
    frozenset({Tags.ID, Tags.CONTINUOUS}),
    frozenset({Tags.ID, Tags.EMBEDDING}),
    frozenset({Tags.USER, Tags.ITEM}),
    frozenset({Tags.BINARY, Tags.REGRESSION}),
    frozenset({Tags.BINARY, Tags.MULTICLASS}),
    frozenset({Tags.REGRESSION, Tags.MULTICLASS}),
)


def tag_set(tags: Iterable[str], *, where: str = "tags") -> frozenset[str]:
    """Normalise tags: lower case, Merlin's compounds split, contradictions refused.

    Raises:
        SchemaError: two tags contradict each other.

    >>> sorted(tag_set(["USER_ID", "mine"]))
    ['id', 'mine', 'user']
    """
    names = [tags] if isinstance(tags, str) else tags
    lowered = (str(tag).lower() for tag in names)
    result = frozenset(part for tag in lowered for part in _COMPOUNDS.get(tag, (tag,)))
    for pair in _CONTRADICTIONS:
        if pair <= result:
            first, second = sorted(map(str, pair))
            raise SchemaError(
                where,
                received=f"both {first!r} and {second!r}",
                expected="tags that do not contradict each other",
                remedy="keep one of them",
            )
    return result
