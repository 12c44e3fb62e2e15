"""What the commands print, and what they ask the library for."""

import csv
import io
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from shortlist.io import Signals


def test_recommend(call: Any, bundle: Path) -> None:
    code, out, err = call("recommend", bundle, "--users", "u1", "new", "--columns", "name", "--k", 1)
    assert (code, err) == (0, "")
    assert [line.split() for line in out.splitlines()] == [
        ["user", "rank", "item", "score", "source", "name"],
        ["u1", "1", "i1", "2.3333", "repeats", "one"],
        ["new", "1", "i2", "3.0000", "popular", "two"],
    ]


def test_recommend_as_json_and_csv(call: Any, bundle: Path) -> None:
    rows = json.loads(call("recommend", bundle, "--users", "u1", "--json")[1])
    assert [(row["user"], row["rank"], row["item"]) for row in rows] == [("u1", 1, "i1"), ("u1", 2, "i2")]
    text = call("recommend", bundle, "--users", "u1", "--csv")[1]
    assert [row["item"] for row in csv.DictReader(io.StringIO(text))] == ["i1", "i2"]


def test_recommend_to_visitors(call: Any, bundle: Path) -> None:
    rows = json.loads(call("recommend", bundle, "--recent", "i4", "--json")[1])
    assert [(row["user"], row["item"]) for row in rows] == [(None, "i4")]


def test_recommend_where_and_trace(call: Any, bundle: Path) -> None:
    code, out, err = call(
        *("recommend", bundle, "--users", "u1", "--where", "price < 2", "--recent", "i3", "--trace", "--json")
    )
    assert code == 0
    assert [row["item"] for row in json.loads(out)] == ["i1"]
    assert "repeats" in err
    assert "not price < 2" in err


