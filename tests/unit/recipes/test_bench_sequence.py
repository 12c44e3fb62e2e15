"""The sequence benchmark: its format, its split, its measure, and a planted rule."""

import json
import math
from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from shortlist.cli import main
from shortlist.data import Ragged
from shortlist.errors import ArgumentError, DataError
from shortlist.recipes import (
    SMALL_SEQUENCES,
    SequenceBench,
    SequenceFile,
    bench_sequence,
    planted_sequences,
    read_sequences,
    write_sequences,
)
from shortlist.recipes import _bench_sequence as bench
from shortlist.recipes._sequence_models import NEURAL, settings_for
from shortlist.recipes._sequence_split import hold_out


def file_of(lists, items=9):
    users = tuple(f"u{place}" for place in range(len(lists)))
    return SequenceFile(users, tuple(map(str, range(items))), Ragged.of(lists, np.int64))


def test_a_file_is_read_as_it_was_written(tmp_path):
    path = tmp_path / "log.txt"
    write_sequences(path, [("ann", ["tea", "milk", "tea"]), ("bob", ["milk"])])
    assert path.read_text() == "ann tea milk tea\nbob milk\n"
    path.write_text("ann\ttea  milk tea\r\n\n   \nbob milk")
    file = read_sequences(path)
    assert (file.users, file.items) == (("ann", "bob"), ("tea", "milk"))
    assert file.sequences.to_lists() == [[0, 1, 0], [1]]
    assert str(file) == "2 users, 2 items, 4 events"
    assert file.first(1).items == ("tea", "milk")
    assert read_sequences(path).first(9).events == 4


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a 1 2\nb\n", r"line 2: expected a user and at least one item.*received \"'b'\""),
        ("a,1,2\n", r"line 1: .*replace ',' by a space"),
        ("a 1\n\nb 2\na 3\n", r"line 4: expected one line a user; received user 'a' once more.*line 1"),
        ("\n \n", r"expected lines of a user and its items"),
    ],
)
def test_a_malformed_line_is_named(tmp_path, text, message):
    (tmp_path / "log.txt").write_text(text)
    with pytest.raises(DataError, match=message):
        read_sequences(tmp_path / "log.txt")


def test_files_that_cannot_be_read_are_named(tmp_path):
    with pytest.raises(DataError, match=r"none\.txt: .*no such file.*mend the path"):
        read_sequences(tmp_path / "none.txt")
    (tmp_path / "bytes.txt").write_bytes(b"a \xff\n")
    with pytest.raises(DataError, match=r"bytes\.txt: .*UTF-8"):
        read_sequences(tmp_path / "bytes.txt")


def test_the_last_items_are_held_out():
    held = hold_out(file_of([[0, 1, 2, 3], [4], [5, 6], [7, 8, 0], [1, 2, 1]]), filter_seen=True)
    assert held.train["history"].to_list() == [[3, 4], [10], [4], [8, 9]]
    assert held.train["user"].to_list() == [3, 4, 5, 6]
    expected = {"user": [3, 4, 5], "history": [[3, 4], [10], [4]], "item": [5, 11, 5]}
    assert held.valid.equals(pl.DataFrame(expected))
    assert held.histories.to_lists() == [[0, 1, 2], [7, 8]]
    assert (held.targets.tolist(), held.repeated) == ([3, 0], 1)
    assert "last item of 2 users (1 left out" in held.protocol
    kept = hold_out(file_of([[1, 2, 1]]), filter_seen=False)
    assert (kept.targets.tolist(), kept.repeated) == ([1], 0)
    assert "LOO/full/nofilter" in kept.protocol
    with pytest.raises(DataError, match="at most 2 items a user"):
        hold_out(file_of([[1, 2]]), filter_seen=True)


