"""Bundles on shelves, and what `serve` hands to the server."""

from pathlib import Path
from typing import Any

import pytest

from shortlist.pipeline import load
from shortlist.server import ServerOptions, Traffic
from shortlist.store import ItemLog
from shortlist.testing._bundles import tiny_bundle


def test_publish_and_roll_back(call: Any, bundle: Path, tmp_path: Path) -> None:
    shelf = tmp_path / "shelf"
    code, out, err = call("publish", bundle, shelf)
    assert (code, err) == (0, "")
    assert out.startswith(f"{shelf / '000001'} is current: version ")
    call("publish", tiny_bundle(tmp_path / "second", note="second"), shelf)
    code, out, _ = call("roll-back", shelf)
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == ["000001", "000002"]
    assert [line.endswith("current") for line in out.splitlines()] == [True, False]
    assert call("roll-back", shelf, "--to", "000002")[1].splitlines()[1].endswith("current")
    assert call("recommend", shelf, "--users", "u1")[0] == 0  # a shelf is read as its current version


def test_only_a_sound_bundle_is_published(call: Any, bundle: Path, tmp_path: Path) -> None:
    broken = tiny_bundle(tmp_path / "broken")
    (broken / "stages.json").write_text("{}")
    code, _, err = call("publish", broken, tmp_path / "shelf")
    assert (code, (tmp_path / "shelf").exists()) == (2, False)
    assert "stages.json" in err
    code, _, err = call("roll-back", tmp_path / "none")
    assert code == 2
    assert "publish a version first" in err


def test_a_bundle_is_built_again_with_its_edits(call: Any, bundle: Path, tmp_path: Path) -> None:
    shelf = tmp_path / "shelf"
    call("publish", bundle, shelf)
    log = ItemLog(tmp_path / "shelf.live" / "items")
    log.open()
    log.append([("i9", {"stock": 1}), ("i1", {"price": 7.0})], ["i2"])
    code, out, err = call("rebuild-index", shelf)
    assert (code, err) == (0, "")
    assert out.startswith(f"{shelf / '000002'}: version ")
    assert out.endswith(" of 4 items, 2 added or changed and 1 taken out while serving\n")
    assert "i9" in load(shelf).state.items.values
    lines = call("recommend", shelf, "--users", "u1", "--csv")[1].splitlines()[1:]
    assert [line.split(",")[2] for line in lines] == ["i1"]
    log.append([], ["i1"])
    code, out, _ = call("rebuild-index", bundle, "--live", tmp_path / "shelf.live")
    assert (code, out.split(":")[0]) == (0, str(bundle))
    assert load(bundle).recommend(["u1"]).height == 0
    log.close()
    code, _, err = call("rebuild-index", tmp_path / "none")
    assert code == 2


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    calls: list[Any] = []

    def serve(bundles: Any, *, host: str, port: int, options: ServerOptions) -> None:
        calls.append((bundles, host, port, options))

    monkeypatch.setattr("shortlist.server.serve", serve)
    monkeypatch.setattr("shortlist.server.log_to_stderr", calls.append)
    return calls


def test_serve_one(call: Any, bundle: Path, served: list[Any]) -> None:
    assert call("serve", bundle, "--watch", 0, "--log-format", "json")[0] == 0
    form, (bundles, host, port, options) = served
    assert (form, bundles, host, port) == ("json", {"bundle": str(bundle)}, "127.0.0.1", 8000)
    assert options == ServerOptions(traffic=Traffic({"bundle": 1.0}), watch_s=0.0)


def test_serve_several(call: Any, bundle: Path, served: list[Any], tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text("k1\n\n k2 \n")
    arguments = [
        "--share",
        "a=90",
        "--share",
        "b=10",
        "--shadow",
        "b",
        "--api-keys",
        keys,
        "--timeout-ms",
        50,
    ]
    assert call("serve", f"a={bundle}", f"b={tmp_path}", *arguments, "--access-log")[0] == 0
    bundles, _, _, options = served[1]
    assert bundles == {"a": str(bundle), "b": str(tmp_path)}
    assert options.traffic == Traffic({"a": 90.0, "b": 10.0}, ("b",))
    assert (options.api_keys, options.timeout_ms, options.access_log) == (("k1", "k2"), 50, True)


def test_names_and_keys_that_cannot_be(call: Any, bundle: Path, served: list[Any], tmp_path: Path) -> None:
    code, _, err = call("serve", bundle, bundle)
    assert code == 2
    assert "write NAME=FOLDER" in err
    empty = tmp_path / "keys"
    empty.write_text("\n")
    assert "else nobody could ask" in call("serve", bundle, "--api-keys", empty)[2]
    assert "a text file of API keys" in call("serve", bundle, "--api-keys", tmp_path / "none")[2]
    assert "expected NAME=SHARE" in call("serve", bundle, "--share", "a")[2]
