"""An ordered set of columns: the one truth about a data set."""

import json
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from pathlib import Path

from shortlist.errors import SchemaError, near
from shortlist.schema._column import Column
from shortlist.schema._merlin import read_merlin, write_merlin
from shortlist.schema._selectors import Selector
from shortlist.schema._tags import Tags, tag_set

__all__ = ["Schema"]


class Schema:
    """Columns in order, each name once.

    >>> schema = Schema([Column("u", "int64", ("user", "id")), Column("price", "float32", ("item",))])
    >>> schema.names, schema.user.name, "price" in schema
    (('u', 'price'), 'u', True)
    """

    __slots__ = ("_columns",)

    def __init__(self, columns: Iterable[Column] = ()) -> None:
        self._columns: dict[str, Column] = {}
        for column in columns:
            if column.name in self._columns:
                raise SchemaError(
                    "Schema",
                    received=f"column {column.name!r} twice",
                    expected="every name once",
                    remedy="rename one of them",
                )
            self._columns[column.name] = column

    def __iter__(self) -> Iterator[Column]:
        return iter(self._columns.values())

    def __len__(self) -> int:
        return len(self._columns)

    def __contains__(self, name: object) -> bool:
        return name in self._columns

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Schema) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __getitem__(self, name: str) -> Column:
        if name not in self._columns:
            raise SchemaError(
                "Schema",
                received=f"no column {name!r}",
                expected="a known column",
                remedy=near(name, self.names),
            )
        return self._columns[name]

    def __repr__(self) -> str:
        return f"Schema({', '.join(self.names)})"

    def __str__(self) -> str:
        rows = [("column", "dtype", "shape", "codes", "tags")]
        for column in self:
            codes = column.domain.size if column.domain and column.domain.size is not None else ""
            rows.append(
                (column.name, column.dtype, column.shape.kind, str(codes), " ".join(sorted(column.tags)))
            )
        widths = [max(len(row[place]) for row in rows) for place in range(4)]
        return "\n".join(
            "  ".join(
                [*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[4]]
            ).rstrip()
            for row in rows
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns, in order."""
        return tuple(self._columns)

    @property
    def user(self) -> Column:
        """The column of user ids."""
        return self.the(Tags.USER, Tags.ID)

    @property
    def item(self) -> Column:
        """The column of item ids."""
        return self.the(Tags.ITEM, Tags.ID)

    @property
    def time(self) -> Column:
        """The column of event times."""
        return self.the(Tags.TIME)

    def the(self, *tags: str) -> Column:
        """The one scalar column that carries all of these tags.

        Raises:
            SchemaError: there is none, or more than one.
        """
        found = [column for column in self.tagged(*tags) if not column.is_list]
        if len(found) != 1:
            raise SchemaError(
                "Schema",
                received=f"{len(found)} columns with tags {sorted(tag_set(tags))}: {[c.name for c in found]}",
                expected="exactly one",
                remedy="give the roles to sl.scan, or correct the tags with Schema.tag",
            )
        return found[0]

    def tagged(self, *tags: str) -> "Schema":
        """The columns that carry all of these tags."""
        return Schema(column for column in self if column.has(*tags))

    def select(self, chosen: Selector | Iterable[str] | str) -> "Schema":
        """The columns that a selector or names choose, in this schema's order for selectors."""
        if isinstance(chosen, str):
            return Schema([self[chosen]])
        names = chosen.names(self) if isinstance(chosen, Selector) else chosen
        return Schema(self[name] for name in names)

    def without(self, *names: str) -> "Schema":
        """The columns but these."""
        return Schema(column for column in self if column.name not in names)

    def merge(self, other: Iterable[Column]) -> "Schema":
        """These columns and the other's; a column of the same name is replaced in place."""
        return Schema({**self._columns, **{column.name: column for column in other}}.values())

    def tag(self, name: str, *tags: str) -> "Schema":
        """The same schema with one column's tags replaced.

        >>> schema = Schema([Column("zip", "int64", ("continuous",))])
        >>> schema.tag("zip", "user", "categorical")["zip"].has("user")
        True
        """
        old = self[name]
        return self.merge([Column(name, old.dtype, frozenset(tags), old.shape, old.domain, old.vocabulary)])

    def to_json(self) -> str:
        """The schema as JSON text."""
        return json.dumps({"columns": [column.to_json() for column in self]}, indent=1)

    @classmethod
    def from_json(cls, text: str) -> "Schema":
        """Read what `to_json` wrote.

        Raises:
            SchemaError: the text is not a schema.
        """
        try:
            columns = json.loads(text)["columns"]
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            raise SchemaError(
                "schema.json",
                received=f"{text[:60]!r}",
                expected='JSON like {"columns": [...]}',
                remedy="write the file with Schema.to_json",
            ) from error
        return cls(Column.from_json(column) for column in columns)

    @classmethod
    def read_merlin(cls, path: Path | str) -> "Schema":
        """Read a schema of NVIDIA Merlin (NVTabular, Merlin Models, Transformers4Rec).

        Types, tags, domains and lengths of lists become those of the columns. ``max`` of an ``int_domain``
        is the largest code, so the table of a categorical column has ``max + 1`` rows (at least its
        ``cardinality``). Types without a size have 64 bits; a feature without a type is text. Compound tags
        are split, and ``list`` reads as ``sequence``. A fixed number of floats is a vector, unless it is
        tagged as a sequence; other fixed numbers are lists. Options of the ops that made the codes
        (``num_buckets``, ``freq_threshold``, ``max_size``, ``cat_path``) stay behind: here they belong to
        the ops.

        Args:
            path: ``schema.pbtxt`` (Protocol Buffers text) or ``schema.json``, or a folder of Parquet files
                that holds one of them, beside them or in ``.merlin``.

        Raises:
            SchemaError: there is no such file, it is not a schema, or a column of it is impossible: its tags
                contradict each other, its type or its shape has no place here. The column is named.
        """
        return cls(read_merlin(path))

    def write_merlin(self, path: Path | str) -> None:
        """Write the schema so that NVIDIA Merlin reads it, and `read_merlin` gives it back whole.

        Merlin knows no unsigned numbers, bools or times: it reads them as integers. What it cannot say is
        kept in the extra metadata of a column, and used as long as nothing else of the column was changed.

        Args:
            path: a file that ends in ``.pbtxt`` or ``.json``; a folder gets ``.merlin/schema.json``, which
                Merlin looks for beside Parquet files. Replaced in one step if it stands.

        Raises:
            SchemaError: the place cannot be written to.

        >>> from tempfile import TemporaryDirectory
        >>> schema = Schema([Column("u", "uint32", ("user", "id")), Column("price", "float32", ("item",))])
        >>> with TemporaryDirectory() as root:
        ...     schema.write_merlin(f"{root}/schema.pbtxt")
        ...     Schema.read_merlin(f"{root}/schema.pbtxt") == schema
        True
        """
        write_merlin(self, path)

    def fingerprint(self) -> str:
        """A short hash: equal when names, types, tags, shapes and domains are."""
        return blake2b(self.to_json().encode(), digest_size=8).hexdigest()
