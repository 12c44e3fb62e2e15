"""A table of vectors in PostgreSQL: the statements, and nothing of what they mean."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any, TypeAlias, final

import numpy as np
import numpy.typing as npt

from shortlist.data import Array
from shortlist.errors import BundleError, DataError
from shortlist.index._facts import Facts

__all__ = ["Found", "PgVectorTable"]

Vectors = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]
Found: TypeAlias = tuple[Rows, Vectors]
"""Slots and scores of one query."""

_MARK = "shortlist index 1 "


@final
class PgVectorTable:
    """One table with a slot (its place in the order of rows), an id and a vector a line.

    Args:
        name: ``schema.table`` or ``table``.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._psycopg: Any = None
        self._connection: Any = None
        self._effort = 0

    def open(self, psycopg: ModuleType, address: str) -> None:
        """Connect.

        Raises:
            DataError: the database cannot be reached, or has no pgvector.
        """
        self._psycopg = psycopg
        try:
            self._connection = self._psycopg.connect(address, autocommit=True)
            self._run("CREATE EXTENSION IF NOT EXISTS vector")
            # A search that is to give more than it first met goes on, in the order of distance.
            self._run("SET hnsw.iterative_scan = strict_order")
        except self._psycopg.Error as error:
            self.close()
            raise DataError(
                "PgVectorIndex",
                received=str(error).strip().splitlines()[0],
                expected="a PostgreSQL server with the extension pgvector, 0.8 or newer",
                remedy="look at the address, and install the extension on the server",
            ) from error

    def close(self) -> None:
        """Disconnect."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def exists(self) -> bool:
        """Whether there is such a table."""
        found = self._run("SELECT to_regclass(%s)", [self._quoted(self.name)])
        return found[0][0] is not None

    def facts(self) -> Facts:
        """What `describe` said of it.

        Raises:
            BundleError: nobody said anything.
        """
        ((text,),) = self._run("SELECT obj_description(to_regclass(%s))", [self._quoted(self.name)])
        if text is None or not text.startswith(_MARK):
            raise BundleError(
                f"table {self.name}",
                received="a table without the facts of an index",
                expected="one that PgVectorIndex.replace wrote",
                remedy="choose another name, or drop the table yourself",
            )
        return Facts.from_json(json.loads(text.removeprefix(_MARK)))

    def describe(self, facts: Facts) -> None:
        """Keep facts as the comment of the table."""
        text = self._psycopg.sql.Literal(_MARK + json.dumps(facts.to_json()))
        self._run("COMMENT ON TABLE {table} IS {text}", text=text)

    def ids(self) -> tuple[Rows, Array]:
        """Slots in order, and the id of each."""
        lines = self._run("SELECT slot, id FROM {table} ORDER BY slot")
        slots = np.fromiter((line[0] for line in lines), np.int64, len(lines))
        ids = [line[1] for line in lines]
        return slots, np.array(ids, dtype=object if ids and isinstance(ids[0], str) else np.int64)

    def vectors(self, slots: Rows, dim: int) -> Vectors:
        """Float32 [N, D]: the vectors of slots, which are in order; zeros for those that are gone."""
        query = "SELECT slot, vector::text FROM {table} WHERE slot = ANY(%s) ORDER BY slot"
        found = np.zeros((len(slots), dim), dtype=np.float32)
        for slot, text in self._run(query, [slots.tolist()]):
            found[np.searchsorted(slots, slot)] = np.array(text[1:-1].split(","), dtype=np.float32)
        return found

    def nearest(self, queries: Vectors, k: int, effort: int) -> list[Found]:
        """What the graph finds, for each query."""
        if effort != self._effort:
            self._run(f"SET hnsw.ef_search = {int(effort)}")
            self._effort = effort
        return self._asked(queries, "", "line.vector <#> asked.vector", k, None)

    def nearest_exact(self, queries: Vectors, k: int, slots: Rows | None) -> list[Found]:
        """The k nearest of all slots or some, by a scan; smaller slots first among equals."""
        # The sum keeps the graph out: it serves the plain distance alone.
        where = "" if slots is None else "WHERE line.slot = ANY(%(slots)s)"
        order = "(line.vector <#> asked.vector) + 0, line.slot"
        return self._asked(queries, where, order, k, None if slots is None else slots.tolist())

    @contextmanager
    def replacing(
        self, vectors: Vectors, ids: Array, links: int, build_effort: int
    ) -> Iterator["PgVectorTable"]:
        """A new table with these vectors, which takes the place of this one when the block ends.

        Raises:
            DataError: the database refuses.
        """
        new = PgVectorTable(f"{self.name}_new")
        new._psycopg, new._connection = self._psycopg, self._open
        kind = "text" if ids.dtype == object else "bigint"
        try:
            with self._connection.transaction():
                new._run("DROP TABLE IF EXISTS {table}")
                new._run(
                    "CREATE TABLE {table} (slot bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "
                    f"id {kind} NOT NULL UNIQUE, vector vector({vectors.shape[1]}) NOT NULL)"
                )
                new._copy(ids, vectors)
                new._run(
                    "CREATE INDEX ON {table} USING hnsw (vector vector_ip_ops) "
                    f"WITH (m = {links}, ef_construction = {max(build_effort, 2 * links)})"
                )
                new._run("ANALYZE {table}")
                yield new
                self._run("DROP TABLE IF EXISTS {table}")
                last = self._psycopg.sql.Identifier(self.name.split(".")[-1])
                new._run("ALTER TABLE {table} RENAME TO {last}", last=last)
        except self._psycopg.Error as error:
            raise self._refused(error) from error

    def upsert(self, ids: Array, vectors: Vectors) -> None:
        """Add lines, or replace their vectors."""
        query = (
            "INSERT INTO {table} (id, vector) SELECT * FROM unnest(%s, %s::text[]::vector[]) "
            "ON CONFLICT (id) DO UPDATE SET vector = EXCLUDED.vector"
        )
        try:
            self._run(query, [ids.tolist(), [_text(vector) for vector in vectors]])
        except self._psycopg.Error as error:
            raise self._refused(error) from error

    def delete(self, ids: Array) -> None:
        """Remove lines."""
        self._run("DELETE FROM {table} WHERE id = ANY(%s)", [ids.tolist()])

    @property
    def _open(self) -> Any:
        if self._connection is None:
            raise DataError(
                f"table {self.name}",
                received="a closed connection",
                expected="an open one",
                remedy="call open()",
            )
        return self._connection

    def _copy(self, ids: Array, vectors: Vectors) -> None:
        query = self._query("COPY {table} (id, vector) FROM STDIN")
        with self._connection.cursor() as cursor, cursor.copy(query) as copy:
            for one, vector in zip(ids.tolist(), vectors, strict=True):
                copy.write_row((one, _text(vector)))

    def _asked(
        self, queries: Vectors, where: str, order: str, k: int, slots: Sequence[int] | None
    ) -> list[Found]:
        """One statement for all queries."""
        query = (
            "SELECT asked.number, best.slot, best.score "
            "FROM unnest(%(queries)s::text[]::vector[]) WITH ORDINALITY AS asked(vector, number), "
            "LATERAL (SELECT line.slot, -(line.vector <#> asked.vector) AS score "
            "FROM {table} AS line {where} ORDER BY {order} LIMIT {k}) AS best"
        )
        values = {"queries": [_text(vector) for vector in queries], "slots": slots}
        sql = self._psycopg.sql
        lines = self._run(query, values, where=sql.SQL(where), order=sql.SQL(order), k=sql.Literal(int(k)))
        numbers = np.fromiter((line[0] for line in lines), np.int64, len(lines))
        found = np.fromiter((line[1] for line in lines), np.int64, len(lines))
        scores = np.fromiter((line[2] for line in lines), np.float32, len(lines))
        parts = [np.flatnonzero(numbers == number) for number in range(1, len(queries) + 1)]
        return [(found[part], scores[part]) for part in parts]

    def _run(self, query: str, values: Any = None, **parts: Any) -> list[Any]:
        with self._open.cursor() as cursor:
            cursor.execute(self._query(query, **parts), values)
            return list(cursor.fetchall()) if cursor.description is not None else []

    def _query(self, query: str, **parts: Any) -> Any:
        sql = self._psycopg.sql
        return sql.SQL(query).format(table=sql.Identifier(*self.name.split(".")), **parts)

    def _quoted(self, name: str) -> str:
        return str(self._psycopg.sql.Identifier(*name.split(".")).as_string(self._connection))

    def _refused(self, error: Exception) -> DataError:
        return DataError(
            f"table {self.name}",
            received=str(error).strip().splitlines()[0],
            expected="a table that may be written, and vectors that pgvector takes",
            remedy="look at the rights of the user, and at pgvector's bound of 2,000 numbers a vector",
        )


def _text(vector: Vectors) -> str:
    """A vector as pgvector reads it; nine digits bring every float32 back as it was."""
    return "[" + ",".join(f"{value:.9g}" for value in vector.tolist()) + "]"
