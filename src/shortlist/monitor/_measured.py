"""Metrics of one version of a bundle, read back into tables."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import inf, nan
from typing import final

from shortlist.monitor._histogram import quantile
from shortlist.monitor._monitor import LEVELS

__all__ = ["FeatureState", "Measured", "Series", "StageState", "cumulative_of"]

Series = tuple[str, dict[str, str], float]
Pair = tuple[str, str]

_VERDICTS = {level: verdict for verdict, level in LEVELS.items()}


@final
@dataclass(frozen=True, slots=True)
class StageState:
    """Times and candidates of one stage.

    Attributes:
        name: of the stage.
        runs: batches that it worked on.
        mean_ms: mean time of one.
        p50_ms: half of them were done within so long.
        p95_ms: 95 in a hundred.
        p99_ms: 99 in a hundred.
        candidates: candidates after it, for one user.
    """

    name: str
    runs: int
    mean_ms: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    candidates: float


@final
@dataclass(frozen=True, slots=True)
class FeatureState:
    """Drift of one feature; see `Drift`.

    Attributes:
        name: of the feature.
        kind: ``"query"``, ``"item"`` or ``"vectors"``.
        psi: population stability index.
        limit: what chance alone keeps it below.
        verdict: ``"drifted"``, ``"moved"``, ``"unclear"`` or ``"steady"``.
        ks: largest difference of distribution functions; NaN for categories.
        shift: of vectors, how far the mean moved; NaN else.
        null: share of null in the fingerprint and now.
        unknown: share of unknown in the fingerprint and now.
        most: what changed most, in words, where it is known.
    """

    name: str
    kind: str
    psi: float
    limit: float
    verdict: str
    ks: float
    shift: float
    null: tuple[float, float]
    unknown: tuple[float, float]
    most: str = ""


@final
@dataclass(frozen=True)
class Measured:
    """What is known of one version of a bundle.

    Attributes:
        bundle: its name.
        version: its version.
        series: its metrics.
        details: feature -> what changed most.
    """

    bundle: str
    version: str
    series: tuple[Series, ...]
    details: Mapping[str, str] = field(default_factory=dict)

    def one(self, name: str, **labels: str) -> float:
        """The sum of a metric over the series that have these labels; NaN where there is none."""
        values = [
            value
            for known, have, value in self.series
            if known == name and all(have.get(label) == text for label, text in labels.items())
        ]
        return sum(values) if values else nan

    def by(self, name: str, *labels: str) -> dict[tuple[str, ...], float]:
        """Values of labels -> value of a metric."""
        return {
            tuple(have.get(label, "") for label in labels): value
            for known, have, value in self.series
            if known == name
        }

    @property
    def users(self) -> float:
        """Users asked for."""
        total = self.one("shortlist_users_total")
        return 0.0 if total != total else total  # noqa: PLR0124 - NaN

    @property
    def fingerprint(self) -> str:
        """Empty, or why there is no fingerprint."""
        return next((why for (why,) in self.by("shortlist_fingerprint_available", "why")), "not told")

    def stages(self) -> list[StageState]:
        """In the order in which they were first run."""
        name = "shortlist_stage_duration_seconds"
        stages = [stage for (stage,) in self.by(f"{name}_count", "stage")]
        return [self._stage(name, stage) for stage in stages]

    def features(self) -> list[FeatureState]:
        """The largest PSI first."""
        rows = self.by("shortlist_drift_psi", "feature", "kind").items()
        found = [self._feature(feature, kind, psi) for (feature, kind), psi in rows]
        return sorted(found, key=lambda one: (-one.psi, one.name))

    def drifted(self) -> list[FeatureState]:
        """Features that have drifted."""
        return [one for one in self.features() if one.verdict == "drifted"]

    def _stage(self, name: str, stage: str) -> StageState:
        ends = cumulative_of(self.series, name, stage=stage)
        runs = int(self.one(f"{name}_count", stage=stage))
        mean = self.one(f"{name}_sum", stage=stage) / runs if runs else nan
        users = self.one("shortlist_stage_requests_total", stage=stage)
        candidates = self.one("shortlist_stage_candidates_total", stage=stage) / users if users else nan
        p50, p95, p99 = (quantile(ends, share) * 1e3 for share in (0.5, 0.95, 0.99))
        return StageState(stage, runs, mean * 1e3, p50, p95, p99, candidates)

    def _feature(self, name: str, kind: str, psi: float) -> FeatureState:
        own = {"feature": name}
        shares = [
            (self.one(metric, when="fingerprint", **own), self.one(metric, when="now", **own))
            for metric in ("shortlist_feature_null_ratio", "shortlist_feature_unknown_ratio")
        ]
        return FeatureState(
            name,
            kind,
            psi,
            self.one("shortlist_drift_psi_chance", **own),
            _VERDICTS.get(int(self.one("shortlist_drift_level", **own)), "unclear"),
            self.one("shortlist_drift_ks", **own),
            self.one("shortlist_drift_shift", **own),
            shares[0],
            shares[1],
            self.details.get(name, ""),
        )


def cumulative_of(series: Iterable[Series], name: str, **labels: str) -> list[tuple[float, float]]:
    """Ends and counts of a histogram, summed over the series that have these labels."""
    counts: dict[float, float] = {}
    for known, have, value in series:
        if known == f"{name}_bucket" and all(have.get(label) == text for label, text in labels.items()):
            end = inf if have["le"] == "+Inf" else float(have["le"])
            counts[end] = counts.get(end, 0.0) + value
    return sorted(counts.items())
