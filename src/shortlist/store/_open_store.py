"""A store by its address."""

from shortlist.errors import ArgumentError
from shortlist.store._embedded import EmbeddedStore
from shortlist.store._feast_source import feast_at
from shortlist.store._redis_store import redis_store
from shortlist.store._remote import RemoteStore

__all__ = ["keeps_events", "open_store"]

_REDIS = ("redis", "rediss", "unix")


def open_store(url: str, tables: EmbeddedStore) -> RemoteStore:
    """The store at an address, over the tables of a bundle.

    Args:
        url: ``redis://HOST:PORT/DATABASE?namespace=NAME``, see `redis_store`; or
            ``feast:FOLDER?users=SERVICE&items=VIEW:FEATURE,VIEW:FEATURE``, see `feast_store`.
        tables: the bundle's store.

    Raises:
        ArgumentError: it is neither.
        MissingExtraError: the package for it is not installed.
        DataError: there is no store.
    """
    kind = url.partition(":")[0]
    if kind in _REDIS:
        return redis_store(url, tables)
    if kind == "feast":
        return feast_at(url, tables)
    raise ArgumentError(
        "store",
        received=url,
        expected="redis://HOST:PORT/DATABASE or feast:FOLDER",
        remedy="leave it out to take the bundle's own tables",
    )


def keeps_events(url: str) -> bool:
    """Whether events that arrive are kept by the store at an address, for every process that reads it.

    >>> keeps_events("redis://127.0.0.1:6379/0"), keeps_events("feast:features")
    (True, False)
    """
    return url.partition(":")[0] in _REDIS
