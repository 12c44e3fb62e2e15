"""What an index knows about itself."""

from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, TypeAlias

from shortlist.errors import BundleError

__all__ = ["Facts", "Kind"]

Kind: TypeAlias = Literal["exact", "ivf", "hnsw"]


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts of a built index, as they stand in ``index.json``.

    Attributes:
        kind: exact, ivf or hnsw.
        dim: width D of the vectors.
        count: number of vectors N.
        metric: how two vectors are compared; always the inner product.
        effort: lists probed (ivf) or candidates kept (hnsw) for ``recall_at`` items; 0 for exact.
        lists: number of IVF lists; 0 for the other kinds.
        recall_at: K cut at which ``recall`` was measured.
        recall: mean share of the K best items that a search finds; 1 for exact.
        recall_target: the share that was asked for.
        vectors: fingerprint of the vectors, in their order.
        model: fingerprint of the model that made the vectors, as the caller gave it.
    """

    kind: Kind
    dim: int
    count: int
    metric: str = "inner_product"
    effort: int = 0
    lists: int = 0
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
