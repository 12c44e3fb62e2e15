"""What a search costs, counted in comparisons of float32 vectors."""

from math import ceil, sqrt

from shortlist.index._facts import LISTED, Facts

__all__ = ["again_for", "comparisons", "effort_for"]

# Time of one comparison of codes, in comparisons of float32 vectors of width 64; benchmarks/index.py.
_SCANNED = {"exact": 1.0, "fp16": 0.6, "sq8": 0.4, "pq": 0.06}
_IN_LISTS = {"ivf": 1.0, "ivf_sq8": 0.6, "ivf_pq": 0.3}
_LINKS = 32


def effort_for(facts: Facts, k: int) -> int:
    """Effort of a search for k items: as tuned up to ``recall_at``, above it sqrt(k / recall_at) times that.

    >>> effort_for(Facts("ivf", 64, 1000, effort=10, lists=126, recall_at=100), 400)
    20
    """
    return ceil(facts.effort * sqrt(max(1.0, k / facts.recall_at)))


def again_for(facts: Facts, k: int) -> int:
    """Candidates of a search for k items that are scored again: ``refine`` for each of ``recall_at`` or more.

    >>> pq = Facts("pq", 64, 1000, refine=4, recall_at=100)
    >>> again_for(pq, 10), again_for(pq, 200)
    (400, 800)
    """
    return facts.refine * max(k, facts.recall_at)


def comparisons(facts: Facts, k: int) -> float:
    """Cost of a search for k items, in comparisons of float32 vectors.

    >>> comparisons(Facts("exact", 64, 1000), 10)
    1000.0
    >>> comparisons(Facts("ivf", 64, 1000, effort=10, lists=100), 10)  # 100 centres and a tenth of the rows
    200.0
    """
    again = float(again_for(facts, k))
    if facts.kind in LISTED:
        probed = facts.count * min(effort_for(facts, k), facts.lists) / facts.lists
        return facts.lists + _IN_LISTS[facts.kind] * probed + again
    if facts.kind == "hnsw":
        return float(max(effort_for(facts, k), k) * _LINKS)
    if facts.kind == "pca":
        return facts.count * facts.reduced / facts.dim + again
    return _SCANNED[facts.kind] * facts.count + again
