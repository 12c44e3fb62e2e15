"""The cheapest index that reaches a recall, by the clock."""

import time
from collections.abc import Iterable
from dataclasses import replace
from math import ceil, log
from typing import Any, NamedTuple, cast, final

import numpy as np
import numpy.typing as npt

from shortlist.data import Array, Keys
from shortlist.errors import ArgumentError
from shortlist.index._checks import matrix
from shortlist.index._codes import hnsw
from shortlist.index._comparisons import again_for
from shortlist.index._facts import LISTED, Facts, Kind
from shortlist.index._faiss import using_threads
from shortlist.index._maker import Maker
from shortlist.index._options import IndexOptions
from shortlist.index._planner import scans_all
from shortlist.index._recall import Truth
from shortlist.index._search import VectorIndex
from shortlist.index._structure import Structure
from shortlist.index._tune_options import IndexTuneOptions
from shortlist.index._tuning import CurvePoint, IndexTrial, IndexTuning

__all__ = ["tune_index"]

Vectors = npt.NDArray[np.float32]

_TRIED = 5_000
_TEN = 10
_WARM = 5


def tune_index(
    items: Vectors | VectorIndex,
    queries: Vectors,
    *,
    recall: float = 0.95,
    k: int = 200,
    ids: Iterable[Any] | Array | Keys | None = None,
    options: IndexTuneOptions | None = None,
) -> IndexTuning:
    """Build every kind of index, tune each to a recall, and measure what it costs.

    Parameters are tuned on every other query and the recall that is shown is that of the rest: both reach the
    target. Latency is that of one query by itself, on one thread, over the held-out queries; a build is timed
    as it is, on one thread, without the tuning. Times move with the load of the machine.

    Args:
        items: float32 [N, D] vectors, or an index whose vectors, ids and fingerprint are taken.
        queries: float32 [Q, D], two or more; those of users are better than any that are made up.
        recall: share of the k best items that a search is to find, in (0, 1].
        k: length of the lists.
        ids: N raw ids; by default those of the index, or the row numbers.
        options: what is tried, and which is the cheapest.

    Returns:
        A row for each kind, the chosen index, a table, the recall-latency curve, a page.

    Raises:
        ArgumentError: too few queries or items, a wrong recall, or no kind keeps the bounds.

    >>> rng = np.random.default_rng(0)
    >>> vectors = rng.normal(size=(500, 8)).astype(np.float32)
    >>> tuning = tune_index(vectors, rng.normal(size=(20, 8)).astype(np.float32), k=10,
    ...     options=IndexTuneOptions(kinds=("exact", "ivf"), rounds=10))
    >>> [(trial.kind, trial.recall >= 0.95) for trial in tuning.trials]
    [('exact', True), ('ivf', True)]
    """
    chosen = IndexTuneOptions() if options is None else options
    vectors, keys, model = _taken(items, ids)
    asked = matrix(queries, "tune_index.queries", vectors.shape[1])
    if not 0.0 < recall <= 1.0:
        raise ArgumentError("tune_index.recall", received=recall, expected="a share in (0, 1]")
    if len(asked) < 2 or len(vectors) == 0 or k < 1:
        raise ArgumentError(
            "tune_index",
            received=f"{len(asked)} queries, {len(vectors)} items, k = {k}",
            expected="two queries or more, an item or more, and k >= 1",
        )
    with using_threads(1):
        bench = _Bench(vectors, asked, recall, min(k, len(vectors)), chosen)
        for kind, given in _variants(chosen.kinds, vectors.shape[1]):
            bench.try_out(kind, given)
    found = bench.best()
    index = VectorIndex(found.structure, keys, replace(found.facts, model=model))
    return IndexTuning(
        tuple(bench.trials), found.trial, index, recall, min(k, len(vectors)), bench.held_out, bench.skipped
    )


class _Found(NamedTuple):
    trial: IndexTrial
    structure: Structure
    facts: Facts


