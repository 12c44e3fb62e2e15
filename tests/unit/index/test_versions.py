"""Versions of an index: published and rolled back in one step, edited and built again beside live traffic."""

import subprocess
import sys
from pathlib import Path
from threading import Event, Thread

import numpy as np
import pytest

from shortlist.errors import ArgumentError, BundleError
from shortlist.index import IndexOptions, LiveIndex, build, current, load, publish, roll_back, versions
from shortlist.testing._index import planted_vectors

VECTORS = planted_vectors(40, 4)


def of(count, **options):
    return build(VECTORS[:count], range(count), **options)


@pytest.fixture
def folder(tmp_path):
    publish(of(10, fingerprint="m"), tmp_path / "index")
    return tmp_path / "index"


def test_versions_are_published_rolled_back_and_removed(folder):
    assert publish(of(20), folder) == "000002"
    assert publish(of(30), folder) == "000003"
    assert (current(folder), len(load(folder))) == ("000003", 30)
    assert roll_back(folder) == "000002"
    assert roll_back(folder) == "000001"
    assert len(load(folder)) == 10
    assert roll_back(folder, "000003") == "000003"
    assert publish(of(5), folder, keep=2) == "000004"
    assert versions(folder) == ("000003", "000004")


def test_a_version_that_is_removed_still_answers_who_holds_it(folder):
    held = load(folder)
    before = held.search(VECTORS[:3], 5)
    publish(of(20), folder, keep=1)
    assert versions(folder) == ("000002",)
    np.testing.assert_array_equal(held.search(VECTORS[:3], 5)[1], before[1])


def test_what_cannot_be_is_refused(folder, tmp_path):
    with pytest.raises(ArgumentError, match=r"publish\.keep"):
        publish(of(5), folder, keep=0)
    with pytest.raises(BundleError, match="no version before the current one"):
        roll_back(folder)
    with pytest.raises(BundleError, match=r"no version '000009'.*known: '000001'"):
        roll_back(folder, "000009")
    with pytest.raises(BundleError, match="publish an index to the folder first"):
        current(tmp_path / "nothing")
    with pytest.raises(BundleError, match=r"call open\(\)"):
        LiveIndex(folder).search(VECTORS[:1], 1)
    with pytest.raises(BundleError, match=r"'n'; received .* 'm'"):
        LiveIndex(folder, fingerprint="n").open()


def test_edits_are_there_again(folder):
    live = LiveIndex(folder, threads=2).open()
    assert live.current.threads == 2
    live.upsert([30, 3], VECTORS[[30, 31]])
    live.delete(["4", 77])
    live.upsert([31], VECTORS[[31]], fingerprint="m")
    live.delete([30])
    live.upsert([30], VECTORS[[30]])
    again = LiveIndex(folder).open()
    for one in (live, again):
        assert one.keys.values.tolist() == [0, 1, 2, 3, 5, 6, 7, 8, 9, 31, 30]
        assert (len(one), one.dim, one.version) == (11, 4, "000001")
        assert one.search(VECTORS[[31]], 2)[0].tolist() == [[3, 9]]
        np.testing.assert_array_equal(one.vectors(np.array([10])), VECTORS[[30]])
    assert len(load(folder)) == 10  # as it was published
    live.save(folder.parent / "saved")
    assert len(load(folder.parent / "saved")) == 11


def test_an_edit_that_does_not_fit_leaves_nothing_behind(folder):
    live = LiveIndex(folder).open()
    with pytest.raises(ArgumentError, match=r"\[N, 4\]"):
        live.upsert([30], np.zeros((1, 5)))
    with pytest.raises(BundleError, match=r"model 'other'"):
        live.upsert([30], VECTORS[:1], fingerprint="other")
    assert len(LiveIndex(folder).open()) == 10


