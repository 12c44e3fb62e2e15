"""Retrieval models: one vector for a query, one for an item, near to each other when they match."""

from shortlist.models.retrieval._mf import MF
from shortlist.models.retrieval._options import TableOptions, TowerOptions
from shortlist.models.retrieval._tower import Tower
from shortlist.models.retrieval._two_tower import TwoTower
from shortlist.models.retrieval._youtube import YouTubeDNN

__all__ = ["MF", "TableOptions", "Tower", "TowerOptions", "TwoTower", "YouTubeDNN"]
