"""What a bundle knows of users, put where servers share it."""

from pathlib import Path

from shortlist.bundle import Reader
from shortlist.io import current
from shortlist.store import EmbeddedStore, Filled, fill_redis

__all__ = ["load_store"]


def load_store(bundle: Path | str, url: str) -> Filled:
    """Write the users of a bundle, their events and, if asked for, its items into Redis.

    Args:
        bundle: a bundle, or a shelf, of which the current version is taken.
        url: see `shortlist.store.redis_store`; with ``items=true`` in its query the items too.

    Raises:
        BundleError: the bundle is missing or damaged.
        DataError: the server did not take it; do it again.
    """
    reader = Reader(current(Path(bundle))).open()
    return fill_redis(url, EmbeddedStore.open(reader.part("store")))
