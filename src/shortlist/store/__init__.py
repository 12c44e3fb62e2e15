"""The feature store: what users, items and events were, at any time."""

from shortlist.store._columns import to_array, to_series
from shortlist.store._embedded import EmbeddedStore

__all__ = ["EmbeddedStore", "to_array", "to_series"]
