"""What columns are about and how they are read."""

from collections.abc import Iterable
from dataclasses import dataclass

from shortlist.features._op import Made
from shortlist.features._state import State
from shortlist.features.ops._unchanged import Unchanged
from shortlist.schema import Column

__all__ = ["AddTags", "RemoveTags"]


@dataclass(frozen=True)
class AddTags(Unchanged):
    """More tags for columns; the values pass unchanged.

    It stands for NVTabular's AddTags and AddMetadata, and for TagAsUserID, TagAsItemID, TagAsUserFeatures and
    TagAsItemFeatures: ``AddTags(["user", "id"])``, ``AddTags("item")`` and so on. Their free properties have
    no counterpart: shapes, domains and vocabularies are written by the ops that know them.

    Attributes:
        tags: one tag or several, known ones (see `shortlist.schema.Tags`) or your own.

    Raises:
        SchemaError: a tag contradicts one that a column has; the column is named.

    >>> import polars as pl
    >>> from shortlist.features import Workflow
    >>> from shortlist.io import Dataset
    >>> rows = Dataset.of(pl.DataFrame({"age": [30]}))
    >>> sorted(Workflow(["age" >> AddTags(["user", "continuous"])]).fit(rows).schema["age"].tags)
    ['continuous', 'user']
    """

    tags: str | Iterable[str]

    def __post_init__(self) -> None:
        object.__setattr__(self, "tags", _names(self.tags))

    def make(self, inputs: tuple[Column, ...], state: State | None) -> Made:  # noqa: ARG002
        """The same columns with more tags."""
        return Made(tuple(column.tagged(*self.tags) for column in inputs))


@dataclass(frozen=True)
class RemoveTags(Unchanged):
    """Fewer tags for columns; the values pass unchanged. Before `AddTags` it makes room for what contradicts.

    Attributes:
        tags: one tag or several; those that a column does not have are no matter.

    >>> import polars as pl
    >>> from shortlist.features import Workflow
    >>> from shortlist.io import Dataset
    >>> from shortlist.schema import Column, Schema
    >>> schema = Schema([Column("zip", "int64", ("user", "continuous"))])
    >>> rows = Dataset.of(pl.DataFrame({"zip": [8001]}), schema)
    >>> flow = Workflow(["zip" >> RemoveTags("continuous") >> AddTags("categorical")]).fit(rows)
    >>> sorted(flow.schema["zip"].tags)
    ['categorical', 'user']
    """

    tags: str | Iterable[str]

    def __post_init__(self) -> None:
        object.__setattr__(self, "tags", _names(self.tags))

    def make(self, inputs: tuple[Column, ...], state: State | None) -> Made:  # noqa: ARG002
        """The same columns with fewer tags."""
        return Made(tuple(column.untagged(*self.tags) for column in inputs))


def _names(tags: str | Iterable[str]) -> tuple[str, ...]:
    return (str(tags),) if isinstance(tags, str) else tuple(map(str, tags))
