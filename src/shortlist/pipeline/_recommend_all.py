"""Recommendations for everybody, written to disk."""

import json
import shutil
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from shortlist.data import Candidates, Requests
from shortlist.errors import ArgumentError, DataError, near
from shortlist.io import (
    Dataset,
    PartFile,
    atomic_folder,
    atomic_write,
    finish_parquet,
    read_parquet,
    write_part,
)
from shortlist.pipeline._pipeline import Pipeline
from shortlist.pipeline._products import with_products
from shortlist.pipeline._stage import count_of
from shortlist.pipeline._state import State
from shortlist.report import Line, bar, duration
from shortlist.schema import Column, Schema, Tags
from shortlist.store import to_series

__all__ = ["BatchOptions", "recommend_all"]

_PLAN = "plan.json"


@dataclass(frozen=True, slots=True)
class BatchOptions:
    """How recommendations for many users are worked out.

    Attributes:
        block_users: users that are asked about at once. More go faster up to a point; memory grows by all
            their candidates and features.
        part_users: users of a file; their recommendations are in memory together.
        version: what names the pipeline, such as the version of its bundle: a run under the same name and
            arguments goes on with the files that a killed one left. None begins anew.
        exact: search by products where the index approximates too. For many users that is often quicker than
            a search for each, and finds what an approximate one misses: the lists are then those of the same
            pipeline with an exact index.
        progress: whether a line on standard error says how it goes; None for only on a terminal.

    Raises:
        ArgumentError: a number is below 1.
    """

    block_users: int = 1024
    part_users: int = 131_072
    version: str | None = None
    exact: bool = False
    progress: bool | None = None

    def __post_init__(self) -> None:
        for name in (field.name for field in fields(self)[:2]):
            count_of(getattr(self, name), f"BatchOptions.{name}")


def recommend_all(
    pipe: Pipeline,
    folder: Path | str,
    k: int = 10,
    *,
    users: Sequence[Any] | None = None,
    columns: Sequence[str] = (),
    filters: Iterable[str] = (),
    options: BatchOptions | None = None,
) -> Dataset:
    """Write the recommendations for many users as Parquet files, ``part_users`` users a file.

    The lists are those of single requests, all asked at the state's present; exact indexes are searched by
    one matrix product for a block of users. Errors are raised, as in a frozen state.

    Args:
        pipe: the pipeline.
        folder: where to; it appears whole or not at all, and replaces what stood there.
        k: items for each user.
        users: raw user ids; by default all users of the store.
        columns: item columns to put beside the ids.
        filters: conditions on item columns, such as ``"price < 20"``.
        options: how it is worked out.

    Returns:
        ``user, rank, item, score, source`` and the columns, read from the folder; users in their order. It is
        read again by ``sl.read_parquet(folder)``.

    Raises:
        ArgumentError: an argument has a wrong value.
        DataError: the disk is full or the place cannot be written to; what stood there is as it was.

    >>> from tempfile import TemporaryDirectory
    >>> import shortlist as sl
    >>> log = sl.datasets.planted(users=20, items=10, events=100, groups=2)
    >>> pipe = sl.Pipeline([sl.Popular()], state=sl.State(log.events, users=log.users))
    >>> with TemporaryDirectory() as root:
    ...     recommend_all(pipe, f"{root}/top", k=2).collect().shape
    (40, 5)
    """
    chosen, conditions = options or BatchOptions(), tuple(filters)
    count_of(k, "recommend_all.k")
    state = State(store=pipe.state.store, now=pipe.state.now)
    writer = _Writer(
        with_products(pipe.with_state(state).narrowed(conditions), every=chosen.exact),
        k,
        tuple(columns),
        _series(users, state),
    )
    asked = {"k": k, "columns": list(columns), "filters": list(conditions), "now": state.now}
    how = {name: getattr(chosen, name) for name in ("version", "part_users", "exact")}
    plan = {**asked, **how, "users": writer.digest()}
    target = Path(folder).absolute()
    if target.exists() and not target.is_dir():
        raise DataError(str(folder), received="a file", expected="a folder or nothing")
    _publish(writer, target, plan, chosen)
    return read_parquet(target, verify=False)


def _publish(writer: "_Writer", target: Path, plan: dict[str, Any], options: BatchOptions) -> None:
    """Write the parts into a hidden folder, then put them in place in one step."""
    room = target.parent / f".{target.name}.unfinished"
    parts = _resumed(room, plan)
    try:
        _write_parts(writer, room, parts, options)
        with atomic_folder(target) as fresh:
            for path in room.glob("*.parquet"):
                path.rename(fresh / path.name)
            finish_parquet(fresh, writer.schema(), [[part] for part in parts])
    except BaseException:
        if options.version is None:
            shutil.rmtree(room, ignore_errors=True)
        raise
    shutil.rmtree(room, ignore_errors=True)


