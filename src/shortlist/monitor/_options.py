"""Options of what is measured while serving."""

from dataclasses import dataclass, field

from shortlist.errors import ArgumentError
from shortlist.monitor._drift import DriftOptions

__all__ = ["MonitorOptions"]


@dataclass(frozen=True, slots=True)
class MonitorOptions:
    """What is looked at of live requests, and at what cost.

    Attributes:
        sample: share of the requests that are looked at again off the request path, for live recall and
            drift; 0 looks at none.
        cpu_share: share of one core that this may take; requests sampled meanwhile are skipped and counted.
        window_s: seconds that coverage, popularity share, recall and drift look back, in sixths.
        recall_queries: sampled requests whose recall is averaged, at most: the newest ones.
        drift: from which change on a feature has drifted.

    Raises:
        ArgumentError: a share is out of range, or a number too small.
    """

    sample: float = 0.01
    cpu_share: float = 0.02
    window_s: float = 3600.0
    recall_queries: int = 500
    drift: DriftOptions = field(default_factory=DriftOptions)

    def __post_init__(self) -> None:
        ranges = {
            "sample": (0 <= self.sample <= 1, "a share from 0 to 1"),
            "cpu_share": (0 < self.cpu_share <= 1, "a share above 0, at most 1"),
            "window_s": (self.window_s > 0, "seconds above 0"),
            "recall_queries": (self.recall_queries >= 1, "an integer >= 1"),
        }
        for name, (good, expected) in ranges.items():
            if not good:
                raise ArgumentError(f"MonitorOptions.{name}", received=getattr(self, name), expected=expected)
