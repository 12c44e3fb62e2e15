"""The trade-off of sizes: bytes by formula and in fact, lists by hand, and one call from rows to table."""

from itertools import pairwise
from pathlib import Path

import faiss
import numpy as np
import polars as pl
import pytest

import shortlist as sl
from shortlist import ops, tags
from shortlist.data import Ragged
from shortlist.errors import ArgumentError, DataError
from shortlist.recipes import HeldOut, SizeRow, Sizes, sizes_of
from shortlist.recipes._held_out import held_out
from shortlist.recipes._quantizers import QUANTIZERS, best_of, bytes_of, stored


def clustered(items: int, dim: int) -> np.ndarray:
    """Unit vectors around a few centres, as towers give."""
    rng = np.random.default_rng(1)
    vectors = rng.normal(size=(20, dim))[rng.integers(20, size=items)] + 0.5 * rng.normal(size=(items, dim))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("name", QUANTIZERS)
@pytest.mark.parametrize("dim", [8, 24])
def test_bytes_are_what_the_structure_takes(name: str, dim: int) -> None:
    vectors = clustered(2_000, dim)
    taken = len(faiss.serialize_index(stored(vectors, name, seed=0)))
    assert bytes_of(name, dim, 2_000) <= taken <= bytes_of(name, dim, 2_000) + 200  # some words of header


def test_bytes_by_hand() -> None:
    assert bytes_of("float32", 64, 1_000) == 4 * 64 * 1_000
    assert bytes_of("float16", 64, 1_000) == 2 * 64 * 1_000
    assert bytes_of("sq8", 63, 1_000) == 63 * 1_000 + 8 * 63
    assert bytes_of("sq4", 63, 1_000) == 32 * 1_000 + 8 * 63
    assert bytes_of("pq8", 64, 1_000) == 8 * 1_000 + 256 * 4 * 64


def test_lists_leave_out_what_was_seen() -> None:
    items = np.eye(4, dtype=np.float32)
    queries = np.array([[4, 3, 2, 1], [1, 2, 3, 4]], dtype=np.float32)
    seen = Ragged.of([[0, 2], []])
    assert best_of(stored(items, "float32", 0), queries, 2, seen).tolist() == [[1, 3], [3, 2]]
    assert best_of(stored(items, "float32", 0), queries, 4, seen).tolist() == [[1, 3, -1, -1], [3, 2, 1, 0]]
    assert best_of(stored(items, "float32", 0), queries, 5, seen)[1].tolist() == [3, 2, 1, 0, -1]


def planted(dim: int, seed: int) -> HeldOut:
    """Each query is a noisy copy of its right item; fewer numbers tell items apart worse."""
    items = clustered(600, 32)[:, :dim]
    noise = np.random.default_rng(seed).normal(size=items.shape).astype(np.float32)
    right = Ragged.of([[row] for row in range(600)])
    return HeldOut(items + 0.05 * noise, items, right, Ragged.empty(600))


@pytest.fixture(scope="module")
def sizes() -> Sizes:
    options = sl.SizeOptions(
        quantizers=QUANTIZERS, metrics=("recall@5", "mrr@5"), seeds=(0, 1), timed_items=1_000
    )
    return sizes_of(planted, dims=(8, 16, 32), measure=options)


def row(sizes: Sizes, dim: int, quantizer: str) -> SizeRow:
    return next(one for one in sizes.rows if (one.dim, one.quantizer) == (dim, quantizer))


def test_quality_falls_with_the_bytes(sizes: Sizes) -> None:
    assert len(sizes.rows) == 3 * len(QUANTIZERS)
    by_dim = [row(sizes, dim, "float32").quality["recall@5"] for dim in (8, 16, 32)]
    assert by_dim == sorted(by_dim)
    assert by_dim[0] < by_dim[-1] - 0.05
    kept = [row(sizes, 32, name).kept for name in ("float32", "float16", "sq8", "pq2", "pq4", "pq8")]
    assert kept == sorted(kept, reverse=True)
    assert kept[0] == 1.0
    assert kept[-1] < 0.9
    assert row(sizes, 32, "sq8").quality["recall@5"] == pytest.approx(by_dim[-1], abs=0.01)


def test_figures_of_a_row(sizes: Sizes) -> None:
    one = row(sizes, 16, "pq4")
    assert (one.bytes_per_item, one.bytes_here) == (4, 4 * 600 + 1024 * 16)
    assert (one.bytes_at_1m, one.bytes_at_100m) == (4 * 10**6 + 1024 * 16, 4 * 10**8 + 1024 * 16)
    assert one.ms > 0.0
    assert set(one.quality) == {"recall@5", "mrr@5"}
    assert all(deviation is not None and deviation >= 0 for deviation in one.deviation.values())


