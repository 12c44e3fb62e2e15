"""Taking the fingerprint of a pipeline."""

import logging
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from shortlist.bundle import Reader, Writer
from shortlist.data import Requests
from shortlist.errors import ArgumentError, BundleError
from shortlist.io import Dataset
from shortlist.monitor._bins import Bins
from shortlist.monitor._embedding import Embedding
from shortlist.monitor._fingerprint import Feature, Fingerprint, FingerprintOptions
from shortlist.monitor._observe import Observed, Observer, Seen
from shortlist.monitor._shown import Shown, popular_items
from shortlist.pipeline import Pipeline, State, Window
from shortlist.rng import generator

__all__ = [
    "PAGE",
    "fingerprint",
    "known_fingerprint",
    "read_fingerprint",
    "without_source",
    "write_fingerprint",
]

PAGE = "fingerprint"

_LOG = logging.getLogger("shortlist.monitor")
_CHUNK = 128


def fingerprint(
    pipe: Pipeline, log: Dataset | None = None, options: FingerprintOptions | None = None
) -> Fingerprint:
    """What the models of a pipeline read when past requests are asked again, each as of its moment.

    Requests are drawn from the newest events of the pipeline's state, so that users count as often as they
    come, and histories are about as long as they will be. Every request sees what was known then.

    Args:
        pipe: the pipeline.
        log: rows to draw requests from instead, with the columns that come with a request (device, page);
            the events of the state do not hold these, and then the fingerprint lacks them.
        options: how many requests, from when, and how fine the bins are.

    Raises:
        ArgumentError: there is no event to draw a request from.
        PipelineError: a stage lacks a column.
    """
    chosen = options or FingerprintOptions()
    state = State(store=pipe.state.store)
    frozen, observer = pipe.with_state(state), Observer(pipe.stages)
    parts, shown, times = list[Observed](), Shown(popular_items(state.store)), list[int]()
    for requests in _past(state, log, chosen):
        found = frozen.run(requests)
        shown.add(found.items)
        parts.append(observer.observe(requests, found, state.for_run()))
        times += state.times(requests).tolist()
    given = set() if log is None else set(log.schema.names)
    absent = without_source(observer, state) - given
    return Fingerprint(
        len(times),
        min(times),
        max(times),
        chosen.k,
        {name: _feature(parts, name, chosen) for name in parts[0].features if name not in absent},
        _embeddings(parts, chosen),
        shown.popular_share if shown.places else 0.0,
        float(shown.seen.sum() / max(int(state.store.listed.sum()), 1)),
    )


def write_fingerprint(
    pipe: Pipeline, writer: Writer, log: Dataset | None = None, options: FingerprintOptions | None = None
) -> None:
    """Write the fingerprint of a pipeline into a bundle that is being written, or why there is none."""
    try:
        plain = fingerprint(pipe, log, options).to_plain()
    except Exception as error:  # a bundle is not lost for it
        _LOG.warning("the bundle gets no fingerprint, so its drift cannot be told: %s", error)
        plain = {"unavailable": f"none could be taken when the bundle was saved: {error}"}
    writer.page(PAGE, plain)


def read_fingerprint(bundle: Reader) -> Fingerprint | str:
    """The fingerprint in an open bundle, or in words why there is none.

    Raises:
        BundleError: it is damaged, or of a newer format.
    """
    if f"{PAGE}.json" not in bundle.manifest["files"]:
        return "the bundle was saved without one"
    plain = bundle.page(PAGE)
    if isinstance(plain, dict) and "unavailable" in plain:
        return str(plain["unavailable"])
    return Fingerprint.of_plain(plain, f"{bundle.folder}/{PAGE}.json")


def known_fingerprint(bundle: Reader) -> Fingerprint | str:
    """The same for a server, which serves whatever the fingerprint is."""
    try:
        return read_fingerprint(bundle)
    except BundleError as error:
        return str(error)


def _past(state: State, log: Dataset | None, options: FingerprintOptions) -> Iterator[Requests]:
    """Requests of the past, at most so many together."""
    if log is not None:
        window = Window.of(log, state)
        rows = _newest(window.frame["time"].to_numpy(), options)
        for start in range(0, len(rows), _CHUNK):
            yield window.requests(rows[start : start + _CHUNK], options.k)
        return
    events = state.store.events()
    known = np.flatnonzero(events.users >= 0)
    rows = known[_newest(events.times[known], options)]
    ids = state.store.users.take(events.users[rows]).tolist()
    for start in range(0, len(rows), _CHUNK):
        part = slice(start, start + _CHUNK)
        yield Requests(ids[part], options.k, events.times[rows[part]])


def _newest(times: npt.NDArray[np.int64], options: FingerprintOptions) -> npt.NDArray[np.int64]:
    """Rows drawn from the newest ones, ascending."""
    if len(times) == 0:
        raise ArgumentError(
            "fingerprint",
            received="a log without events",
            expected="at least one event",
            remedy="pass the rows to draw past requests from as log=",
        )
    least = min(options.requests, len(times))
    newest = np.argsort(times, kind="stable")[-max(least, round(options.newest * len(times))) :]
    drawn = generator(options.seed, "fingerprint").choice(len(newest), least, replace=False)
    return np.sort(newest[drawn])


def without_source(observer: Observer, state: State) -> set[str]:
    """Columns that only a live request brings."""
    return {column.name for flow in observer.flows for column in state.raw.wanted(flow).context}


def _feature(parts: list[Observed], name: str, options: FingerprintOptions) -> Feature:
    seen = [part.features[name] for part in parts]
    if _all_numbers(seen):
        numbers = np.concatenate([one.values.astype(np.float64) for one in seen])
        bins = Bins.of_numbers(numbers, options.bins)
    else:
        bins = Bins.of_categories((v for one in seen for v in one.values.tolist()), options.categories)
    return Feature(seen[0].side, bins, sum(one.unknown for one in seen))


def _all_numbers(seen: list[Seen]) -> bool:
    """Whether a feature is a number: chunks without any value do not say."""
    told = [one.is_number for one in seen if one.is_number or any(v is not None for v in one.values)]
    return bool(told) and all(told)


def _embeddings(parts: list[Observed], options: FingerprintOptions) -> dict[str, Embedding]:
    found = {}
    for name in parts[0].vectors:
        vectors = np.concatenate([part.vectors[name] for part in parts])
        if len(vectors):
            found[name] = Embedding.of(
                vectors, directions=options.directions, seed=options.seed, most=options.bins
            )
    return found
