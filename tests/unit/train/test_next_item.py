"""Sequence training: windows, rectangles, heads, and a planted rule that every model must find."""

from functools import partial
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
import torch

from shortlist.data import Batch, Ragged
from shortlist.errors import ArgumentError, DataError, SchemaError
from shortlist.losses import gbce, softmax
from shortlist.models.retrieval import (
    HSTU,
    BERT4Rec,
    ESASRec,
    GRU4Rec,
    SASRec,
    SequenceOptions,
    TwoTower,
)
from shortlist.rng import generator
from shortlist.samplers import InBatch, Uniform
from shortlist.schema import LIST, Column, Domain, Schema
from shortlist.train import Checkpoints, FitOptions, Masking, NextItem, Optimization, fit
from shortlist.train._sequence_batches import rectangles
from shortlist.train._sequence_heads import causal, detection, masked
from shortlist.train._sequence_rows import sequence_rows

ITEMS, FIRST = 12, 3
DOMAIN = Domain("item", FIRST + ITEMS)
SCHEMA = Schema(
    [
        Column("user", "int64", ("user", "id", "categorical"), domain=Domain("user", 1000)),
        Column("item", "int64", ("item", "id", "categorical"), domain=DOMAIN),
        Column("history", "int64", ("user", "sequence"), LIST, DOMAIN),
        Column("ages", "float64", ("user", "sequence", "continuous"), LIST),
    ]
)
PRICED = Schema([*SCHEMA, Column("price", "float32", ("item", "continuous"))])


def circle(rows, seed, noise=0.0):
    """Sequences in which item i is followed by item i + 1, from a random one on."""
    rng = generator(seed, "circle")
    lists = []
    for _ in range(rows):
        items = (rng.integers(ITEMS) + np.arange(rng.integers(3, 9))) % ITEMS
        drop = rng.random(len(items)) < noise
        lists.append((np.where(drop, rng.integers(ITEMS, size=len(items)), items) + FIRST).tolist())
    return lists


def sequences(lists):
    return pl.DataFrame({"user": range(3, 3 + len(lists)), "history": lists})


def asked(lists):
    """Rows to validate on: a history, and the item after it."""
    return pl.DataFrame(
        {
            "user": range(500, 500 + len(lists)),
            "history": [one[:-1] for one in lists],
            "item": [one[-1] for one in lists],
        }
    )


TRAIN = sequences(circle(300, 0))
VALID = asked(circle(60, 1))
FAST = FitOptions(
    epochs=16,
    batch_size=64,
    lr=1e-2,
    optimization=Optimization(dense_lr=1e-2),
    metric="recall@1",
    filter_seen=False,
    patience=6,
    precision="float32",
)
READ = SequenceOptions(max_length=10)


@pytest.mark.parametrize(
    ("model", "objective"),
    [
        (SASRec(SCHEMA, dim=16, blocks=1, dropout=0.0, options=READ), NextItem()),
        (SASRec(SCHEMA, dim=16, blocks=1, dropout=0.0, options=READ), NextItem(Uniform(6))),
        (SASRec(SCHEMA, dim=16, blocks=1, dropout=0.0, options=READ), NextItem(InBatch() + Uniform(4))),
        (ESASRec(SCHEMA, dim=16, blocks=1, dropout=0.0, options=READ), NextItem(Uniform(8))),
        (
            SASRec(SCHEMA, dim=16, blocks=1, dropout=0.0, options=SequenceOptions(max_length=10, tied=False)),
            NextItem(Uniform(6), partial(gbce, catalogue=ITEMS, t=0.75), logq=False),
        ),
        (GRU4Rec(SCHEMA, dim=16, dropout=0.0, options=READ), NextItem()),
        (HSTU(SCHEMA, dim=16, blocks=1, dropout=0.0, options=READ), NextItem()),
        (BERT4Rec(SCHEMA, dim=16, blocks=1, dropout=0.0, options=READ), NextItem()),
        (
            BERT4Rec(SCHEMA, dim=16, blocks=1, dropout=0.0, detector=True, options=READ),
            NextItem(head="replaced"),
        ),
    ],
    ids=["full", "uniform", "in batch", "ligr", "gbce", "gru", "hstu", "masked", "replaced"],
)
def test_every_model_finds_what_comes_next(model, objective):
    report = fit(model, TRAIN, objective, VALID, FAST)
    assert report.best_metric > 0.9, str(report)