def test_quality_is_the_mean_over_seeds(sizes: Sizes) -> None:
    def alone(seed: int) -> float:
        options = sl.SizeOptions(quantizers=("sq8",), metrics=("recall@5",), seeds=(seed,), timed_items=1)
        (one,) = sizes_of(planted, dims=(8,), measure=options).rows
        assert one.deviation == {"recall@5": None}
        return one.quality["recall@5"]

    first, second = alone(0), alone(1)
    one = row(sizes, 8, "sq8")
    assert one.quality["recall@5"] == pytest.approx((first + second) / 2)
    assert one.deviation["recall@5"] == pytest.approx(abs(first - second) / 2**0.5)


def made(*points: tuple[int, int, float]) -> Sizes:
    rows = tuple(
        SizeRow(dim, "sq8", {"ndcg@10": quality}, {"ndcg@10": None}, 1.0, 0.1, size, size, size, size)
        for dim, size, quality in points
    )
    return Sizes(rows, 10, 5, 100, sl.SizeOptions(quantizers=("sq8",), metrics=("ndcg@10",)))


def test_the_front_and_the_smallest() -> None:
    sizes = made(
        (8, 8, 0.30), (16, 16, 0.29), (32, 32, 0.398), (64, 64, 0.40), (65, 64, 0.35), (128, 128, 0.39)
    )
    assert [one.dim for one in sizes.front()] == [8, 32, 64]
    assert [one.dim for one in made((8, 8, 0.30), (16, 16, 0.30001)).front()] == [8]  # as shown, the same
    assert sizes.smallest().dim == 32
    assert sizes.smallest(1.0).dim == 64
    assert sizes.smallest(0.5).dim == 8
    with pytest.raises(ArgumentError, match=r"Sizes\.smallest\.share: expected a share in \(0, 1\]"):
        sizes.smallest(0.0)


def test_the_table_says_its_protocol(sizes: Sizes) -> None:
    lines = str(sizes).splitlines()
    assert lines[0] == "600 queries; full catalogue of 600 items, scanned as stored; 2 seeds"
    assert lines[1].split()[:3] == ["dim", "stored", "as"]
    assert "ms at 1,000" in lines[1]
    assert len(lines) == 2 + len(sizes.rows)
    assert sum(line.endswith("*") for line in lines) == len(sizes.front())
    assert str(made((8, 8, 0.3))).splitlines()[0].endswith("1 seed")


def test_the_page_has_both_plots(sizes: Sizes, tmp_path: Path) -> None:
    page = sizes.to_html(tmp_path / "sizes.html").read_text(encoding="utf-8")
    assert page.count("<polyline") == 2 * len(QUANTIZERS)
    assert all(f"<title>dim 16 {name}: " in page for name in QUANTIZERS)
    assert sizes.plot().startswith("<svg xmlns")
    assert "srcdoc" in sizes._repr_html_()


LOG = sl.datasets.planted(users=60, items=300, events=2_500, groups=5)


def test_one_call_from_rows_to_a_table() -> None:
    train, _, test = sl.split.by_time(LOG.events, valid=None, test="10d")
    flow = sl.Workflow([tags.any("id") >> ops.Categorify()]).fit(train)
    sizes = sl.size_tradeoff(
        lambda dim, seed: sl.TwoTower(flow.schema, dim=dim, seed=seed),
        flow.transform(train),
        flow.transform(test),
        sl.SampledSoftmax(temperature=0.2),
        sl.FitOptions(epochs=2, batch_size=256, lr=0.02),
        dims=(4, 16),
        measure=sl.SizeOptions(quantizers=("float32", "sq8"), timed_items=300),
    )
    assert [(one.dim, one.quantizer) for one in sizes.rows] == [
        (4, "float32"),
        (4, "sq8"),
        (16, "float32"),
        (16, "sq8"),
    ]
    assert sizes.queries <= 60
    assert all(0 < one.quality["ndcg@10"] <= 1 for one in sizes.rows)


def tiny() -> tuple[sl.TwoTower, pl.DataFrame]:
    """Users 3 and 4, items 3 to 6; 2 is unknown."""
    schema = sl.Schema(
        [
            sl.Column("user", "int64", ("user", "id"), domain=sl.Domain("user", 9)),
            sl.Column("item", "int64", ("item", "id"), domain=sl.Domain("item", 9)),
        ]
    )
    return sl.TwoTower(schema, dim=4), pl.DataFrame({"user": [3, 3, 4, 4], "item": [3, 4, 4, 5]})


def test_queries_truth_and_seen_of_rows() -> None:
    model, train = tiny()
    test = pl.DataFrame({"user": [4, 3, 3, 2, 4, 3], "item": [3, 5, 3, 5, 8, 5]})
    found = held_out(model, train, test, seed=0)
    assert found.items.shape == (3, 4)
    with np.errstate(all="ignore"):
        place = {
            code: int(np.abs(found.items - vector).sum(1).argmin())
            for code, vector in zip((3, 4, 5), encoded(model, (3, 4, 5)), strict=True)
        }
    # Users 3 and 4, and the row of an unknown user; user 3 has seen item 3, and the catalogue has no item 8.
    truth = [set(part) for part in rows_of(found.truth)]
    assert truth[0] == {place[5]}
    assert truth[1] & {0, 1, 2} == {place[3]}
    assert len(truth[1]) == 2
    assert truth[2] == {place[5]}
    assert [set(part) for part in rows_of(found.seen)] == [{place[3], place[4]}, {place[4], place[5]}, set()]
    orders = {tuple(held_out(model, train, test, seed=seed).items[:, 0].round(4)) for seed in range(4)}
    assert len(orders) > 1  # the items' order is drawn, so that ties favour none


