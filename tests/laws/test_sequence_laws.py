"""Windows of sequences hold every item to be told once, however long the sequences and the windows."""

from itertools import pairwise

import numpy as np
import polars as pl
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from shortlist.data import Batch, Ragged
from shortlist.models.retrieval import SASRec, SequenceOptions
from shortlist.schema import LIST, Column, Domain, Schema
from shortlist.train._sequence_batches import rectangles
from shortlist.train._sequence_rows import sequence_rows

DOMAIN = Domain("item", 40)
SCHEMA = Schema(
    [
        Column("user", "int64", ("user", "id", "categorical"), domain=Domain("user", 50)),
        Column("item", "int64", ("item", "id", "categorical"), domain=DOMAIN),
        Column("history", "int64", ("user", "sequence"), LIST, DOMAIN),
    ]
)
SEQUENCES = st.lists(st.lists(st.integers(3, 39), min_size=1, max_size=12), min_size=1, max_size=6).filter(
    lambda lists: any(len(one) > 1 for one in lists)
)


def pairs(lists):
    return sorted(pair for one in lists for pair in pairwise(one))


@settings(max_examples=40, deadline=None)
@given(SEQUENCES, st.integers(2, 8))
def test_whole_sequences_are_cut_so_that_each_item_is_told_once(lists, length):
    frame = pl.DataFrame({"user": range(3, 3 + len(lists)), "history": lists})
    model = SASRec(SCHEMA, dim=2, blocks=1)
    windows = sequence_rows(model, frame, None, length=length, positions="every").frame["history"].to_list()
    assert pairs(windows) == pairs(lists)
    assert max(map(len, windows)) <= length


@settings(max_examples=40, deadline=None)
@given(SEQUENCES, st.integers(1, 5), st.integers(2, 8))
def test_events_are_chosen_so_that_each_item_is_told_once(lists, kept, length):
    rows = [
        {"user": 3 + user, "history": one[max(0, place - kept) : place], "item": one[place]}
        for user, one in enumerate(lists)
        for place in range(len(one))
    ]
    frame = pl.DataFrame(rows, schema_overrides={"history": pl.List(pl.Int64)})
    model = SASRec(SCHEMA, dim=2, blocks=1, options=SequenceOptions(max_length=50))
    windows = sequence_rows(model, frame, None, length=length, positions="every").frame["history"].to_list()
    assert pairs(windows) == pairs(lists)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.integers(1, 39), min_size=2, max_size=60), max_size=30))
def test_rectangles_hold_each_row_once(lists):
    made = Ragged.of(lists, np.int64)
    batch = Batch({"history": Ragged(torch.from_numpy(made.values), torch.from_numpy(made.offsets))})
    found = {}
    for part in rectangles(batch, "history", None):
        for place, row in enumerate(part.rows.tolist()):
            assert row not in found
            found[row] = part.codes[place, : int(part.lengths[place])].tolist()
    assert [found[row] for row in range(len(lists))] == lists
