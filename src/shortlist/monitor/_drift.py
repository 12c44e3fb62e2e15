"""What has changed since the fingerprint was taken."""

from dataclasses import dataclass
from typing import Literal, final

import numpy as np

from shortlist.errors import ArgumentError
from shortlist.monitor._bins import Bins, Counts
from shortlist.monitor._distance import ks, psi_by_chance, psi_of
from shortlist.monitor._fingerprint import Fingerprint
from shortlist.monitor._tally import Tally

__all__ = ["Drift", "DriftOptions", "Verdict", "drifts"]

Verdict = Literal["steady", "moved", "drifted", "unclear"]


@final
@dataclass(frozen=True, slots=True)
class DriftOptions:
    """From which PSI on a feature has drifted.

    Attributes:
        moved: PSI from which a change is worth a look.
        drifted: PSI from which a feature has drifted.
        sure: probability with which chance alone stays below what is flagged.

    Raises:
        ArgumentError: the first is not above 0, the second below the first, or the last no probability.
    """

    moved: float = 0.1
    drifted: float = 0.25
    sure: float = 0.999

    def __post_init__(self) -> None:
        if not (0 < self.moved <= self.drifted and 0 < self.sure < 1):
            raise ArgumentError(
                "DriftOptions",
                received=f"moved={self.moved}, drifted={self.drifted}, sure={self.sure}",
                expected="0 < moved <= drifted, and 0 < sure < 1",
            )


@final
@dataclass(frozen=True, slots=True)
class Drift:
    """How one feature, or the vectors of one tower, have changed.

    Attributes:
        name: of the feature or of the vectors.
        kind: ``"query"`` or ``"item"`` of a feature, ``"vectors"``.
        psi: population stability index; of vectors the largest of their lengths and projections.
        chance: what PSI is expected to be where nothing has changed, for as few requests.
        limit: what chance alone stays below, with the probability asked for.
        ks: largest difference of the distribution functions; NaN for categories.
        shift: of vectors, how far the mean has moved, in standard deviations; NaN else.
        requests: live requests that were looked at.
        null: share of null now.
        null_before: share of null in the fingerprint.
        unknown: share of values in no vocabulary now.
        unknown_before: the same in the fingerprint.
        most: the bin that changed most, with its shares before and now, in words.
        verdict: ``"drifted"`` and ``"moved"`` where PSI is above the threshold and above chance,
            ``"unclear"`` where chance alone could reach the threshold, else ``"steady"``.
    """

    name: str
    kind: str
    psi: float
    chance: float
    limit: float
    ks: float
    shift: float
    requests: int
    null: float
    null_before: float
    unknown: float
    unknown_before: float
    most: str
    verdict: Verdict


def drifts(tally: Tally, options: DriftOptions | None = None) -> list[Drift]:
    """How everything that the fingerprint knows has changed, the largest PSI first.

    Chance is reckoned with requests, not with the items shown in them: items of one answer are alike.
    A feature of which nothing came is not listed.
    """
    chosen, known = options or DriftOptions(), tally.fingerprint
    rows = [_of_feature(name, counts, tally, chosen) for name, counts in tally.features.items()]
    rows += [_of_vectors(name, tally, chosen) for name in tally.lines if known.embeddings[name].dim]
    return sorted(rows, key=lambda row: (-row.psi, row.name))


def _of_feature(name: str, now: Counts, tally: Tally, options: DriftOptions) -> Drift:
    known = tally.fingerprint.features[name]
    value, held = psi_of(known.bins, now)
    chance, limit = _chance(held, tally, known.bins.total, int(now.sum()), options)
    total = max(int(now.sum()), 1)
    return Drift(
        name=name,
        kind=known.side,
        psi=value,
        chance=chance,
        limit=limit,
        ks=ks(known.bins, now),
        shift=float("nan"),
        requests=tally.requests,
        null=int(now[-1]) / total,
        null_before=known.share("null"),
        unknown=tally.unknown.get(name, 0) / total,
        unknown_before=known.share("unknown"),
        most=_most(known.bins, now),
        verdict=_verdict(value, limit, options),
    )


def _of_vectors(name: str, tally: Tally, options: DriftOptions) -> Drift:
    cloud, lines = tally.fingerprint.embeddings[name], tally.lines[name]
    found = {line: psi_of(cloud.bins[line], counts) for line, counts in lines.items()}
    worst = max(found, key=lambda line: found[line][0])
    value, held = found[worst]
    # The largest of several: each must be that much less likely to come by chance.
    strict = DriftOptions(options.moved, options.drifted, 1 - (1 - options.sure) / len(found))
    bins, now = cloud.bins[worst], lines[worst]
    chance, limit = _chance(held, tally, bins.total, int(now.sum()), strict)
    return Drift(
        name=name,
        kind="vectors",
        psi=value,
        chance=chance,
        limit=limit,
        ks=max(ks(cloud.bins[line], counts) for line, counts in lines.items()),
        shift=cloud.shift(tally.moments[name]),
        requests=tally.requests,
        null=0.0,
        null_before=0.0,
        unknown=0.0,
        unknown_before=0.0,
        most=f"{worst}: {_most(bins, now)}",
        verdict=_verdict(value, limit, options),
    )


def _chance(held: int, tally: Tally, before: int, now: int, options: DriftOptions) -> tuple[float, float]:
    """What PSI is by chance; rows are independent only from request to request."""
    known: Fingerprint = tally.fingerprint
    return psi_by_chance(held, min(before, known.requests), min(now, tally.requests), options.sure)


def _verdict(value: float, limit: float, options: DriftOptions) -> Verdict:
    if value > limit and value >= options.moved:
        return "drifted" if value >= options.drifted else "moved"
    return "unclear" if limit >= options.drifted else "steady"


def _most(bins: Bins, now: Counts) -> str:
    """The coarse bin that changed most, in words."""
    groups = bins.groups()
    p, q = (np.bincount(groups, counts) / max(int(counts.sum()), 1) for counts in (bins.counts, now))
    worst = int(np.abs(q - p).argmax())
    inside = np.flatnonzero(groups == worst)
    name = bins.name_of(int(inside[0]), int(inside[-1]))
    return f"{name}: {100 * p[worst]:.1f} % -> {100 * q[worst]:.1f} %"