def rows_of(lists: Ragged) -> list[list[int]]:
    return [lists.values[start:end].tolist() for start, end in pairwise(lists.offsets.tolist())]


def encoded(model: sl.TwoTower, codes: tuple[int, ...]) -> np.ndarray:
    return np.asarray(model.encode_item(sl.Batch({"item": np.array(codes)})))


def test_nothing_to_find() -> None:
    model, train = tiny()
    with pytest.raises(
        DataError, match=r"size_tradeoff\.test: expected at least one query with something to find"
    ):
        held_out(model, train, train, seed=0)


@pytest.mark.parametrize(
    ("dims", "options", "message"),
    [
        ((), {}, r"size_tradeoff\.dims: expected at least one width >= 1"),
        ((0,), {}, r"size_tradeoff\.dims"),
        (
            (8,),
            {"quantizers": ("sq9",)},
            r"size_tradeoff\.quantizers: expected a known name; received 'sq9'.*did you mean",
        ),
        ((9,), {"quantizers": ("pq2",)}, r"'pq2' for \d+ vectors of width 9\. Remedy: leave it out"),
    ],
)
def test_widths_and_precisions_are_checked_before_any_training(
    dims: tuple[int, ...], options: dict[str, tuple[str, ...]], message: str
) -> None:
    def never(dim: int, seed: int) -> HeldOut:
        raise AssertionError

    with pytest.raises(ArgumentError, match=message):
        sizes_of(never, dims=dims, measure=sl.SizeOptions(**options))


def test_product_quantisation_needs_vectors_to_learn_from() -> None:
    few = HeldOut(
        np.eye(8, dtype=np.float32), np.eye(8, dtype=np.float32), Ragged.of([[0]] * 8), Ragged.empty(8)
    )
    with pytest.raises(ArgumentError, match=r"expected at least 256 vectors"):
        sizes_of(lambda dim, seed: few, dims=(8,), measure=sl.SizeOptions(quantizers=("pq2",), timed_items=1))


def test_shapes_of_what_was_held_out() -> None:
    with pytest.raises(ArgumentError, match=r"HeldOut: expected queries \[Q, D\], items \[N, D\]"):
        HeldOut(np.zeros((2, 3), np.float32), np.zeros((2, 4), np.float32), Ragged.empty(2), Ragged.empty(2))
    with pytest.raises(ArgumentError, match=r"HeldOut: .* received queries \(2, 3\)"):
        HeldOut(np.zeros((2, 3), np.float32), np.zeros((2, 3), np.float32), Ragged.empty(1), Ragged.empty(2))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"quantizers": ()}, r"SizeOptions\.quantizers: expected at least one"),
        ({"metrics": ()}, r"SizeOptions\.metrics: expected at least one"),
        ({"metrics": ("ndgc@10",)}, r"ndgc"),
        ({"seeds": ()}, r"SizeOptions\.seeds: expected at least one"),
        ({"k": 0}, r"SizeOptions\.k: expected an integer >= 1"),
        ({"timed_items": 0}, r"SizeOptions\.timed_items: expected an integer >= 1"),
    ],
)
def test_options_are_checked(options: dict[str, object], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        sl.SizeOptions(**options)


def test_float32_is_what_validation_says() -> None:
    """With features, histories and unknown users, the protocol is that of `fit`'s own validation."""
    log = LOG.events.join_tables(LOG.items, LOG.users)
    train, _, test = sl.split.by_time(log, valid=None, test="10d")
    flow = sl.Workflow(
        [
            tags.any("id", "categorical") >> ops.Categorify(min_count=12),
            tags.any("continuous") >> ops.FillMissing(0.0) >> ops.Normalize(),
            ops.History("item_id", max_length=5) >> ops.Categorify(like="item_id"),
        ]
    ).fit(train)
    rows, held = flow.transform(train), flow.transform(test, log=train)
    model = sl.TwoTower(flow.schema, dim=8)
    report = sl.fit(model, rows, valid=held, options=sl.FitOptions(epochs=1, batch_size=256))
    options = sl.SizeOptions(quantizers=("float32",), metrics=("ndcg@10",), timed_items=1)
    sizes = sizes_of(lambda dim, seed: held_out(model, rows, held, seed=seed), dims=(8,), measure=options)
    assert sizes.rows[0].quality["ndcg@10"] == pytest.approx(report.best_metric, abs=1e-6)
    assert report.protocol is not None
    assert report.protocol.startswith(f"{sizes.queries:,} queries")
    assert f"catalogue of {sizes.items:,} items" in report.protocol
