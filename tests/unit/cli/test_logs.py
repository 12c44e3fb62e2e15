"""Commands that write for everybody, join logs, and forget."""

from pathlib import Path
from typing import Any

import pytest

from shortlist.bundle import Reader
from shortlist.data import Requests
from shortlist.io import read_parquet
from shortlist.pipeline import AnswerLog, OutcomeLog, load
from shortlist.testing._bundles import tiny_bundle


def test_recommend_to_all(call: Any, bundle: Path, tmp_path: Path) -> None:
    code, out, err = call(
        "recommend", bundle, "--all", "--out", tmp_path / "top", "--k", 1, "--columns", "name"
    )
    assert (code, err) == (0, "")
    assert out == f"{tmp_path / 'top'}: 3 recommendations\n"
    found = read_parquet(tmp_path / "top").collect()
    assert found.select("user", "item", "name").rows() == [
        ("u1", "i1", "one"),
        ("u2", "i2", "two"),
        ("u3", "i2", "two"),
    ]
    some = call(
        "recommend",
        bundle,
        "--users",
        "u2",
        "x",
        "--out",
        tmp_path / "some",
        "--block",
        1,
        "--where",
        "price > 1",
    )
    assert some[0] == 0
    assert read_parquet(tmp_path / "some").collect()["item"].to_list() == ["i2", "i2"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--all"], "expected --out DIR beside it"),
        (["--all", "--users", "u1", "--out", "x"], "--all and users"),
        (["--all", "--out", "x", "--json"], "--out and --json"),
        (["--users", "u1", "--out", "x", "--recent", "i1"], "--out and --recent"),
    ],
)
def test_what_does_not_go_together(call: Any, bundle: Path, options: list[str], words: str) -> None:
    code, _, err = call("recommend", bundle, *options)
    assert code == 2
    assert words in err


def test_join_and_forget(call: Any, tmp_path: Path) -> None:
    bundle = tiny_bundle(tmp_path / "bundle")
    pipe = load(bundle)
    answers, events = AnswerLog(tmp_path / "answers"), OutcomeLog(tmp_path / "events")
    requests = Requests(["u1", "u2"], ids=["r1", "r2"])
    answers.add(requests, pipe.run(requests), pipe.state)
    events.add(["r1"], ["u1"], ["i2"], [pipe.state.now + 1], [1.0])
    for log in (answers, events):
        log.close()
    folders = tmp_path / "answers", tmp_path / "events"
    code, out, err = call("join-log", *folders, tmp_path / "out", "--window", "2h", "--like", bundle)
    assert (code, err) == (0, "")
    assert out == f"{tmp_path / 'out'}: 3 items shown, 1 of them taken\n"
    assert read_parquet(tmp_path / "out").schema.user.name == "user_id"
    code, out, _ = call("forget", "u1", "--bundle", bundle, "--logs", *folders)
    assert code == 0
    assert out.splitlines() == [
        "forgot u1: 3 events of the store, 0 live events, 2 rows of logs",
        f"{bundle} is version {Reader(bundle).open().version}",
    ]
    assert call("forget", "u1", "--logs", folders[0])[1] == (
        "forgot u1: 0 events of the store, 0 live events, 0 rows of logs\n"
    )
    code, _, err = call("forget", "u1")
    assert code == 2
    assert "--bundle or --logs" in err
    assert "a length of time" in call("join-log", *folders, tmp_path / "out", "--window", "soon")[2]