def test_ranks_are_counted_against_the_model():
    held = hold_out(file_of([[0, 1, 2], [3, 4, 5]]), filter_seen=True)
    scores = np.zeros((2, 9), np.float32)
    scores[0] = [9, 9, 5, 7, 5, 0, 0, 0, 0]  # seen items do not count; one is higher and one is as high
    scores[1, 5] = np.nan

    def rows(places):
        return scores[places].copy()

    measured = held.measure(rows)
    assert measured["R@10"] == 1 / 2
    assert measured["NDCG@10"] == pytest.approx(1 / math.log2(2 + 2) / 2)
    kept = hold_out(file_of([[0, 1, 2], [3, 4, 5]]), filter_seen=False)
    assert kept.measure(rows)["NDCG@10"] == pytest.approx(1 / math.log2(4 + 2) / 2)
    assert held.measure(lambda places: np.zeros((len(places), 9), np.float32))["NDCG@10"] == pytest.approx(
        1 / math.log2(6 + 2)
    )


def test_the_planted_sequences_follow_their_rule():
    file = planted_sequences(users=400, items=50, events=4000, seed=3)
    assert len(file.users) == 400
    assert 3600 < file.events < 4400
    follows: dict[int, dict[int, int]] = {}
    for one in file.sequences.to_lists():
        assert len(one) >= 5
        for before, after in pairwise(one):
            follows.setdefault(before, {})[after] = follows.get(before, {}).get(after, 0) + 1
    top = sum(max(after.values()) for after in follows.values())
    every = sum(sum(after.values()) for after in follows.values())
    assert top / every == pytest.approx(0.8, abs=0.04)


def test_the_planted_rule_is_found():
    figures = bench_sequence(SMALL_SEQUENCES, SequenceBench(("popular", "sasrec"), epochs=6))
    assert figures.mean("sasrec", "NDCG@10") > 0.65
    assert figures.mean("popular", "NDCG@10") < 0.15
    assert figures.data == "300 users, 60 items, 2,402 events"
    assert figures.deviation("sasrec", "R@10") is None
    assert "full ranking of 60 items, seen items filtered" in str(figures)


def test_every_neural_model_runs_and_seeds_are_averaged():
    options = SequenceBench(tuple(NEURAL), seeds=2, users=60, epochs=1, filter_seen=False)
    told: list[str] = []
    figures = bench_sequence(SMALL_SEQUENCES, options, log=told.append)
    assert list(figures.runs) == list(NEURAL)
    for name, runs in figures.runs.items():
        assert len(runs) == 2
        first, second = (run["NDCG@10"] for run in runs)
        assert figures.deviation(name, "NDCG@10") == pytest.approx(abs(first - second) / 2**0.5)
    assert "±" in str(figures)
    assert any("seed 1 epoch 1" in line for line in told)


def test_a_run_is_a_function_of_its_seed_and_ends_in_time():
    def run():
        return bench_sequence(SMALL_SEQUENCES, SequenceBench(("sasrec",), users=60, epochs=2, minutes=1e-6))

    first, second = run(), run()
    assert first.runs["sasrec"][0]["epochs"] == 1
    assert first.mean("sasrec", "NDCG@10") == second.mean("sasrec", "NDCG@10")


def test_every_option_of_the_models_changes_their_figures():
    def loss(**given):
        told: list[str] = []
        bench_sequence(
            SMALL_SEQUENCES, SequenceBench(("sasrec",), users=60, epochs=1, **given), log=told.append
        )
        return next(line.split("loss ")[1][:6] for line in told if "epoch 1:" in line)

    assert len({loss(), loss(dim=16), loss(dropout=0.1)}) == 3