def test_sequence_models_are_trained_on_next_items_and_the_protocol_is_told():
    report = fit(SASRec(SCHEMA, dim=4, options=READ), TRAIN, None, VALID, FitOptions(epochs=1))
    assert report.protocol == "60 queries, one per user; full catalogue of 12 items; seen items filtered"


def test_what_popularity_reaches_is_known():
    lists = [[3, 4, 5], [3, 4, 3], [5, 3, 4], [4, 3]]  # before the last: 3 three times, 4 three times, 5 once
    options = FitOptions(metric="recall@2", filter_seen=False)
    model = SASRec(SCHEMA, dim=4, options=READ)
    baseline = (
        NextItem().prepare(model, sequences([one[:-1] for one in lists]), asked(lists), options).baseline()
    )
    assert (baseline.value, baseline.cases) == (3 / 4, 4)  # of the last items 5, 3, 4, 3
    assert NextItem().prepare(model, sequences(lists), None, options).baseline() is None


def windows(lists, *, length, positions="every"):
    frame = sequences(lists)
    model = SASRec(SCHEMA, dim=4, options=SequenceOptions(max_length=50))
    return sequence_rows(model, frame, None, length=length, positions=positions)


def test_windows_hold_every_target_once_and_the_newest_is_full():
    rows = windows([[3, 4, 5, 6, 7, 8], [3], [9, 8]], length=3)
    assert rows.frame["history"].to_list() == [[6, 7, 8], [4, 5, 6], [3, 4], [9, 8]]
    assert rows.frame["user"].to_list() == [3, 3, 3, 5]
    assert windows([[3, 4, 5, 6]], length=3, positions="last").frame["history"].to_list() == [[4, 5, 6]]
    assert rows.catalogue.codes.tolist() == [3, 4, 5, 6, 7, 8, 9]
    counts = rows.catalogue.population.counts
    assert counts[3:10].tolist() == [2, 1, 1, 1, 1, 2, 1]


def test_events_become_sequences_that_hold_each_once():
    lists = [[3, 4, 5, 6, 7, 8], [9, 8, 3]]
    frame = pl.DataFrame(
        [
            {"user": 3 + user, "history": one[max(0, place - 2) : place], "item": one[place]}
            for user, one in enumerate(lists)
            for place in range(len(one))
        ]
    )
    model = SASRec(SCHEMA, dim=4, options=SequenceOptions(max_length=50))
    rows = sequence_rows(model, frame, None, length=51, positions="every")
    assert sorted(rows.frame["history"].to_list()) == [[3, 4], [4, 5, 6], [6, 7, 8], [9, 8, 3]]
    told = [pair for one in rows.frame["history"].to_list() for pair in pairwise(one)]
    assert sorted(told) == sorted(pair for one in lists for pair in pairwise(one))
    last = sequence_rows(model, frame, None, length=51, positions="last")
    assert len(last.frame) == len(frame) - 2  # the first events have no history


def test_ages_are_days_to_the_last_item_of_the_window():
    frame = pl.DataFrame({"history": [[3, 4, 5, 6]], "ages": [[9.0, 6.0, 5.0, 1.0]]})
    model = HSTU(SCHEMA, dim=4, options=SequenceOptions(max_length=2, ages="ages"))
    rows = sequence_rows(model, frame, None, length=3, positions="every")
    assert rows.frame["history"].to_list() == [[4, 5, 6], [3, 4]]
    assert rows.frame["ages"].to_list() == [[6 - 1, 5 - 1], [9 - 6]]
    events = pl.DataFrame({"history": [[3, 4]], "ages": [[7.0, 2.0]], "item": [5]})
    rows = sequence_rows(model, events, None, length=3, positions="every")
    assert rows.frame["history"].to_list() == [[3, 4, 5]]
    assert rows.frame["ages"].to_list() == [[7.0, 2.0]]


