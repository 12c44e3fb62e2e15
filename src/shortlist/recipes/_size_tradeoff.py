"""What the size of embeddings buys: quality, latency and memory of every width and precision."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from statistics import mean, stdev
from typing import Any, NamedTuple

import numpy as np

from shortlist.data import Ragged
from shortlist.errors import ArgumentError
from shortlist.metrics import hits, parse
from shortlist.recipes._held_out import Data, HeldOut, held_out
from shortlist.recipes._quantizers import best_of, bytes_of, check_quantizer, milliseconds, stored
from shortlist.recipes._size_options import SizeOptions
from shortlist.recipes._sizes import SizeRow, Sizes
from shortlist.train import FitOptions, Objective, fit

__all__ = ["size_tradeoff", "sizes_of"]


def size_tradeoff(
    build: Callable[[int, int], Any],
    train: Data,
    test: Data,
    objective: Objective | None = None,
    options: FitOptions | None = None,
    *,
    dims: Sequence[int] = (16, 32, 64, 128),
    measure: SizeOptions | None = None,
) -> Sizes:
    """Train a retrieval model at each width, store its item vectors at each precision, and measure both.

    The lists are those of an exact scan over the stored vectors, full catalogue; queries stay float32. A
    known user is one query, with the features of the user's first test row; the user's training items are
    left out of lists and truth. Training runs for all epochs of the options: the test rows decide nothing.

    Args:
        build: makes the untrained model of a width and a seed:
            ``lambda dim, seed: sl.TwoTower(schema, dim=dim, seed=seed)``.
        train: encoded rows, as ``Workflow.transform`` gives them.
        test: encoded rows held out.
        objective: as of `fit`.
        options: as of `fit`; its seed is replaced by those of ``measure``.
        dims: widths D.
        measure: precisions, metrics, seeds; None is ``SizeOptions()``.

    Returns:
        A row for each width and precision; printed as a table, written as a page with plots.

    Raises:
        ArgumentError: an unknown precision, or one that does not fit a width.
        DataError: nothing is left to ask for.
    """
    given = FitOptions() if options is None else options

    def vectors(dim: int, seed: int) -> HeldOut:
        model = build(dim, seed)
        fit(model, train, objective, options=replace(given, seed=seed))
        return held_out(model, train, test, seed=seed)

    return sizes_of(vectors, dims=dims, measure=measure)


def sizes_of(
    vectors: Callable[[int, int], HeldOut],
    *,
    dims: Sequence[int] = (16, 32, 64, 128),
    measure: SizeOptions | None = None,
) -> Sizes:
    """The trade-off of any vectors, whatever made them.

    Args:
        vectors: of a width and a seed.
        dims: widths D to ask for.
        measure: as of `size_tradeoff`.

    Raises:
        ArgumentError: no width, an unknown precision, or one that does not fit a width.

    >>> rng = np.random.default_rng(0)
    >>> items = rng.normal(size=(300, 16)).astype(np.float32)
    >>> right, none = Ragged.of([[row] for row in range(300)]), Ragged.empty(300)
    >>> sizes = sizes_of(lambda dim, seed: HeldOut(items[:, :dim], items[:, :dim], right, none), dims=(8, 16),
    ...     measure=SizeOptions(quantizers=("float32", "pq4"), metrics=("recall@1",), timed_items=300))
    >>> [(row.dim, row.quantizer, row.bytes_per_item) for row in sizes.rows]
    [(8, 'float32', 32), (8, 'pq4', 2), (16, 'float32', 64), (16, 'pq4', 4)]
    """
    chosen = SizeOptions() if measure is None else measure
    if len(dims) == 0 or any(dim < 1 for dim in dims):
        raise ArgumentError("size_tradeoff.dims", received=list(dims), expected="at least one width >= 1")
    for name in chosen.quantizers:
        for dim in dims:
            check_quantizer(name, dim, items=2**31)
    measured: dict[tuple[int, str], list[_Measured]] = {}
    shape = (0, 0)
    for dim in dims:
        for seed in chosen.seeds:
            found = vectors(dim, seed)
            shape = (len(found.items), len(found.queries))
            for name, one in _measured(found, chosen, seed).items():
                measured.setdefault((dim, name), []).append(one)
    rows = [_row(dim, name, ones, shape[0]) for (dim, name), ones in measured.items()]
    timed = max(shape[0], chosen.timed_items)
    return Sizes(tuple(rows), items=shape[0], queries=shape[1], timed_items=timed, options=chosen)


class _Measured(NamedTuple):
    dim: int
    quality: dict[str, float]
    kept: float
    ms: float


def _measured(found: HeldOut, options: SizeOptions, seed: int) -> dict[str, _Measured]:
    items = np.ascontiguousarray(found.items, dtype=np.float32)
    queries = np.ascontiguousarray(found.queries, dtype=np.float32)
    metrics = {name: parse(name) for name in options.metrics}
    k = min(max(cut for _, cut in metrics.values()), len(items))
    exact = best_of(stored(items, "float32", seed), queries, k, found.seen)
    many = items[np.arange(max(len(items), options.timed_items)) % len(items)]
    measured = {}
    for name in options.quantizers:
        check_quantizer(name, items.shape[1], len(items))
        index = stored(items, name, seed)
        lists = best_of(index, queries, k, found.seen)
        hit, relevant = hits(lists, found.truth.offsets, found.truth.values), found.truth.lengths
        quality = {metric: float(np.mean(f(hit, relevant, cut))) for metric, (f, cut) in metrics.items()}
        if len(many) > len(items):
            index.add(many[len(items) :])
        ms = milliseconds(index, queries, options.k)
        measured[name] = _Measured(items.shape[1], quality, _kept(lists, exact), ms)
    return measured


def _kept(lists: np.ndarray[Any, Any], exact: np.ndarray[Any, Any]) -> float:
    """Share of the exact lists that are in the lists, position aside."""
    rows = [np.unique(row[row >= 0]) for row in exact]
    truth = Ragged.of(rows, dtype=np.int64)
    return float(hits(lists, truth.offsets, truth.values).sum() / max(len(truth.values), 1))


def _row(dim: int, name: str, ones: list[_Measured], items: int) -> SizeRow:
    quality = {metric: [one.quality[metric] for one in ones] for metric in ones[0].quality}
    width = ones[0].dim
    return SizeRow(
        dim=dim,
        quantizer=name,
        quality={metric: mean(values) for metric, values in quality.items()},
        deviation={m: stdev(v) if len(v) > 1 else None for m, v in quality.items()},
        kept=mean(one.kept for one in ones),
        ms=mean(one.ms for one in ones),
        bytes_per_item=bytes_of(name, width, 2) - bytes_of(name, width, 1),
        bytes_here=bytes_of(name, width, items),
        bytes_at_1m=bytes_of(name, width, 1_000_000),
        bytes_at_100m=bytes_of(name, width, 100_000_000),
    )
