"""Where a bundle is to stand."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from shortlist.errors import ArgumentError, DataError
from shortlist.export import refuse_existing

__all__ = ["check_place", "room_beside"]


def check_place(out: Path, *, force: bool) -> None:
    """Refuse a place where something stands; with ``force`` an older bundle may, and nothing else.

    Raises:
        ArgumentError: something stands there that is not to be replaced.
    """
    if not force:
        refuse_existing(out)
        return
    if not out.exists() or (out / "manifest.json").is_file():
        return
    if out.is_file() or any(out.iterdir()):
        raise ArgumentError(
            str(out),
            received="something that is no bundle",
            expected="a bundle to replace, or nothing",
            remedy="choose another folder, or remove it yourself",
        )


@contextmanager
def room_beside(out: Path) -> Iterator[Path]:
    """A hidden folder beside the place, gone with all it holds when the block ends.

    Raises:
        DataError: no folder can be made there.
    """
    try:
        out.absolute().parent.mkdir(parents=True, exist_ok=True)
        room = TemporaryDirectory(prefix=f".{out.name}.measured-", dir=out.absolute().parent)
    except OSError as error:
        raise DataError(
            str(out),
            received=str(error),
            expected="a place that can be written to",
            remedy="choose another path",
        ) from error
    with room as name:
        yield Path(name)
