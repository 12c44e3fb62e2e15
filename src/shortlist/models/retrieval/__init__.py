"""Retrieval models: one vector for a query, one for an item, near to each other when they match."""

from shortlist.models.retrieval._tower import Tower
from shortlist.models.retrieval._two_tower import TwoTower

__all__ = ["Tower", "TwoTower"]