def batch_of(lists, ages=None):
    def ragged(values, dtype):
        made = Ragged.of(values, dtype)
        return Ragged(torch.from_numpy(made.values), torch.from_numpy(made.offsets))

    columns = {"history": ragged(lists, np.int64)}
    if ages is not None:
        columns["ages"] = ragged(ages, np.float32)
    return Batch(columns)


def test_rectangles_hold_every_row_with_little_padding():
    rng = np.random.default_rng(0)
    lists = [rng.integers(3, 15, length).tolist() for length in rng.integers(2, 60, 100)]
    ages = [rng.random(len(one) - 1).tolist() for one in lists]
    parts = list(rectangles(batch_of(lists, ages), "history", "ages"))
    assert len(parts) > 2
    seen = []
    for part in parts:
        assert part.codes.shape[1] == part.lengths.max()
        assert (part.codes.shape[1] - part.lengths).sum() <= 256
        assert part.ages is not None
        for place, row in enumerate(part.rows.tolist()):
            length = int(part.lengths[place])
            assert part.codes[place, :length].tolist() == lists[row]
            assert not part.codes[place, length:].any()
            assert part.ages[place, : length - 1].tolist() == pytest.approx(ages[row])
            seen.append(row)
    assert sorted(seen) == list(range(100))
    assert list(rectangles(batch_of([]), "history", None)) == []


def test_causal_tells_each_item_from_those_before():
    model = SASRec(SCHEMA, dim=8, dropout=0.0, options=READ)
    lists = [[3, 4, 5], [6, 7], [8, 2, 9, 1]]
    (part,) = rectangles(batch_of(lists), "history", None)
    told = causal(model.query, part, model.query.embed(part.codes), "every")
    found = {(row, code) for row, code in zip(told.rows.tolist(), told.codes.tolist(), strict=True)}
    assert found == {(0, 4), (0, 5), (1, 7), (2, 9)}  # null and unknown are never told
    by_pair = dict(zip(zip(told.rows.tolist(), told.codes.tolist(), strict=True), told.queries, strict=True))
    # Positions are counted from the end of what is seen in training, so only the last is as in serving.
    asked_for = model.eval().encode_query(Batch({"history": Ragged.of([[3, 4], [6], [8, 2, 9]])}))
    np.testing.assert_allclose(by_pair[0, 5].detach().numpy(), asked_for[0], atol=1e-5)
    np.testing.assert_allclose(by_pair[1, 7].detach().numpy(), asked_for[1], atol=1e-5)
    last = causal(model.query, part, model.query.embed(part.codes), "last")
    assert sorted(last.codes.tolist()) == [5, 7]


def test_masked_hides_at_least_one_and_the_last_where_asked():
    model = BERT4Rec(SCHEMA, dim=8, dropout=0.0, options=READ)
    (part,) = rectangles(batch_of([[3, 4, 5, 6], [7, 8], [9, 10, 11]]), "history", None)
    with torch.random.fork_rng():
        torch.default_generator.manual_seed(0)
        few = masked(model.query, part, model.query.embed(part.codes), share=1e-9, last=0.0)
        every = masked(model.query, part, model.query.embed(part.codes), share=1.0, last=0.0)
        last = masked(model.query, part, model.query.embed(part.codes), share=0.5, last=1.0)
    assert sorted(few.rows.tolist()) == [0, 1, 2]
    assert sorted(every.codes.tolist()) == [3, 4, 5, 6, 7, 8, 9, 10, 11]
    assert sorted(last.codes.tolist()) == [6, 8, 11]
    asked_for = model.eval().encode_query(Batch({"history": Ragged.of([[3, 4, 5], [7], [9, 10]])}))
    for query, row in zip(last.queries, last.rows.tolist(), strict=True):
        np.testing.assert_allclose(query.detach().numpy(), asked_for[row], atol=1e-5)


