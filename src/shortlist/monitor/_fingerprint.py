"""What requests, items and vectors looked like when a bundle was made."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, final

from shortlist.errors import ArgumentError, BundleError
from shortlist.monitor._bins import Bins
from shortlist.monitor._embedding import Embedding
from shortlist.monitor._observe import Side

__all__ = ["FINGERPRINT_FORMAT", "Feature", "Fingerprint", "FingerprintOptions"]

FINGERPRINT_FORMAT = 1


@final
@dataclass(frozen=True, slots=True)
class FingerprintOptions:
    """How a fingerprint is taken.

    Attributes:
        requests: past requests that are asked again, at most; more make smaller changes visible.
        newest: share of the events, the newest ones, that they are drawn from.
        k: items that are looked at of each answer, from the first on, then as live: what clients ask for.
        bins: most bins of a number, at its quantiles.
        categories: values of a category that have a bin of their own, the most frequent ones.
        directions: fixed random directions that vectors are projected on.
        seed: chooses requests and directions.

    Raises:
        ArgumentError: a number is out of range.
    """

    requests: int = 1000
    newest: float = 0.2
    k: int = 10
    bins: int = 50
    categories: int = 20
    directions: int = 8
    seed: int = 0

    def __post_init__(self) -> None:
        least = {"requests": 1, "k": 1, "bins": 2, "categories": 1, "directions": 1}
        for name, low in least.items():
            if getattr(self, name) < low:
                raise ArgumentError(
                    f"FingerprintOptions.{name}",
                    received=getattr(self, name),
                    expected=f"an integer >= {low}",
                )
        if not 0 < self.newest <= 1:
            raise ArgumentError(
                "FingerprintOptions.newest", received=self.newest, expected="a share above 0, at most 1"
            )


@final
@dataclass(frozen=True, eq=False)
class Feature:
    """One feature as it was.

    Attributes:
        side: ``"query"`` or ``"item"``.
        bins: its distribution.
        unknown: values that were in no vocabulary.
    """

    side: Side
    bins: Bins
    unknown: int = 0

    def share(self, what: str) -> float:
        """Share of the values that were ``"null"`` or ``"unknown"``."""
        count = self.bins.null if what == "null" else self.unknown
        return count / max(self.bins.total, 1)


@final
@dataclass(frozen=True, eq=False)
class Fingerprint:
    """Distributions of what the models of a pipeline read, over past requests asked again.

    Attributes:
        requests: past requests.
        since: time of the first, microseconds since 1970 UTC.
        until: time of the last.
        k: items that were looked at of each answer.
        features: name -> distribution.
        embeddings: name -> distribution of vectors.
        popular_share: share of the places in the answers that the most popular hundredth of the items has.
        coverage: share of the catalogue in the answers.
    """

    requests: int
    since: int
    until: int
    k: int = 10
    features: Mapping[str, Feature] = field(default_factory=dict)
    embeddings: Mapping[str, Embedding] = field(default_factory=dict)
    popular_share: float = float("nan")
    coverage: float = float("nan")

    def to_plain(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "format": FINGERPRINT_FORMAT,
            "requests": self.requests,
            "since": self.since,
            "until": self.until,
            "k": self.k,
            "popular_share": self.popular_share,
            "coverage": self.coverage,
            "features": {
                name: {"side": one.side, "unknown": one.unknown, **one.bins.to_plain()}
                for name, one in self.features.items()
            },
            "embeddings": {name: one.to_plain() for name, one in self.embeddings.items()},
        }

    @classmethod
    def of_plain(cls, plain: Any, where: str = "fingerprint") -> "Fingerprint":
        """Read what `to_plain` gave.

        Raises:
            BundleError: it is damaged, or of a newer format.
        """
        written = plain.get("format") if isinstance(plain, dict) else None
        if isinstance(written, int) and written > FINGERPRINT_FORMAT:
            raise BundleError(
                where,
                received=f"format {written}",
                expected=f"format {FINGERPRINT_FORMAT} or older",
                remedy="install the version of shortlist that wrote the bundle",
            )
        try:
            features = {
                name: Feature(one["side"], Bins.of_plain(one), one["unknown"])
                for name, one in plain["features"].items()
            }
            embeddings = {name: Embedding.of_plain(one) for name, one in plain["embeddings"].items()}
            return cls(
                plain["requests"],
                plain["since"],
                plain["until"],
                plain["k"],
                features,
                embeddings,
                plain["popular_share"],
                plain["coverage"],
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BundleError(
                where,
                received=f"{type(error).__name__}: {error}",
                expected="a fingerprint as shortlist writes it",
                remedy="save the bundle again",
            ) from error