def test_one_process_sees_what_another_did(folder):
    one, other = LiveIndex(folder).open(), LiveIndex(folder).open()
    one.upsert([30], VECTORS[[30]])
    assert (len(other), other.refresh(), len(other), other.refresh()) == (10, True, 11, False)
    other.upsert([31], VECTORS[[31]])
    one.upsert([32], VECTORS[[32]])  # sees the other's edit before it makes its own
    assert one.keys.values.tolist()[10:] == [30, 31, 32]
    publish(of(20, fingerprint="m"), folder)
    assert (other.refresh(), len(other), other.version) == (True, 20, "000002")
    assert one.roll_back() == "000001"
    assert (len(one), other.refresh(), len(other)) == (13, True, 13)


def test_a_rebuild_keeps_the_edits_made_meanwhile(folder):
    live = LiveIndex(folder).open()
    live.upsert([30], VECTORS[[30]])

    def slow(index):
        assert len(index) == 11
        live.upsert([31], VECTORS[[31]])
        live.delete([0])
        return build(VECTORS[:10], range(10), fingerprint="m").with_items([30], VECTORS[[30]])

    assert live.rebuild(slow) == "000002"
    assert live.keys.values.tolist() == [*range(1, 10), 30, 31]
    assert LiveIndex(folder).open().keys.values.tolist() == [*range(1, 10), 30, 31]
    assert live.rebuild() == "000003"
    assert (live.current.edits, len(live)) == (0, 11)
    assert live.roll_back("000001") == "000001"
    assert live.keys.values.tolist() == [*range(1, 10), 30, 31]


def test_a_rebuild_gives_way_to_another_version(folder):
    live = LiveIndex(folder).open()

    def late(index):
        publish(of(20, fingerprint="m"), folder)
        return index

    with pytest.raises(BundleError, match=r"'000002', published meanwhile"):
        live.rebuild(late)
    assert (live.refresh(), len(live)) == (True, 20)
    with pytest.raises(BundleError, match=r"model 'm'; received .* 'new'"):
        live.rebuild(lambda index: of(10, fingerprint="new"))


def test_searches_go_on_while_versions_change(tmp_path):
    """Every search sees one version whole: all vectors of a version give the same score."""
    options = IndexOptions(recall_at=5, sample=8, lists=4, effort=4)

    def constant(number):
        return build(np.full((64, 2), number, np.float32), range(64), kind="ivf", options=options)

    publish(constant(1), tmp_path)
    live, stop, wrong, counted = LiveIndex(tmp_path).open(), Event(), [], []

    def ask():
        while not stop.is_set():
            index = live.current
            rows, scores = index.search(np.array([[1, 0]], np.float32), len(index))
            counted.append(len(index))
            if (rows < 0).any() or len({*scores[0].tolist()}) != 1:
                wrong.append((rows, scores))

    threads = [Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for number in range(2, 8):
        live.upsert([100], np.full((1, 2), live.current.vectors(np.array([0]))[0, 0], np.float32))
        publish(constant(number), tmp_path)
        live.refresh()
    stop.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(counted) > 0


def test_a_torn_edit_is_passed_over_and_damage_is_not(folder):
    live = LiveIndex(folder).open()
    live.upsert([30], VECTORS[[30]])
    path = folder / "edits" / "000001.log"
    whole = path.read_bytes()
    for torn in (whole + whole[:-1], whole + whole[:10], whole + bytes(7), whole + whole[:-1] + b"x"):
        path.write_bytes(torn)
        assert len(LiveIndex(folder).open()) == 11
    again = LiveIndex(folder).open()
    again.delete([1])
    assert len(LiveIndex(folder).open()) == 10
    for place in (0, 30):
        damaged = bytearray(path.read_bytes())
        damaged[place] ^= 1
        (folder / "edits" / "000001.log").write_bytes(damaged)
        with pytest.raises(BundleError, match="damaged record at byte 0"):
            LiveIndex(folder).open()
        damaged[place] ^= 1
        path.write_bytes(damaged)


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="forks a process for each step")
def test_killed_at_any_step_the_last_complete_version_stays(tmp_path):
    run = [sys.executable, str(Path(__file__).with_name("killed.py")), str(tmp_path / "index")]
    ran = subprocess.run(run, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    steps = [int(line) for line in ran.stdout.split()]
    assert len(steps) == 3
    assert min(steps) > 2
