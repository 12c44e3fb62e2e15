"""Where a bundle is to stand."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from shortlist.bundle import refuse_other
from shortlist.errors import DataError
from shortlist.export import refuse_existing

__all__ = ["check_place", "room_beside"]


def check_place(out: Path, *, force: bool) -> None:
    """Refuse a place where something stands; with ``force`` an older bundle may, and nothing else.

    Raises:
        ArgumentError: something stands there, and ``force`` is not set.
        BundleError: something that is no bundle stands there.
    """
    if force:
        refuse_other(out)
    else:
        refuse_existing(out)


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
