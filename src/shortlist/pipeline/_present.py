"""A store whose catalogue may be edited, as it is at one moment.

The type says whether a store can be edited: one that wraps another, and hands on what it lacks, cannot.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from shortlist.data import Store
from shortlist.pipeline._memo import Memo
from shortlist.pipeline._raw import RawColumns

__all__ = ["Present", "edits_of", "present_of", "reading_of"]

_NOWHERE = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Present:
    """What is known of a catalogue until it is edited.

    Attributes:
        store: the store with this catalogue.
        raw: reads raw columns from it.
        memo: what was found of it.
    """

    store: Store
    raw: RawColumns
    memo: Memo


def present_of(store: Store) -> Store:
    """A store that stays as it is but for events that arrive; of one that cannot be edited, the store."""
    editable: Any = store
    return editable.pinned() if hasattr(type(store), "pinned") else store


def reading_of(store: Store, now: int) -> Store:
    """The store as requests of a moment see it; itself, if it only hands on what it lacks."""
    return store.reading(now) if hasattr(type(store), "reading") else store


def edits_of(store: Store) -> tuple[Store, npt.NDArray[np.int64]]:
    """The store before its item table was edited, and the positions that were, rising."""
    editable: Any = store
    return editable.edits if hasattr(type(store), "edits") else (store, _NOWHERE)
