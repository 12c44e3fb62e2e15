"""The bundles of a server, by name: loaded, watched, swapped while others ask."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from time import perf_counter
from typing import final

from shortlist.errors import ArgumentError, ShortlistError, near
from shortlist.io import current
from shortlist.monitor import Probe
from shortlist.server._counters import Counters
from shortlist.server._desk import Desk
from shortlist.server._live import LiveEvents
from shortlist.server._live_items import LiveCatalogue
from shortlist.server._options import ServerOptions
from shortlist.server._priority import give_way
from shortlist.store import RemoteStore

__all__ = ["Rack", "mark_of"]

_LOG = logging.getLogger("shortlist.server")

Mark = tuple[object, ...]


@final
class Rack:
    """A desk for each bundle.

    A bundle that changed on disk is loaded beside the one that answers, and takes its place once it has
    answered a request. Requests in progress finish where they began; then the old desk is let go. A version
    that cannot be loaded is reported once, and the one before it stays.

    Args:
        bundles: name -> folder of a bundle, or a shelf of its versions.
        options: limits and folders.
        live: the events that arrive.
        counters: where swaps are counted.
        items: the items that are edited.

    Attributes:
        probe: looks again at some of the requests.
    """

    def __init__(
        self,
        bundles: Mapping[str, Path],
        options: ServerOptions,
        live: LiveEvents,
        counters: Counters,
        items: LiveCatalogue,
    ) -> None:
        self.bundles, self._items = dict(bundles), items
        self._options, self._live, self._counters = options, live, counters
        self._desks: dict[str, Desk] = {}
        self._marks: dict[str, Mark] = {}
        self._retired: list[Desk] = []
        self._at_work: dict[int, int] = {}
        self._lock = Lock()
        self.probe = Probe(options.monitor, on_start=give_way)
        counters.gauges["shortlist_probe_seconds_total"] = lambda: self.probe.cpu_seconds

    def open(self) -> None:
        """Load every bundle.

        Raises:
            BundleError: a folder is no sound bundle.
            DataError: the file of live events or items is damaged, or held by another process.
        """
        self._live.open()
        self._items.open()
        self.probe.open()
        for name in self.bundles:
            self._load(name)

    def refresh(self) -> None:
        """Load the bundles that changed on disk, finish what is retired, write logged answers."""
        for name, folder in self.bundles.items():
            if mark_of(folder) not in (self._marks.get(name), None):
                self._reload(name)
        self.flush()

    @contextmanager
    def desk(self, name: str) -> Iterator[Desk]:
        """The desk of a bundle, kept until the block ends.

        Raises:
            ArgumentError: there is no bundle of that name.
        """
        with self._lock:
            desk = self._desk(name)
            self._at_work[id(desk)] = self._at_work.get(id(desk), 0) + 1
        try:
            yield desk
        finally:
            with self._lock:
                self._at_work[id(desk)] -= 1

    @property
    def versions(self) -> dict[str, str]:
        """Name -> version of every loaded bundle."""
        return {name: desk.version for name, desk in self._desks.items()}

    def flush(self) -> None:
        """Write logged answers to disk and close the retired desks that nobody works at."""
        with self._lock:
            idle = [desk for desk in self._retired if not self._at_work.get(id(desk))]
            self._retired = [desk for desk in self._retired if desk not in idle]
        for desk in idle:
            self._at_work.pop(id(desk), None)
            desk.close()
        for desk in [*self._desks.values(), *self._retired]:
            desk.flush()

    def close(self) -> None:
        """Write what is left and let go of the files."""
        self.probe.close()
        for desk in [*self._desks.values(), *self._retired]:
            with suppress(Exception):
                desk.close()
        self._desks, self._retired = {}, []
        self._live.close()
        self._items.close()

    def _desk(self, name: str) -> Desk:
        if name not in self._desks:
            raise ArgumentError(
                "bundle", received=name, expected="a bundle of this server", remedy=near(name, self._desks)
            )
        return self._desks[name]

    def _load(self, name: str) -> None:
        start, mark = perf_counter(), mark_of(self.bundles[name])
        bundle = current(self.bundles[name])
        desk = Desk.open(bundle, self._options, self.probe)
        self._counters.attach(name, desk.version, desk.monitor)
        self._items.attach(_key(name, desk), desk.pipe, bundle)
        store = desk.pipe.state.store
        self._live.attach(_key(name, desk), store)
        with self._lock:
            old = self._desks.get(name)
            self._desks[name] = desk
            if old is not None:
                self._retired.append(old)
        if isinstance(store, RemoteStore):
            self._counters.stores[desk.version] = lambda: store.failures
        self._marks[name] = mark or ()
        if old is not None and old.version != desk.version:
            self._live.detach(_key(name, old))
            self._items.detach(_key(name, old))
            self._counters.stores.pop(old.version, None)
        _LOG.info("bundle %s of %s ready after %.2f s", desk.version, name, perf_counter() - start)

    def _reload(self, name: str) -> None:
        mark = mark_of(self.bundles[name])
        try:
            self._load(name)
        except (ShortlistError, OSError) as error:
            self._marks[name] = mark or ()
            self._counters.swapped(name, "failed")
            _LOG.error("%s stays at version %s: %s", name, self._desks[name].version, error)
        else:
            self._counters.swapped(name, "done")


def mark_of(folder: Path) -> Mark | None:
    """What tells one state of a bundle's folder from the next; None while it cannot be read."""
    try:
        version = current(folder)
        manifest = (version / "manifest.json").stat()
    except (OSError, ShortlistError):
        return None
    return (version.name, manifest.st_ino, manifest.st_mtime_ns, manifest.st_size)


def _key(name: str, desk: Desk) -> str:
    return f"{name}:{desk.version}"
