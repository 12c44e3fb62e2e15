"""What a build may be told."""

from dataclasses import dataclass

from shortlist.errors import ArgumentError

__all__ = ["IndexOptions"]


@dataclass(frozen=True, slots=True)
class IndexOptions:
    """How an index is built and measured.

    Attributes:
        recall_at: K cut at which recall is measured and tuned; a search for k items, k above it, works
            sqrt(k / recall_at) times as hard.
        sample: number of queries that recall is measured on; more give a steadier figure.
        exact_below: number of items below which ``kind="auto"`` takes exact search.
        lists: number of IVF lists; by default 4 times the square root of the number of items.
        links: links per node of the HNSW graph; more raise recall, memory and build time.
        build_effort: candidates weighed for each link while the HNSW graph is built.
        effort: lists probed (IVF) or candidates kept (HNSW) per query; by default the least that reaches
            the recall target.
        threads: number of threads of one search.

    Raises:
        ArgumentError: a number below 1.

    >>> IndexOptions(recall_at=10).threads
    1
    """

    recall_at: int = 100
    sample: int = 256
    exact_below: int = 50_000
    lists: int | None = None
    links: int = 32
    build_effort: int = 128
    effort: int | None = None
    threads: int = 1

    def __post_init__(self) -> None:
        for name in self.__slots__:
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ArgumentError(
                    f"IndexOptions.{name}", received=value, expected="an integer >= 1", remedy="raise it"
                )
