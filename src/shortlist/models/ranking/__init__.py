"""Ranking models: the chance that a candidate is taken."""

from shortlist.models.ranking._dcn import DCN

__all__ = ["DCN"]
