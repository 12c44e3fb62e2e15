"""Columns that a stage promised and did not come to give."""

import numpy as np

from shortlist.data import Candidates
from shortlist.pipeline._stage import CANDIDATES, SCORES, Stage

__all__ = ["with_promised"]


def with_promised(found: Candidates, stage: Stage) -> Candidates:
    """The candidates with each column that the stage gives and they lack, full of NaN."""
    lacking = [name for name in stage.gives if name not in (CANDIDATES, SCORES, *found.columns)]
    if not lacking:
        return found
    empty = np.full(len(found.items), np.nan, dtype=np.float32)
    return found.with_columns(dict.fromkeys(lacking, empty))
