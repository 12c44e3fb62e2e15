import json
from pathlib import Path

import pytest

from shortlist.bundle import FORMAT, Reader, Writer
from shortlist.errors import BundleError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with Writer(tmp_path / "bundle", {"metrics": {"ndcg@10": 0.5}}) as writer:
        writer.page("stages", {"k": 10})
        (writer.part("index", "index") / "rows.bin").write_bytes(b"12345")
    return tmp_path / "bundle"


def test_what_is_written_is_read(folder: Path) -> None:
    bundle = Reader(folder).open()
    assert bundle.page("stages") == {"k": 10}
    assert bundle.parts == {"index": "index"}
    assert bundle.facts == {"metrics": {"ndcg@10": 0.5}}
    assert bundle.part("index").joinpath("rows.bin").read_bytes() == b"12345"
    assert bundle.manifest["format"] == FORMAT
    assert set(bundle.manifest["files"]) == {"stages.json", "index/rows.bin"}
    assert len(bundle.version) == 12


def test_a_failed_write_leaves_the_old_bundle(folder: Path) -> None:
    before = Reader(folder).open().version

    def fail() -> None:
        with Writer(folder) as writer:
            writer.page("stages", {})
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        fail()
    assert Reader(folder).open().version == before
    assert [path.name for path in folder.parent.iterdir()] == ["bundle"]


def test_a_manifest_that_cannot_be_written_leaves_the_old_bundle(folder: Path) -> None:
    before = Reader(folder).open().version

    def fail() -> None:
        with Writer(folder, {"odd": object()}):
            pass

    with pytest.raises(TypeError, match="not JSON serializable"):
        fail()
    assert Reader(folder).open().version == before
    assert [path.name for path in folder.parent.iterdir()] == ["bundle"]


def test_a_new_bundle_takes_the_place_of_the_old(folder: Path) -> None:
    with Writer(folder) as writer:
        writer.page("other", [])
    assert set(Reader(folder).open().manifest["files"]) == {"other.json"}


def test_damage_is_named(folder: Path) -> None:
    path = folder / "index" / "rows.bin"
    path.write_bytes(b"12355")
    Reader(folder).open(verify=False)
    with pytest.raises(BundleError, match=r"rows\.bin"):
        Reader(folder).open()
    path.write_bytes(b"123")
    with pytest.raises(BundleError, match=r"rows\.bin"):
        Reader(folder).open(verify=False)
    path.unlink()
    with pytest.raises(BundleError, match=r"rows\.bin.*no such file"):
        Reader(folder).open()


def test_other_folders_are_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"no manifest.json"):
        Reader(tmp_path).open()
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, "format": FORMAT + 1}))
    with pytest.raises(BundleError, match="install that version"):
        Reader(folder).open()
    (folder / "manifest.json").write_text(json.dumps({"files": {}}))
    with pytest.raises(BundleError, match="something else"):
        Reader(folder).open()
    (folder / "manifest.json").write_text("{")
    with pytest.raises(BundleError, match="damaged text"):
        Reader(folder).open()


def test_unknown_parts_and_pages(folder: Path) -> None:
    bundle = Reader(folder).open()
    with pytest.raises(BundleError, match="did you mean 'index'"):
        bundle.part("indes")
    with pytest.raises(BundleError, match=r"no stage\.json"):
        bundle.page("stage")
    with pytest.raises(BundleError, match="call open"):
        _ = Reader(folder).manifest


def test_parts_are_plain_names_once(tmp_path: Path) -> None:
    with Writer(tmp_path / "bundle") as writer:
        writer.part("a", "x")
        for name in ("a", "../b", "c/d"):
            with pytest.raises(BundleError, match="plain name"):
                writer.part(name, "x")
    with pytest.raises(BundleError, match="with block"):
        writer.page("late", {})
    with pytest.raises(BundleError, match="with block"):
        Writer(tmp_path / "other").part("a", "x")


def test_a_bundle_never_replaces_what_is_no_bundle(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(BundleError, match="something that is no bundle"), Writer(tmp_path):
        pass
    assert (tmp_path / "letter.txt").read_text() == "dear"
