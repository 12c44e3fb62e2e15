"""What stands behind the endpoints: bundles that are being loaded, answer, or could not be loaded."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from time import monotonic, perf_counter
from typing import Any, final

import msgspec

from shortlist.errors import ArgumentError, ServerError, near
from shortlist.server._ask import Ask
from shortlist.server._counters import Counters
from shortlist.server._desk import Answered, Desk
from shortlist.server._gather import Gatherer
from shortlist.server._inference import ask_of, outputs_of
from shortlist.server._live import LiveEvents
from shortlist.server._live_items import LiveCatalogue
from shortlist.server._messages import Answer, Events, Kept, Recommend, UserItems
from shortlist.server._options import ServerOptions
from shortlist.server._priority import give_way
from shortlist.server._rack import Rack
from shortlist.server._refusal import Refusal, fault_of
from shortlist.server._tensors import Values
from shortlist.server._traffic import Traffic
from shortlist.store import keeps_events

__all__ = ["Service", "named"]

_LOG = logging.getLogger("shortlist.server")
_FLUSH_S = 5.0


def named(bundles: str | Path | Mapping[str, str | Path]) -> dict[str, Path]:
    """Bundles by name; a single one is called like its folder.

    >>> named("models/shop")
    {'shop': PosixPath('models/shop')}
    """
    if isinstance(bundles, str | Path):
        return {Path(bundles).resolve().name: Path(bundles)}
    if not bundles:
        raise ArgumentError("bundles", received="none", expected="at least one bundle")
    return {name: Path(folder) for name, folder in bundles.items()}


@final
class Service:
    """The bundles, their counters and their threads.

    Args:
        bundles: name -> folder, or shelf of versions.
        options: limits and folders.

    Attributes:
        failure: why the bundles could not be loaded; None while all is well.
        on_failure: called once when they could not.
        catalogue: edits the items of all bundles.

    Raises:
        ArgumentError: the traffic names a bundle that is not there.
    """

    def __init__(self, bundles: Mapping[str, Path], options: ServerOptions) -> None:
        self.options = options
        self.counters = Counters()
        self.failure: Exception | None = None
        self.on_failure: Callable[[], None] = lambda: None
        first = next(iter(bundles))
        self.traffic = options.traffic or Traffic({first: 1.0})
        _check_names(self.traffic, bundles)
        folder = options.live or bundles[first].with_name(f"{bundles[first].resolve().name}.live")
        elsewhere = options.store is not None and keeps_events(options.store)
        self._live = LiveEvents(None if elsewhere else folder / "events")
        self.catalogue = LiveCatalogue(folder / "items")
        self._rack = Rack(bundles, options, self._live, self.counters, self.catalogue)
        self._gatherer = Gatherer(options, self.counters)
        self._loader = ThreadPoolExecutor(1, "shortlist-loader", initializer=give_way)
        self._first, self._ready = first, False
        self._shadows: set[asyncio.Task[None]] = set()

    @property
    def versions(self) -> dict[str, str]:
        """Name -> version of every bundle.

        Raises:
            Refusal: they are not loaded.
        """
        self._check_ready()
        return self._rack.versions

    @property
    def version(self) -> str:
        """The version of the first bundle.

        Raises:
            Refusal: it is not loaded.
        """
        return self.versions[self._first]

    def check_model(self, name: str, version: str = "") -> None:
        """Refuse the name of a bundle that is not there, or a version other than the only one, 1.

        Raises:
            Refusal: there is none of that name or version.
        """
        known = self.versions
        if name not in known or version not in ("", "1"):
            error = ArgumentError(
                "model",
                received=f"{name!r}, version {version or '1'!r}",
                expected="a model of this server, of version '1'",
                remedy=near(name, known),
            )
            raise Refusal(404, fault_of(error))

    def desk(self, name: str | None = None) -> AbstractContextManager[Desk]:
        """The desk of a bundle, kept while it is worked at; None is the first.

        Raises:
            Refusal: it is not loaded.
            ArgumentError: there is no such bundle.
        """
        self._check_ready()
        return self._rack.desk(name or self._first)

    async def run(self) -> None:
        """Load the bundles, then look for new versions and write logged answers to disk, until cancelled."""
        try:
            await asyncio.get_running_loop().run_in_executor(self._loader, self._rack.open)
        except Exception as error:
            self.failure = error
            _LOG.error("cannot serve: %s", error)
            self.on_failure()
            return
        self._ready = True
        flushed, watch_s = monotonic(), self.options.watch_s
        while True:
            await asyncio.sleep(watch_s or _FLUSH_S)
            if watch_s:
                await asyncio.get_running_loop().run_in_executor(self._loader, self._rack.refresh)
            if monotonic() - flushed >= _FLUSH_S:
                await asyncio.to_thread(self._flush)
                flushed = monotonic()

    def close(self) -> None:
        """Finish the work in progress and let go of the files."""
        self._gatherer.close()
        self._loader.shutdown()
        self._ready = False
        self._rack.close()

    async def recommend(self, message: Recommend) -> Answer:
        """Answer a request for recommendations.

        Raises:
            Refusal: the bundles are not loaded, too many wait, or it took too long.
            ArgumentError: the request asks for what cannot be.
        """
        self._check_ready()
        start = perf_counter()
        ask = Ask.of(message, self.options.max_users)
        async with self._in_time():
            answer = await self._answered(ask, message.bundle)
        answer.latency_ms = round((perf_counter() - start) * 1e3, 3)
        return answer

    async def infer(
        self, name: str, tensors: Mapping[str, Values], request_id: str | None
    ) -> tuple[str, dict[str, Values]]:
        """Answer a request in tensors by a bundle: its version and the outputs.

        Raises:
            Refusal: the bundles are not loaded, too many wait, or it took too long.
            ArgumentError: a tensor is unknown or of a wrong shape.
        """
        with self.desk(name) as desk:
            ask = ask_of(desk, tensors, self.options.max_users, request_id)
            async with self._in_time():
                lists, _ = await self._timed(desk, ask)
            return desk.version, outputs_of(lists, ask.k)

    async def append(self, message: Events) -> Kept:
        """Append events."""
        with self.desk() as desk:
            kept: Kept = await self._gatherer.alone(desk.append, message.events, self._live)
        self.counters.appended(kept.kept, kept.known_items)
        return kept

    async def edit(self, edit: Callable[[Any], int], what: Sequence[Any], kind: str) -> int:
        """Edit the catalogue, see `LiveCatalogue`, and count it."""
        self._check_ready()
        done: int = await self._gatherer.alone(edit, what)
        self.counters.edited(kind, done)
        return done

    async def asked_alone(self, name: str | None, work: Callable[..., Any], *asked: Any) -> tuple[str, Any]:
        """What ``work(desk, *asked)`` gives at the desk of a bundle, and the version.

        Raises:
            Refusal: the bundles are not loaded, too many wait, or it took too long.
            ArgumentError: there is no such bundle.
        """
        with self.desk(name) as desk:
            async with self._in_time():
                return desk.version, await self._gatherer.alone(work, desk, *asked)

    @asynccontextmanager
    async def _in_time(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self.options.timeout_ms / 1e3 or None):
                yield
        except TimeoutError as error:
            raise Refusal(504, fault_of(_late(self.options.timeout_ms))) from error

    async def _answered(self, ask: Ask, wanted: str | None) -> Answer:
        groups = self._groups(ask, wanted)
        if len(groups) == 1:
            (name,) = groups
            version, (lists, trace) = await self._asked(name, ask)
            answer = Answer(ask.request_id, version, lists, 0.0, trace)
        else:
            parts = await asyncio.gather(
                *(self._asked(name, ask.part(places)) for name, places in groups.items())
            )
            answer = _merged(ask, dict(zip(groups, parts, strict=True)), groups)
        for shadow in self.traffic.shadows:
            self._start_shadow(shadow, ask, answer.results)
        return answer

    def _groups(self, ask: Ask, wanted: str | None) -> dict[str, list[int]]:
        """Which bundle answers which users, by place."""
        if wanted is not None or len(self.traffic.shares) == 1:
            return {wanted or next(iter(self.traffic.shares)): list(range(len(ask.users)))}
        groups: dict[str, list[int]] = {}
        for place, user in enumerate(ask.users):
            groups.setdefault(self.traffic.bundle_of(user, ask.request_id), []).append(place)
        return groups or {self._first: []}

    async def _asked(self, name: str, ask: Ask) -> tuple[str, Answered]:
        with self.desk(name) as desk:
            return desk.version, await self._timed(desk, ask)

    async def _timed(self, desk: Desk, ask: Ask) -> Answered:
        start = perf_counter()
        answered = await self._gatherer.ask(ask, desk.run)
        desk.monitor.took(perf_counter() - start)
        return answered

    def _start_shadow(self, name: str, ask: Ask, shown: Sequence[UserItems]) -> None:
        """Ask a shadow the same if a thread is free: it never makes a request wait."""
        if not self._gatherer.idle:
            self.counters.shadowed(name, None)
            return
        task = asyncio.get_running_loop().create_task(self._shadow(name, ask, shown))
        self._shadows.add(task)
        task.add_done_callback(self._shadows.discard)

    async def _shadow(self, name: str, ask: Ask, shown: Sequence[UserItems]) -> None:
        try:
            _, (lists, _) = await self._asked(name, replace(ask, trace=False))
        except Exception as error:
            _LOG.warning("shadow %s did not answer: %s", name, error)
            self.counters.shadowed(name, None)
            return
        shares = [_overlap(mine, theirs) for mine, theirs in zip(lists, shown, strict=True) if theirs.items]
        self.counters.shadowed(name, sum(shares) / len(shares) if shares else 1.0)

    def _check_ready(self) -> None:
        if self._ready:
            return
        failed = self.failure is not None
        error = ServerError(
            "server",
            received="a bundle that cannot be read" if failed else "a bundle that is being loaded",
            expected="a loaded one",
            remedy="see the log of the server" if failed else "try again in a second",
        )
        raise Refusal(503, fault_of(error), retry_after_s=1)

    def _flush(self) -> None:
        try:
            self._rack.flush()
        except Exception:
            _LOG.exception("answers could not be written to disk; they are kept in memory and tried again")


def _merged(ask: Ask, parts: Mapping[str, tuple[str, Answered]], groups: Mapping[str, list[int]]) -> Answer:
    """The answers of several bundles in the order of the users."""
    results: dict[int, UserItems] = {}
    for name, (_, (lists, _)) in parts.items():
        named_lists = (msgspec.structs.replace(one, bundle=name) for one in lists)
        results |= dict(zip(groups[name], named_lists, strict=True))
    steps = [step for _, (_, trace) in parts.values() for step in trace or ()]
    version = next(iter(parts.values()))[0]
    ordered = [results[place] for place in range(len(ask.users))]
    return Answer(ask.request_id, version, ordered, 0.0, steps if ask.trace else None)


def _overlap(mine: UserItems, shown: UserItems) -> float:
    theirs = {one.item for one in shown.items}
    return len(theirs & {one.item for one in mine.items}) / len(theirs)


def _late(timeout_ms: int) -> ServerError:
    return ServerError(
        "server",
        received=f"more than {timeout_ms} ms of work",
        expected="an answer in time",
        remedy="ask for fewer users, or give the server more time",
    )


def _check_names(traffic: Traffic, bundles: Mapping[str, Path]) -> None:
    for name in (*traffic.shares, *traffic.shadows):
        if name not in bundles:
            raise ArgumentError(
                "ServerOptions.traffic",
                received=name,
                expected="a bundle that is served",
                remedy=near(name, bundles),
            )