@dataclass(frozen=True)
class _Writer:
    """Asks for users and makes frames of the answers.

    Attributes:
        pipe: the pipeline, over a frozen state.
        k: items for each user.
        columns: item columns to write too.
        users: raw ids of all users.
    """

    pipe: Pipeline
    k: int
    columns: tuple[str, ...]
    users: pl.Series

    def __post_init__(self) -> None:
        known = self.pipe.state.store.item_schema
        for name in self.columns:
            if name not in known or name in {"user", "rank", "item", "score", "source"}:
                raise ArgumentError(
                    "recommend_all.columns",
                    received=name,
                    expected="columns of the item table other than those of every answer",
                    remedy=near(name, known.names),
                )

    def schema(self) -> Schema:
        """The columns of the frames."""
        store = self.pipe.state.store
        number = str(self.users.dtype).lower() if self.users.dtype.is_integer() else "string"
        return Schema(
            [
                Column("user", number, frozenset({Tags.USER, Tags.ID, Tags.CATEGORICAL})),
                Column("rank", "int32", frozenset({Tags.CROSS})),
                replace(store.item_schema.item, name="item"),
                Column("score", "float32", frozenset({Tags.CROSS, Tags.CONTINUOUS})),
                Column("source", "string", frozenset({Tags.CROSS, Tags.CATEGORICAL})),
                *(store.item_schema[name] for name in self.columns),
            ]
        )

    def digest(self) -> str:
        """A short name of exactly these users, in their order."""
        hashes = self.users.hash(seed=0).to_numpy()
        return blake2b(np.ascontiguousarray(hashes).tobytes(), digest_size=8).hexdigest()

    def frame(self, start: int, stop: int) -> pl.DataFrame:
        """The lists of some of the users."""
        part = self.users[start:stop]
        found = self.pipe.run(Requests(part.to_list(), self.k))
        return self._framed(part, found)

    def _framed(self, users: pl.Series, found: Candidates) -> pl.DataFrame:
        state, schema = self.pipe.state, self.pipe.state.store.item_schema
        facts = state.store.item_columns(found.items, self.columns)
        names = pl.Series("source", list(found.sources) or [""], dtype=pl.String)
        return pl.DataFrame(
            [
                users.gather(found.query_of),
                pl.Series("rank", found.places + 1, dtype=pl.Int32),
                self.keys.gather(found.items),
                pl.Series("score", found.scores),
                names.gather(found.source.astype(np.int64)),
                *(to_series(facts[name], schema[name]) for name in self.columns),
            ]
        )

    @cached_property
    def keys(self) -> pl.Series:
        """The raw ids of the catalogue."""
        store = self.pipe.state.store
        return to_series(store.items.values, store.item_schema.item).alias("item")


def _write_parts(writer: _Writer, room: Path, parts: list[PartFile], options: BatchOptions) -> None:
    """Write the parts that are not there yet."""
    line, total, begun = Line(options.progress), len(writer.users), time.monotonic()
    done = first = len(parts) * options.part_users
    try:
        for start in range(first, max(total, 1), options.part_users):
            stop = min(start + options.part_users, total)
            frames = [writer.frame(start, start)]
            for low in range(start, stop, options.block_users):
                frames.append(writer.frame(low, min(low + options.block_users, stop)))
                done = min(low + options.block_users, stop)
                if (now := line.due()) is not None:
                    line.draw(_told(done, total, done - first, now - begun))
            parts += write_part(pl.concat(frames), room, len(parts))
            atomic_write(
                room / "parts.json", json.dumps([[p.name, p.rows, p.bytes, p.crc32] for p in parts]).encode()
            )
    finally:
        line.close()


def _told(done: int, total: int, fresh: int, seconds: float) -> str:
    speed = fresh / max(seconds, 1e-9)
    left = duration((total - done) / max(speed, 1e-9))
    return f"{bar(done / max(total, 1))} {done:,}/{total:,} users  {speed:,.0f} users/s  {left} left"


def _resumed(room: Path, plan: dict[str, Any]) -> list[PartFile]:
    """The parts that an earlier run of the same plan left; otherwise an empty room."""
    text = json.dumps(plan, sort_keys=True)
    if plan["version"] is not None:
        with suppress(OSError, ValueError, TypeError):
            if (room / _PLAN).read_text() == text:
                parts = [PartFile(*part) for part in json.loads((room / "parts.json").read_text())]
                if all((room / part.name).stat().st_size == part.bytes for part in parts):
                    return parts
    shutil.rmtree(room, ignore_errors=True)
    try:
        room.mkdir(parents=True)
    except OSError as error:
        raise DataError(
            str(room.parent), received=str(error), expected="a place that can be written to"
        ) from error
    atomic_write(room / _PLAN, text.encode())
    return []


def _series(users: Sequence[Any] | None, state: State) -> pl.Series:
    if users is None:
        return to_series(state.store.users.values, state.store.user_schema.user).alias("user")
    if isinstance(users, str | bytes):
        raise ArgumentError(
            "users", received=users, expected="a list of user ids", remedy=f"pass [{users!r}]"
        )
    plain = list(users)
    whole = all(isinstance(user, int) and not isinstance(user, bool) for user in plain if user is not None)
    if whole and plain:
        return pl.Series("user", plain, dtype=pl.Int64)
    return pl.Series("user", [None if user is None else str(user) for user in plain], dtype=pl.String)
