"""A program that is killed at every step of what changes the disk while serving; run by test_kills.py.

It prints, for each kind of work, how many steps there were.
"""

import shutil
import sys
from pathlib import Path

import numpy as np

from shortlist.bundle import Reader, Writer
from shortlist.io import current, publish, roll_back, shelf_of
from shortlist.pipeline import load
from shortlist.server._live import LiveEvents
from shortlist.store import ItemLog
from shortlist.testing._bundles import tiny_bundle
from shortlist.testing._kills import killed_at_every_step

RIGHT = ["i1", "i2"]


def sound(bundle: Path) -> str:
    """The note of a bundle whose every file is right, and which answers."""
    reader = Reader(bundle).open()
    assert load(bundle).recommend(["u1"])["item"].to_list() == RIGHT
    return str(reader.facts.get("note", ""))


def rewritten(source: Path, bundle: Path) -> None:
    """Write a bundle in the place of another, its parts copied."""
    reader = Reader(source).open(verify=False)
    with Writer(bundle, reader.facts) as writer:
        for name in ("stages", "state"):
            writer.page(name, reader.page(name))
        for name, kind in reader.parts.items():
            shutil.copytree(reader.part(name), writer.part(name, kind), dirs_exist_ok=True)


def main(room: Path) -> None:
    bundle, other, shelf = room / "bundle", room / "other", room / "shelf"
    old = tiny_bundle(room / "old")
    tiny_bundle(other, note="other")
    rewritten(old, bundle)
    publish(bundle, shelf)

    def saved(done: bool) -> None:
        assert sound(bundle) in (["other"] if done else ["", "other"])
        rewritten(old, bundle)

    def published(done: bool) -> None:
        assert sound(shelf) in (["other"] if done else ["", "other"])
        publish(bundle, shelf, keep=3)
        assert sound(shelf) == ""

    def rolled(done: bool) -> None:
        assert sound(shelf) in (["other"] if done else ["", "other"])
        assert current(shelf).name in shelf_of(shelf).names
        publish(other, shelf)
        publish(bundle, shelf)

    print(killed_at_every_step(lambda: rewritten(other, bundle), saved))
    print(killed_at_every_step(lambda: publish(other, shelf, keep=3), published))
    publish(other, shelf)
    publish(bundle, shelf)
    print(killed_at_every_step(lambda: roll_back(shelf), rolled))
    edits(room / "items")
    events(room / "events")


def edits(path: Path) -> None:
    """Edits of items."""
    log = ItemLog(path)
    log.open()
    log.append([("i9", {"stock": 1})])
    log.close()

    def edit() -> None:
        own = ItemLog(path)
        own.open()
        own.append([("i8", {"stock": 2})], ["i9"])

    def edited(done: bool) -> None:
        left = ItemLog(path)
        left.open()
        known = {name: one.gone for name, one in left.edited.items()}
        assert known in ([{"i9": True, "i8": False}] if done else [{"i9": False}, {"i9": True, "i8": False}])
        left.append([("i9", {})])  # what follows a torn record is read again
        left.close()
        path.unlink()
        fresh = ItemLog(path)
        fresh.open()
        fresh.append([("i9", {"stock": 1})])
        fresh.close()

    print(killed_at_every_step(edit, edited))


def events(path: Path) -> None:
    """Events that arrive."""

    def append(item: str) -> None:
        live = LiveEvents(path)
        live.open()
        live.append(["u"], [item], np.array([1]), np.ones(1, np.float32))
        live.close()

    def appended(done: bool) -> None:
        live = LiveEvents(path)
        live.open()
        found = [record["i"] for record in live._journal.records()[0]]
        assert found in ([[["a"], ["b"]]] if done else [[["a"]], [["a"], ["b"]]])
        live.close()
        path.unlink()
        append("a")

    append("a")
    print(killed_at_every_step(lambda: append("b"), appended))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
