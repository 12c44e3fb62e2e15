"""What an index knows about itself."""

from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, TypeAlias, get_args

from shortlist.errors import BundleError

__all__ = ["KINDS", "LISTED", "METRIC", "Facts", "Kind"]

Kind: TypeAlias = Literal["exact", "fp16", "sq8", "pq", "pca", "ivf", "ivf_sq8", "ivf_pq", "hnsw"]

KINDS: tuple[Kind, ...] = get_args(Kind)
"""All kinds."""
LISTED: tuple[Kind, ...] = ("ivf", "ivf_sq8", "ivf_pq")
"""Kinds whose vectors lie in lists."""
METRIC = "inner_product"
"""How two vectors are compared."""


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts of a built index, as they stand in ``index.json``.

    Attributes:
        kind: see `build`.
        dim: width D of the vectors.
        count: number of vectors N.
        metric: how two vectors are compared; always the inner product.
        effort: lists probed (ivf kinds) or candidates kept (hnsw) for ``recall_at`` items; 0 where all is
            scanned.
        lists: number of IVF lists; 0 for the other kinds.
        refine: candidates scored again with their float32 vectors for each one wanted, or for each of
            ``recall_at`` where fewer are wanted; 0 for none.
        reduced: width that is searched first, of pca; 0 for the other kinds.
        recall_at: K cut at which ``recall`` was measured.
        recall: mean share of the K best items that a search finds; 1 for exact.
        recall_target: the share that was asked for.
        vectors: fingerprint of the vectors that it was built of, in their order.
        model: fingerprint of the model that made the vectors, as the caller gave it.
    """

    kind: Kind
    dim: int
    count: int
    metric: str = METRIC
    effort: int = 0
    lists: int = 0
    refine: int = 0
    reduced: int = 0
    recall_at: int = 100
    recall: float = 1.0
    recall_target: float = 1.0
    vectors: str = ""
    model: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> "Facts":
        """Read what `to_json` gave.

        Raises:
            BundleError: keys are missing or unknown.
        """
        names = {field.name for field in fields(cls)}
        if plain.keys() != names:
            raise BundleError(
                "index.json",
                received=f"keys {sorted(plain)}",
                expected=f"{sorted(names)}",
                remedy="build the index again, or load it with the version that wrote it",
            )
        return cls(**plain)
