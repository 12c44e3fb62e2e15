import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from shortlist.errors import DataError
from shortlist.store._journal import Journal


def _written(path: Path, records: list[object]) -> bytes:
    journal = Journal(path)
    assert list(journal.open()) == []
    for record in records:
        journal.append(record)
    journal.close()
    return path.read_bytes()


def _read(path: Path) -> tuple[list[object], int]:
    journal = Journal(path)
    records = list(journal.open())
    journal.close()
    return records, journal.cut_bytes


def test_records_come_back_in_order(tmp_path: Path) -> None:
    records: list[object] = [{"u": ["é", None, 7]}, [], "x"]
    _written(tmp_path / "deep" / "log", records)
    assert _read(tmp_path / "deep" / "log") == (records, 0)


def test_a_torn_end_is_cut_at_every_length_and_the_file_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "log"
    whole = _written(path, ["first", "second"])
    first = len(_written(tmp_path / "one", ["first"]))
    for length in range(first, len(whole)):
        path.write_bytes(whole[:length])
        assert _read(path) == (["first"], length - first)
        assert _read(path) == (["first"], 0)
    journal = Journal(path)
    list(journal.open())
    journal.append("third")
    journal.close()
    assert _read(path) == (["first", "third"], 0)


@pytest.mark.parametrize("tail", [b"\0" * 100, b"\0" * 3])
def test_a_file_that_grew_without_content_is_cut(tmp_path: Path, tail: bytes) -> None:
    path = tmp_path / "log"
    whole = _written(path, ["first"])
    path.write_bytes(whole + tail)
    assert _read(path) == (["first"], len(tail))


def test_a_last_record_with_wrong_bytes_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "log"
    whole = _written(path, ["first", "second"])
    path.write_bytes(whole[:-2] + b"??")
    assert _read(path)[0] == ["first"]


def test_a_file_torn_in_its_first_line_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"shortl")
    assert _read(path) == ([], 6)
    assert _read(path) == ([], 0)


@pytest.mark.parametrize(("place", "words"), [(-30, "checksum"), (20, "length"), (0, "first bytes")])
def test_damage_of_acknowledged_records_is_an_error(tmp_path: Path, place: int, words: str) -> None:
    path = tmp_path / "log"
    whole = bytearray(_written(path, ["first " * 20, "second"]))
    place = place if place >= 0 else len(whole) - 24 - 8 + place
    whole[place] ^= 255
    path.write_bytes(bytes(whole))
    with pytest.raises(DataError, match=words):
        _read(path)
    assert path.read_bytes() == bytes(whole)


def test_a_failed_write_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path / "log")
    list(journal.open())
    journal.append("first")

    def full(_file: int, data: memoryview, place: int) -> int:
        if place > 60:
            raise OSError(28, "No space left on device")
        return written(_file, data[:5], place)

    written = os.pwrite
    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(DataError, match="No space left"):
        journal.append("second" * 20)
    monkeypatch.undo()
    journal.append("third")
    journal.close()
    assert _read(tmp_path / "log") == (["first", "third"], 0)


def test_one_holder_at_a_time(tmp_path: Path) -> None:
    holder = Journal(tmp_path / "log")
    list(holder.open())
    with pytest.raises(DataError, match="a file that nobody holds"):
        Journal(tmp_path / "log").open()
    holder.close()
    assert _read(tmp_path / "log") == ([], 0)


def test_a_closed_log_refuses_records(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="closed"):
        Journal(tmp_path / "log").append("x")


def test_records_have_a_largest_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path / "log")
    list(journal.open())
    monkeypatch.setattr("shortlist.store._journal._LARGEST", 10)
    with pytest.raises(DataError, match="fewer events"):
        journal.append("x" * 20)
    journal.close()


_WRITER = """
import sys
from pathlib import Path
from shortlist.store._journal import Journal
journal = Journal(Path(sys.argv[1]))
journal.open()
for number in range(10**9):
    journal.append([number] * 50)
    print(number, flush=True)
"""


def test_acknowledged_records_survive_a_kill(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _WRITER, str(tmp_path / "log")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "0\n"
        time.sleep(0.2)
        writer.send_signal(signal.SIGKILL)
        acknowledged = 1 + len([line for line in writer.stdout.read().split("\n") if line])
    records, _ = _read(tmp_path / "log")
    assert acknowledged <= len(records) <= acknowledged + 1
    assert records == [[number] * 50 for number in range(len(records))]
