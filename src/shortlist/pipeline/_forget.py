"""A user taken out of everything that is kept."""

import os
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import polars as pl

from shortlist.bundle import Reader
from shortlist.errors import ArgumentError, DataError
from shortlist.io import atomic_folder, atomic_write, checksum, current, is_shelf, shelf_of, write_manifest
from shortlist.store import EmbeddedStore, forget_live, open_store

__all__ = ["Forgotten", "forget_user"]


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was taken out.

    Attributes:
        store_events: events in the store of the bundle.
        live_events: events among those that arrived while serving, or that a shared store kept.
        log_rows: rows of logs of answers and events.
        version: the (current) bundle's version since; None where there was no bundle.
    """

    store_events: int = 0
    live_events: int = 0
    log_rows: int = 0
    version: str | None = None


def forget_user(
    user: Any,
    *,
    bundle: Path | str | None = None,
    live: Path | str | None = None,
    store: str | None = None,
    logs: tuple[Path | str, ...] = (),
) -> Forgotten:
    """Take a user out of a bundle's store, its live events, and logs of answers and events.

    Stop the servers of the bundle first. The bundle (each version of a shelf) appears changed in one step,
    under a new version, to which its live events belong from then on. Every file is rewritten whole or left
    as it was; after a crash, do it again. Ids are compared as text.

    What models learned from the user is not undone: workflows know the id if they have a vocabulary of users,
    and embeddings and factors a vector of the user. Train anew without the user's events for that.

    Args:
        user: raw id.
        bundle: folder of the bundle, or shelf of its versions.
        live: folder of its live events; by default ``<bundle>.live`` beside it.
        store: address of a store that its servers share, see `shortlist.store.open_store`; needs ``bundle``.
        logs: folders of `AnswerLog` and `OutcomeLog`.

    Raises:
        ArgumentError: there is neither a bundle nor a log, or a store without a bundle.
        BundleError: the folder is no sound bundle.
        DataError: a file is damaged, or a running server holds the live events.
    """
    if bundle is None and not logs:
        raise ArgumentError("forget_user", received="nothing to look through", expected="bundle= or logs=")
    if bundle is None and store is not None:
        raise ArgumentError("forget_user", received="store= without bundle=", expected="the bundle it is of")
    rows = sum(_forget_log(Path(folder), str(user)) for folder in logs)
    if bundle is None:
        return Forgotten(log_rows=rows)
    place = Path(bundle)
    folder = place.with_name(f"{place.resolve().name}.live") if live is None else Path(live)
    files = [path for path in sorted(folder.glob("*events")) if path.is_file()]
    live_events = sum(forget_live(path, user) for path in files)
    if store is not None:
        live_events += _forget_shared(current(place), store, user)
    folders = [place / name for name in shelf_of(place).names] if is_shelf(place) else [place]
    store_events = sum(_forget_bundle(each, files, user) for each in folders)
    return Forgotten(store_events, live_events, rows, Reader(current(place)).open(verify=False).version)


def _forget_shared(bundle: Path, url: str, user: Any) -> int:
    shared = open_store(url, EmbeddedStore.open(Reader(bundle).open().part("store")))
    try:
        return shared.without_user(user)[1]
    finally:
        shared.close()


def _forget_bundle(bundle: Path, live: list[Path], user: Any) -> int:
    """Write a bundle anew without the user, where it knows the user; how many events went."""
    reader = Reader(bundle).open()
    old, part = reader.version, reader.part("store")
    store = EmbeddedStore.open(part)
    if int(store.users.positions([user])[0]) < 0:
        return 0
    kept, events = store.without_user(user)
    with atomic_folder(bundle) as fresh:
        for name in reader.manifest["files"]:
            if not name.startswith(f"{part.name}/"):
                (fresh / name).parent.mkdir(parents=True, exist_ok=True)
                _copied(bundle / name, fresh / name)
        kept.save(fresh / part.name)
        manifest = {key: value for key, value in reader.manifest.items() if key != "files"}
        write_manifest(fresh, {**manifest, "changed": datetime.now(UTC).isoformat(timespec="seconds")})
        new = checksum(fresh / "manifest.json")[:12]
        for path in live:
            forget_live(path, user, renamed=(old, new))
    return events


def _copied(source: Path, target: Path) -> None:
    """The same file in another folder: files of a bundle are never written to."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _forget_log(folder: Path, user: str) -> int:
    """Rewrite the files that hold the user; how many rows went."""
    if not folder.is_dir():
        raise DataError(str(folder), received="no folder", expected="the folder of a log")
    gone = 0
    for path in sorted(folder.glob("*.parquet")):
        try:
            theirs = pl.scan_parquet(path).filter(pl.col("user") == user).select(pl.len()).collect().item()
        except (OSError, pl.exceptions.PolarsError) as error:
            raise DataError(
                str(path), received=str(error), expected="a file of an answer log or an event log"
            ) from error
        if theirs:
            rest = pl.read_parquet(path).filter(pl.col("user").ne_missing(user))
            _rewrite(path, rest)
            gone += theirs
    return gone


def _rewrite(path: Path, rest: pl.DataFrame) -> None:
    if rest.height == 0:
        path.unlink()
        return
    buffer = BytesIO()
    rest.write_parquet(buffer)
    atomic_write(path, buffer.getvalue())
