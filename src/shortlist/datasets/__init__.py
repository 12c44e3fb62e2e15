"""Data sets: readers of published ones, and generators whose truth is known."""

from shortlist.datasets._aliccp import aliccp
from shortlist.datasets._movielens import movielens_100k
from shortlist.datasets._online_retail import online_retail
from shortlist.datasets._planted import Planted, Truth, planted

__all__ = ["Planted", "Truth", "aliccp", "movielens_100k", "online_retail", "planted"]
