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
        refine: candidates scored again with their float32 vectors, kept beside the codes, for each one
            wanted, ``recall_at`` at least (kinds with codes); by default 0 for fp16, sq8 and ivf_sq8 if their
            codes alone reach the recall target, else the least power of two that does. 0 keeps no float32
            vectors; pq, ivf_pq and pca always keep them.
        reduced: width that pca searches first; by default half the width of the vectors.
        threads: number of threads of one search.

    Raises:
        ArgumentError: a number below 1; a negative ``refine``.

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
    refine: int | None = None
    reduced: int | None = None
    threads: int = 1

    def __post_init__(self) -> None:
        for name in self.__slots__:
            value, least = getattr(self, name), 0 if name == "refine" else 1
            if value is not None and value < least:
                raise ArgumentError(
                    f"IndexOptions.{name}",
                    received=value,
                    expected=f"an integer >= {least}",
                    remedy="raise it",
                )