@pytest.mark.parametrize(
    ("events", "users", "read", "blocks", "dropout", "batch"),
    [
        (198_502, 22_363, 50, 1, 0.5, 128),  # 1024 / 8.9 = 115, and 128 is the nearest power of two
        (300_000, 30_000, 50, 1, 0.5, 128),  # 1024 / 10 = 102
        (190_000, 10_000, 50, 1, 0.5, 64),  # 1024 / 19 = 54
        (200_000, 10_000, 200, 2, 0.2, 64),  # 1024 / 20 = 51
        (1_000_209, 6_040, 200, 2, 0.2, 16),  # 1024 / 166 = 6, and 16 is the fewest
        (100_000, 943, 200, 2, 0.2, 8),  # 16 as well, but 943 / 16 is less than 64 steps
        (50_000, 50_000, 50, 1, 0.5, 128),  # 1024, and 128 is the most
        (2_402, 300, 50, 1, 0.5, 4),
    ],
)
def test_settings_suit_the_size_of_the_data(events, users, read, blocks, dropout, batch):
    chosen = settings_for(events=events, users=users, items=12_000)
    assert (chosen.max_length, chosen.blocks, chosen.dropout) == (read, blocks, dropout)
    assert chosen.batch_size == batch


@pytest.mark.parametrize(
    ("items", "lr"), [(300, 1e-3), (1_682, 1e-3 * 1_682 / 512), (12_101, 2e-2), (10**6, 2e-2)]
)
def test_item_vectors_step_the_further_the_rarer_they_are_drawn(items, lr):
    chosen = settings_for(events=900, users=100, items=items)
    assert (chosen.lr, chosen.dense_lr) == (pytest.approx(lr), 1e-3)


def test_no_epoch_begins_that_would_pass_the_limit(monkeypatch):
    clock = iter([0.0, 20.0, 41.0, 99.0])  # the start, the ends of two epochs, the end of measuring
    monkeypatch.setattr(bench, "_now", lambda: next(clock))
    figures = bench_sequence(SMALL_SEQUENCES, SequenceBench(("sasrec",), users=40, minutes=61 / 60))
    assert figures.runs["sasrec"][0]["epochs"] == 2  # 41 s and half of it are more than 61 s


def test_runs_share_the_time_and_leave_what_they_do_not_need():
    left = bench._TimeLeft(SequenceBench(seeds=2), 600_000, 12)
    assert left.next() == pytest.approx(36 * 60 * 2 * 2 / 12)
    left.spend(60.0)
    assert left.next() == pytest.approx((36 * 60 * 2 * 2 - 60) / 11)
    left.spend(1e9)
    assert left.next() == 0.0
    assert bench._TimeLeft(SequenceBench(), 1_000, 6).next() == 6 * 60
    own = bench._TimeLeft(SequenceBench(minutes=2.0), 600_000, 6)
    own.spend(500.0)
    assert own.next() == 2 * 60


def test_wrong_options_are_named():
    with pytest.raises(ArgumentError, match=r"SequenceBench\.models: .*received 'sasrek'.*sasrec"):
        SequenceBench(models=("sasrek",))
    with pytest.raises(ArgumentError, match=r"SequenceBench\.models: expected one model or more"):
        SequenceBench(models=())
    with pytest.raises(ArgumentError, match=r"SequenceBench\.seeds: expected a number above 0; received 0"):
        SequenceBench(seeds=0)


def test_the_command_prints_a_table_or_json(capsys, tmp_path):
    assert main(["bench", "sequence", "--small", "--models", "popular", "item-knn"]) == 0
    out = capsys.readouterr()
    assert "item-knn" in out.out
    assert "LOO/full/filter" in out.out
    assert "item-knn: R@10" in out.err
    path = tmp_path / "log.txt"
    write_sequences(path, [(f"u{row}", list("abcd")) for row in range(4)])
    arguments = ["bench", "sequence", "--sequences", str(path), "--models", "popular", "--nofilter", "--json"]
    assert main([*arguments, "--quiet"]) == 0
    out = capsys.readouterr()
    assert json.loads(out.out)["runs"]["popular"][0]["R@10"] == 1.0
    assert out.err == ""


def test_the_command_says_what_is_missing(capsys):
    assert main(["bench", "sequence"]) == 2
    assert "expected --sequences FILE, or --small" in capsys.readouterr().err
    assert main(["bench", "sequence", "--small", "--minutes", "0"]) == 2
    assert "expected a number above 0" in capsys.readouterr().err
    assert main(["bench", "sequence", "--sequences", "no-such-file"]) == 2
    assert "no such file" in capsys.readouterr().err
