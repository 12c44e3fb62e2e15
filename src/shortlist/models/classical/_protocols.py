"""What every learner has in common."""

from typing import Literal, TypeAlias

__all__ = ["Needs"]

Needs: TypeAlias = Literal["matrix", "events"]
"""What a learner is fitted on: a sparse matrix, or events with their times."""