@final
class _Bench:
    """Trials, and the best structure so far."""

    def __init__(
        self, vectors: Vectors, queries: Vectors, recall: float, k: int, options: IndexTuneOptions
    ) -> None:
        tuned, held = np.ascontiguousarray(queries[::2]), np.ascontiguousarray(queries[1::2])
        given = IndexOptions(recall_at=k, sample=len(tuned))
        facts = Facts("exact", vectors.shape[1], len(vectors), recall_at=k, recall_target=recall)
        self.vectors, self.options, self.target, self.k = vectors, options, recall, k
        self.maker = Maker(vectors, facts, given, tuned, options.seed)
        self.truth = Truth.of(self.maker.flat, held, k)
        self.held_out = len(held)
        self.trials: list[IndexTrial] = []
        self.skipped: dict[str, float] = {}
        self._best: _Found | None = None

    def try_out(self, kind: Kind, given: dict[str, int]) -> None:
        """Build, tune and measure one kind, and keep its structure if it is the cheapest so far."""
        limit = self.options.max_build_seconds
        if kind == "hnsw" and limit is not None and (predicted := self._predicted()) > limit:
            self.skipped[kind] = predicted
            return
        maker = self.maker.told(**given)
        began = time.perf_counter()
        structure, facts = maker.bare(kind)
        seconds = time.perf_counter() - began
        structure, facts = self._raised(maker, *maker.tuned(structure, facts))
        held = self.truth.recall(structure, facts)
        ms, late = self._timed(structure, facts)
        searched, beside = structure.sizes()
        curve = self._curve(structure, facts)
        label = kind if not given else f"{kind} {' '.join(map(str, given.values()))}"
        ten = self.truth.first(_TEN).recall(structure, facts)
        trial = IndexTrial(label, facts, held, ten, ms, late, searched, beside, seconds, curve)
        self.trials.append(trial)
        if self._fits(trial) and (self._best is None or self._cost(trial) < self._cost(self._best.trial)):
            self._best = _Found(trial, structure, facts)

    def best(self) -> _Found:
        """The cheapest that keeps the bounds.

        Raises:
            ArgumentError: none does.
        """
        if self._best is None:
            shown = ", ".join(f"{trial.name} {trial.recall:.3f}" for trial in self.trials) or "none was built"
            raise ArgumentError(
                "tune_index",
                received=f"recalls {shown}, within the bounds or not",
                expected=f"a kind that reaches {self.target} within the bounds of the options",
                remedy="add the kind 'exact', or raise max_bytes and max_build_seconds",
            )
        return self._best

    def _fits(self, trial: IndexTrial) -> bool:
        most, longest = self.options.max_bytes, self.options.max_build_seconds
        return (
            trial.recall >= self.target
            and (most is None or trial.total_bytes <= most)
            and (longest is None or trial.seconds <= longest)
        )

    def _cost(self, trial: IndexTrial) -> float:
        costs = {"ms": trial.ms, "bytes": trial.total_bytes, "seconds": trial.seconds}
        return float(costs[self.options.by])

    def _raised(self, maker: Maker, structure: Structure, facts: Facts) -> tuple[Structure, Facts]:
        """More effort until the held-out queries reach the target too, as far as there is any."""
        most = facts.lists if facts.kind in LISTED else facts.count
        while facts.kind != "exact":
            if self.truth.recall(structure, facts) >= self.target:
                break
            if 0 < facts.effort < most:
                facts = replace(facts, effort=min(most, ceil(1.1 * facts.effort)))
            elif 0 < facts.refine * self.k < facts.count:
                facts = replace(facts, refine=2 * facts.refine)
            elif facts.refine == 0 and facts.kind in ("fp16", "sq8", "ivf_sq8"):
                structure, facts = replace(structure, raw=maker.flat), replace(facts, refine=2)
            else:
                break
        return structure, facts

    def _timed(self, structure: Structure, facts: Facts) -> tuple[float, float]:
        """Median and 99th percentile of the milliseconds of one query."""
        taken = []
        queries = self.truth.queries
        for number in range(-_WARM, self.options.rounds):
            query = queries[number % len(queries)][None]
            began = time.perf_counter()
            if scans_all(facts):
                structure.nearest_exact(query, self.k, None)
            else:
                structure.nearest(query, self.k, facts.effort, again_for(facts, self.k))
            taken.append(1e3 * (time.perf_counter() - began))
        median, late = np.percentile(taken[_WARM:], [50, 99])
        return float(median), float(late)

    def _curve(self, structure: Structure, facts: Facts) -> tuple[CurvePoint, ...]:
        """Recall and latency with less and more effort than was chosen."""
        name = "effort" if facts.effort > 0 else "refine" if facts.refine > 0 else ""
        if name == "":
            return ()
        least = 1 if name == "effort" or structure.directions is not None or facts.kind == "pq" else 2
        most = facts.lists if facts.kind in LISTED else facts.count
        wanted = getattr(facts, name)
        values = sorted({min(max(round(wanted * share), least), most) for share in (0.25, 0.5, 1, 2, 4)})
        points = []
        for value in values:
            tried = replace(facts, **{name: value})
            held = self.truth.recall(structure, tried)
            points.append(CurvePoint(f"{name} {value}", held, self._timed(structure, tried)[0]))
        return tuple(points)

    def _predicted(self) -> float:
        """Seconds that a graph of all items would take, by those of its first ones."""
        first = self.vectors[:_TRIED]
        began = time.perf_counter()
        hnsw(first, self.maker.options.links, self.maker.options.build_effort)
        count, taken = len(self.vectors), time.perf_counter() - began
        return taken * count / len(first) * max(1.0, log(count) / log(max(len(first), 2)))


def _taken(
    items: Vectors | VectorIndex, ids: Iterable[Any] | Array | Keys | None
) -> tuple[Vectors, Keys, str]:
    if isinstance(items, VectorIndex):
        vectors, keys, model = items.vectors(np.arange(len(items))), items.keys, items.facts.model
    else:
        vectors = matrix(items, "tune_index.items")
        keys, model = Keys(np.arange(len(vectors))), ""
    if ids is not None:
        keys = ids if isinstance(ids, Keys) else Keys(ids if isinstance(ids, np.ndarray) else list(ids))
    if len(keys) != len(vectors):
        raise ArgumentError(
            "tune_index.ids",
            received=f"{len(keys)} ids",
            expected=f"one for each of the {len(vectors)} vectors",
        )
    return vectors, keys, model


def _variants(kinds: tuple[str, ...], dim: int) -> list[tuple[Kind, dict[str, int]]]:
    """Kinds with what they are told; pca at two widths."""
    found: list[tuple[Kind, dict[str, int]]] = []
    for kind in kinds:
        widths = sorted({max(1, dim // 4), max(1, dim // 2)}) if kind == "pca" else []
        found += [(cast("Kind", kind), {"reduced": width}) for width in widths]
        found += [] if widths else [(cast("Kind", kind), {})]
    return found