def test_recommend_to_the_users_of_a_file(
    call: Any, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "users.txt"
    path.write_text("u1\n\n u2 \n")
    rows = json.loads(call("recommend", bundle, "--users-file", path, "--json")[1])
    assert [row["user"] for row in rows] == ["u1", "u1", "u2"]
    monkeypatch.setattr("sys.stdin", io.StringIO("u2\n"))
    rows = json.loads(call("recommend", bundle, "--users-file", "-", "--json")[1])
    assert [row["user"] for row in rows] == ["u2"]


def test_recommend_needs_somebody(call: Any, bundle: Path, tmp_path: Path) -> None:
    assert call("recommend", bundle)[0] == 2
    code, _, err = call("recommend", bundle, "--users-file", tmp_path / "none.txt")
    assert code == 2
    assert "none.txt" in err


def test_unknown_columns_and_rules(call: Any, bundle: Path) -> None:
    assert "did you mean 'name'?" in call("recommend", bundle, "--users", "u1", "--columns", "nam")[2]
    assert "did you mean 'price'?" in call("recommend", bundle, "--users", "u1", "--where", "prise < 2")[2]


def test_inspect(call: Any, bundle: Path) -> None:
    code, out, _ = call("inspect", bundle)
    assert code == 0
    for text in (
        "4 items, 3 users, 6 events",
        "every checksum right",
        "repeats",
        "item_id",
        '"ndcg@10": 0.5',
    ):
        assert text in out
    plain = json.loads(call("inspect", bundle, "--json")[1])
    assert plain["counts"] == {"items": 4, "users": 3, "events": 6}
    assert [stage["stage"] for stage in plain["stages"]] == ["repeats", "drop", "take"]
    assert plain["parts"]["store"]["kind"] == "store"
    assert plain["facts"]["fingerprint"] == "f00d"
    assert (
        plain["bytes"]
        == sum(p.stat().st_size for p in bundle.rglob("*") if p.is_file())
        - (bundle / "manifest.json").stat().st_size
    )


@pytest.mark.parametrize("command", ["recommend", "inspect"])
def test_a_missing_or_damaged_bundle(call: Any, bundle: Path, tmp_path: Path, command: str) -> None:
    more = ["--users", "u1"] if command == "recommend" else []
    code, out, err = call(command, tmp_path / "none", *more)
    assert (code, out) == (2, "")
    assert "manifest.json" in err
    damaged = tmp_path / "damaged"
    for path in bundle.rglob("*"):
        if path.is_file():
            copy = damaged / path.relative_to(bundle)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    text = (damaged / "stages.json").read_bytes()
    (damaged / "stages.json").write_bytes(text.replace(b"10", b"11"))
    code, out, err = call(command, damaged, *more)
    assert (code, out) == (2, "")
    assert "stages.json" in err


@dataclass(frozen=True)
class Measured:
    text: str = "ndcg@10 .5"
    slices: dict[str, Any] = field(default_factory=lambda: {"new": [True]})

    def to_json(self) -> dict[str, Any]:
        return {"ndcg@10": 0.5}

    def sliced(self) -> str:
        return "slices"

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Fitted:
    bundle: Path
    evaluations: tuple[Measured, ...] = (Measured(),)

    def to_json(self) -> dict[str, Any]:
        return {"bundle": str(self.bundle)}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Recipes that only say what they were asked for."""
    calls: dict[str, Any] = {}

    def fit(events: Any, *, out: Path, log: Callable[[str], None], **options: Any) -> Fitted:
        log("training")
        calls["fit"] = {"events": events, "out": out, **options}
        return Fitted(out)

    def demo(folder: Path, *, log: Callable[[str], None], serve: bool) -> None:
        log("demo")
        calls["demo"] = (folder, serve)

    def evaluate_bundle(bundle: Path, events: Any, **options: Any) -> Measured:
        calls["evaluate"] = (bundle, events, options)
        return Measured()

    fake = ModuleType("shortlist.recipes")
    vars(fake).update(fit=fit, demo=demo, evaluate_bundle=evaluate_bundle, FitRecipe=dict)
    monkeypatch.setitem(sys.modules, "shortlist.recipes", fake)
    monkeypatch.setattr("shortlist.recipes", fake, raising=False)
    return calls


def test_fit_asks_only_for_what_was_said(call: Any, asked: dict[str, Any]) -> None:
    code, out, err = call("fit", "--events", "log.csv", "--out", "b")
    assert (code, err) == (0, "")
    assert out.startswith("training\n")
    assert "shortlist serve b" in out
    assert asked["fit"] == {
        "events": "log.csv",
        "out": Path("b"),
        "items": None,
        "users": None,
        "options": {"force": False},
    }


def test_fit_with_every_option(call: Any, asked: dict[str, Any]) -> None:
    code, out, err = call(
        *(
            "fit",
            "--events",
            "a.csv",
            "b.csv",
            "--items",
            "i.csv",
            "--users",
            "u.csv",
            "--out",
            "b",
            "--force",
        ),
        *("--user-col", "who", "--item-col", "what", "--time-col", "when", "--event-col", "kind"),
        *("--value-col", "amount", "--positive", "buy", "--positive", "view=0.2", "--negative", "hide"),
        *("--cancel", "return=buy", "--test", "7d", "--epochs", 2, "--dim", 8),
        *("--history", 5, "--seed", 3, "--json"),
    )
    assert (code, err) == (0, "training\n")
    assert json.loads(out) == {"bundle": "b"}
    assert asked["fit"]["events"] == ["a.csv", "b.csv"]
    assert (asked["fit"]["items"], asked["fit"]["users"]) == ("i.csv", "u.csv")
    assert asked["fit"]["options"] == {
        "roles": {"user": "who", "item": "what", "time": "when", "event": "kind", "value": "amount"},
        "signals": Signals({"buy": 1.0, "view": 0.2}, ("hide",), {"return": "buy"}),
        "test": "7d",
        "epochs": 2,
        "dim": 8,
        "history": 5,
        "seed": 3,
        "force": True,
    }


def test_a_quiet_fit_shows_only_the_results(call: Any, asked: dict[str, Any]) -> None:
    code, out, _ = call("fit", "--events", "log.csv", "--out", "b", "--quiet")
    assert (code, out.splitlines()[0]) == (0, "ndcg@10 .5")
    assert asked["fit"]["out"] == Path("b")


def test_evaluate(call: Any, asked: dict[str, Any]) -> None:
    assert call("evaluate", "b", "--events", "e.csv") == (0, "ndcg@10 .5\n\nslices\n", "")
    assert asked["evaluate"] == (Path("b"), "e.csv", {"since": None, "seen": "as served"})
    code, out, _ = call(
        *("evaluate", "b", "--events", "e.csv", "f.csv", "--since", "2026-01-31", "--seen", "drop", "--json")
    )
    assert (code, json.loads(out)) == (0, {"ndcg@10": 0.5})
    options = {"since": datetime(2026, 1, 31), "seen": "drop"}
    assert asked["evaluate"] == (Path("b"), ["e.csv", "f.csv"], options)


def test_demo(call: Any, asked: dict[str, Any]) -> None:
    assert call("demo") == (0, "demo\n", "")
    assert asked["demo"] == (Path("demo-output"), False)
    call("demo", "--out", "x", "--keep-serving")
    assert asked["demo"] == (Path("x"), True)


def test_serve(call: Any, bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, Any] = {}

    def serve(folder: Path, **options: Any) -> None:
        given.update(options, bundle=folder)

    monkeypatch.setattr("shortlist.server.serve", serve)
    monkeypatch.setattr("logging.basicConfig", lambda **_: None)
    call(
        "serve",
        bundle,
        "--port",
        0,
        "--threads",
        3,
        "--log-answers",
        "answers",
        "--live",
        "live",
        "--clock",
        "log",
    )
    options = given.pop("options")
    assert given == {"bundle": {"bundle": str(bundle)}, "host": "127.0.0.1", "port": 0}
    assert (options.workers, options.answers, options.live) == (3, Path("answers"), Path("live"))
    assert options.clock == "log"
