"""A shelf: whole versions, one current, back and forth; nothing half-published."""

import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest

from shortlist.errors import ArgumentError, BundleError, DataError
from shortlist.io import current, is_shelf, lock, publish, roll_back, shelf_of, use


def folder_of(path: Path, text: str) -> Path:
    path.mkdir(exist_ok=True)
    (path / "a.txt").write_text(text)
    return path


def text_of(shelf: Path) -> str:
    return (current(shelf) / "a.txt").read_text()


def test_the_newest_is_current_and_older_ones_can_be_gone_back_to(tmp_path: Path) -> None:
    shelf = tmp_path / "shelf"
    for text in ("one", "two", "three"):
        publish(folder_of(tmp_path / "made", text), shelf)
    assert text_of(shelf) == "three"
    assert roll_back(shelf).name == "000002"
    assert roll_back(shelf).name == "000001"
    with pytest.raises(BundleError, match="the oldest that is kept"):
        roll_back(shelf)
    assert text_of(shelf) == "one"
    use(shelf, "000003")
    assert text_of(shelf) == "three"
    assert shelf_of(shelf).names == ("000001", "000002", "000003")


def test_a_folder_that_is_no_shelf_is_its_own_current_version(tmp_path: Path) -> None:
    assert current(tmp_path) == tmp_path
    assert not is_shelf(tmp_path)
    with pytest.raises(BundleError, match="publish a version first"):
        shelf_of(tmp_path)


def test_only_so_many_versions_are_kept(tmp_path: Path) -> None:
    for text in "abcd":
        publish(folder_of(tmp_path / "made", text), tmp_path / "shelf", keep=2)
    assert shelf_of(tmp_path / "shelf").names == ("000003", "000004")
    assert sorted(path.name for path in (tmp_path / "shelf").glob("0*")) == ["000003", "000004"]
    assert text_of(tmp_path / "shelf") == "d"


def test_publishing_after_going_back_takes_a_fresh_name(tmp_path: Path) -> None:
    for text in "ab":
        publish(folder_of(tmp_path / "made", text), tmp_path / "shelf")
    roll_back(tmp_path / "shelf")
    assert publish(folder_of(tmp_path / "made", "c"), tmp_path / "shelf").name == "000003"
    assert text_of(tmp_path / "shelf") == "c"


def test_what_cannot_be_published_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="the folder to publish"):
        publish(tmp_path / "none", tmp_path / "shelf")
    with pytest.raises(ArgumentError, match="keep"):
        publish(tmp_path, tmp_path / "shelf", keep=0)
    publish(folder_of(tmp_path / "made", "a"), tmp_path / "shelf")
    with pytest.raises(BundleError, match="known: '000001'"):
        use(tmp_path / "shelf", "7")


@pytest.mark.parametrize("content", ["", "{}", '{"versions": 3}', "[]"])
def test_a_damaged_list_is_named(tmp_path: Path, content: str) -> None:
    publish(folder_of(tmp_path / "made", "a"), tmp_path / "shelf")
    (tmp_path / "shelf" / "versions.json").write_text(content)
    with pytest.raises(BundleError, match=r"versions.json"):
        shelf_of(tmp_path / "shelf")


def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    publish(folder_of(tmp_path / "made", "a"), tmp_path / "shelf")
    path = tmp_path / "shelf" / "versions.json"
    path.write_text(path.read_text().replace('"format": 1', '"format": 9'))
    with pytest.raises(BundleError, match="expected format 1"):
        shelf_of(tmp_path / "shelf")


def test_one_process_publishes_at_a_time(tmp_path: Path) -> None:
    (tmp_path / "shelf").mkdir()
    handle = os.open(tmp_path / "shelf" / ".lock", os.O_RDWR | os.O_CREAT)
    lock(handle, "here", "wait")
    with pytest.raises(DataError, match="wait until the other process has published"):
        publish(folder_of(tmp_path / "made", "a"), tmp_path / "shelf")
    os.close(handle)
    publish(tmp_path / "made", tmp_path / "shelf")


def _publish_for_ever(source: Path, shelf: Path) -> None:
    while True:
        publish(source, shelf, keep=3)


@pytest.mark.parametrize("after_ms", [20, 45, 70])
def test_a_killed_process_leaves_a_whole_current_version(tmp_path: Path, after_ms: int) -> None:
    source, shelf = folder_of(tmp_path / "made", "whole"), tmp_path / "shelf"
    publish(source, shelf)
    process = multiprocessing.get_context("fork").Process(target=_publish_for_ever, args=(source, shelf))
    process.start()
    time.sleep(after_ms / 1e3)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert text_of(shelf) == "whole"
    publish(source, shelf)
    assert text_of(shelf) == "whole"