def test_detection_asks_which_items_were_replaced():
    model = BERT4Rec(SCHEMA, dim=8, dropout=0.0, detector=True, options=READ)
    with torch.no_grad():
        model.detector.weight.zero_()
        model.detector.bias.fill_(1.0)
    (part,) = rectangles(batch_of([[3, 4, 5]]), "history", None)
    told = masked(model.query, part, model.query.embed(part.codes), share=0.5, last=1.0)
    right, wrong = -np.log(1 - 1 / (1 + np.exp(-1))), -np.log(1 / (1 + np.exp(-1)))
    total, count = detection(model, part, told, torch.tensor([7]))
    assert (total.item(), count) == (pytest.approx(right + right + wrong), 3)
    total, _ = detection(model, part, told, torch.tensor([5]))
    assert total.item() == pytest.approx(3 * right)


def loss_of(objective, schema=SCHEMA, frame=None, options=None):
    model = SASRec(schema, dim=8, dropout=0.0, options=SequenceOptions(max_length=10), seed=1)
    task = objective.prepare(model, sequences(circle(40, 3)) if frame is None else frame, None, FAST)
    batch = next(iter(task.loader))
    return task.loss(batch).item(), task, batch, model


def test_the_loss_is_the_mean_cross_entropy_of_all_positions():
    value, _, batch, model = loss_of(NextItem())
    items = model.encode_item(Batch({"item": torch.arange(FIRST, FIRST + ITEMS)}))
    losses = []
    for part in rectangles(batch, "history", None):
        told = causal(model.query, part, model.query.embed(part.codes), "every")
        scores = told.queries @ items.T
        losses.append(torch.nn.functional.cross_entropy(scores, told.codes - FIRST, reduction="none"))
    assert value == pytest.approx(torch.cat(losses).mean().item(), rel=1e-5)
    as_scores, *_ = loss_of(NextItem(loss=softmax))
    assert as_scores == pytest.approx(value, rel=1e-5)


def test_the_mass_is_what_the_mean_divides_by():
    _, task, batch, _ = loss_of(NextItem())
    assert task.mass(batch).item() == int((batch["history"].offsets.diff() - 1).sum())
    _, last, batch, _ = loss_of(NextItem(positions="last"))
    assert last.mass(batch).item() == len(batch)


def test_pieces_of_a_batch_give_the_whole_batchs_steps():
    def weights(pieces):
        model = SASRec(SCHEMA, dim=8, dropout=0.0, options=SequenceOptions(max_length=10, sparse=False))
        options = FitOptions(
            epochs=1,
            batch_size=64,
            precision="float32",
            optimization=Optimization(accumulate=pieces),
        )
        fit(model, TRAIN, NextItem(), None, options)
        return torch.cat([value.detach().ravel() for value in model.parameters()])

    torch.testing.assert_close(weights(1), weights(3), atol=2e-5, rtol=1e-3)


