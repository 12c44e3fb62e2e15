"""What every reader and every writer of folders must do."""

from collections.abc import Callable
from pathlib import Path

from shortlist.io import Dataset

__all__ = ["assert_accounted", "assert_all_or_nothing"]


def assert_accounted(data: Dataset) -> None:
    """Check that every row read is kept or left out for one reason, and that what is counted is there."""
    report = data.report
    assert report is not None, "the data set was not read by scan"
    assert report.read == report.kept + sum(report.left_out.values()), str(report)
    assert data.count() == report.kept, str(report)
    assert all(count > 0 for count in report.left_out.values()), str(report)
    assert {name: len(shown) for name, shown in report.examples.items()} == {
        name: min(3, count) for name, count in report.left_out.items()
    }, str(report)
    assert tuple(data.partitions[0].collect_schema().names()) == data.schema.names


def assert_all_or_nothing(
    write: Callable[[Path], object], fail: Callable[[Path], object], root: Path
) -> None:
    """Check that a writer of a folder leaves the old folder, and nothing else, when it fails.

    Args:
        write: writes the folder at a path.
        fail: begins to write the folder at a path and raises.
        root: an empty folder to work in.
    """
    target = root / "folder"
    for before in (False, True):
        if before:
            write(target)
        kept = _contents(root)
        try:
            fail(target)
        except Exception:  # noqa: S110 - any failure must leave things as they were
            pass
        else:
            raise AssertionError("the failing writer did not fail")
        assert _contents(root) == kept, "a failed write left something behind or changed the old folder"


def _contents(root: Path) -> dict[str, bytes | None]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes() if path.is_file() else None
        for path in sorted(root.rglob("*"))
    }
