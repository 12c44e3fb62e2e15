"""What a trade-off of sizes is measured by."""

from dataclasses import dataclass

from shortlist.errors import ArgumentError
from shortlist.metrics import parse

__all__ = ["SizeOptions"]


@dataclass(frozen=True, slots=True)
class SizeOptions:
    """How sizes are measured."""

    quantizers: tuple[str, ...] = ("float32", "float16", "sq8", "pq2", "pq4")
    """Ways to store a vector: ``float32``, ``float16``, ``sq8`` and ``sq4`` (8 and 4 bits a number), ``pqM``
    (product quantisation, one byte for M numbers: 2, 4 or 8)."""
    metrics: tuple[str, ...] = ("ndcg@10", "recall@10")
    """What quality is; the first one is plotted and decides the front."""
    seeds: tuple[int, ...] = (0,)
    """Each size is trained and measured once a seed; the deviation between seeds is shown."""
    k: int = 100
    """Length of the lists that are timed."""
    timed_items: int = 100_000
    """Latency is measured over so many vectors, or the catalogue if it is larger: its own, over and over."""

    def __post_init__(self) -> None:
        for name in ("quantizers", "metrics", "seeds"):
            if len(getattr(self, name)) == 0:
                raise ArgumentError(f"SizeOptions.{name}", received="nothing", expected="at least one")
        for name in ("k", "timed_items"):
            if getattr(self, name) < 1:
                raise ArgumentError(
                    f"SizeOptions.{name}", received=getattr(self, name), expected="an integer >= 1"
                )
        for metric in self.metrics:
            parse(metric)