OPTIONS = {
    "negatives": NextItem(Uniform(4)),
    "loss": NextItem(loss=partial(gbce, catalogue=ITEMS)),
    "positions": NextItem(positions="last"),
    "temperature": NextItem(temperature=0.5),
    "mask_known": NextItem(mask_known=True),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_every_option_changes_the_loss(name):
    assert loss_of(OPTIONS[name])[0] != pytest.approx(loss_of(NextItem())[0], rel=1e-4)


def test_logq_changes_the_loss_of_sampled_negatives():
    assert loss_of(NextItem(Uniform(4)))[0] != loss_of(NextItem(Uniform(4), logq=False))[0]


def test_weights_scale_rows():
    frame = sequences([[3, 4], [5, 6, 7]])
    schema = Schema([*SCHEMA, Column("weight", "float32", ("weight",))])
    first = loss_of(NextItem(), frame=frame[:1])[0]
    both = loss_of(NextItem(), schema, frame.with_columns(pl.Series("weight", [1.0, 0.0])))
    assert len(both[2]) == 1  # a row of weight 0 is left out
    small = frame.with_columns(pl.Series("weight", [1.0, 1e-9], dtype=pl.Float32))
    weighed, task, batch, _ = loss_of(NextItem(), schema, small)
    assert task.mass(batch).item() == pytest.approx(1.0, rel=1e-6)
    assert weighed != pytest.approx(first)  # the catalogue is another


def test_items_with_features_come_with_the_events_or_by_themselves():
    frame = sequences(circle(40, 3))
    with pytest.raises(SchemaError, match=r"NextItem\.items: .*received no item rows.*\['price'\]"):
        loss_of(NextItem(), PRICED, frame)
    items = pl.DataFrame(
        {"item": range(FIRST, FIRST + ITEMS), "price": np.linspace(0, 1, ITEMS, dtype=np.float32)}
    )
    value, *_ = loss_of(NextItem(items=items), PRICED, frame)
    assert np.isfinite(value)
    with pytest.raises(DataError, match=r"NextItem\.items: .*received no row for \d+ events"):
        loss_of(NextItem(items=items[1:]), PRICED, frame)
    events = asked(circle(40, 3)).join(items, on="item")
    assert np.isfinite(loss_of(NextItem(), PRICED, events)[0])


def test_seeds_and_resume_reproduce(tmp_path):
    def run(folder, epochs, resume=True):
        model = SASRec(SCHEMA, dim=8, options=READ, seed=2)
        options = FitOptions(
            epochs=epochs,
            batch_size=64,
            seed=5,
            checkpoint=Checkpoints(folder, resume=resume) if folder else None,
        )
        fit(model, TRAIN, NextItem(Uniform(6)), None, options)
        return {name: value.clone() for name, value in model.state_dict().items()}

    whole = run(None, 2)
    run(tmp_path / "run", 1)
    resumed = run(tmp_path / "run", 2)
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_wrong_heads_and_data_are_refused():
    with pytest.raises(
        ArgumentError, match=r"NextItem\.head: expected one of \['causal'\]; received 'masked' f"
    ):
        NextItem(head="masked").prepare(SASRec(SCHEMA, dim=4), TRAIN, None, FAST)
    with pytest.raises(
        ArgumentError, match=r"NextItem\.head: expected one of \['masked'\]; received 'replaced'"
    ):
        NextItem(head="replaced").prepare(BERT4Rec(SCHEMA, dim=4), TRAIN, None, FAST)
    with pytest.raises(ArgumentError, match=r"NextItem: expected a sequence model; received 'TwoTower'"):
        NextItem().prepare(TwoTower(Schema(list(SCHEMA)[:3]), dim=4), TRAIN, None, FAST)
    with pytest.raises(DataError, match=r"fit\.train: .*received no sequence of two items"):
        NextItem().prepare(SASRec(SCHEMA, dim=4), sequences([[3]]), None, FAST)
    with pytest.raises(SchemaError, match=r"fit\.train: .*received events without \['history'\]"):
        NextItem().prepare(SASRec(SCHEMA, dim=4), VALID.drop("history"), None, FAST)
    with pytest.raises(ArgumentError, match=r"NextItem\.temperature: expected a number > 0; received 0"):
        NextItem(temperature=0)
    with pytest.raises(ArgumentError, match=r"NextItem\.head: expected one of .* received 'next'"):
        NextItem(head="next")
    with pytest.raises(ArgumentError, match=r"NextItem\.positions: expected one of .* received 'all'"):
        NextItem(positions="all")
    with pytest.raises(ArgumentError, match=r"Masking: expected share in \(0, 1\]"):
        Masking(share=0.0)


def test_collapsed_items_are_told_of():
    model = SASRec(SCHEMA, dim=4, options=READ)
    with torch.no_grad():
        model.tables.weight.fill_(1.0)
    task = NextItem().prepare(model, TRAIN, None, FAST)
    with pytest.warns(UserWarning, match="the item vectors have collapsed"):
        task.finish()
