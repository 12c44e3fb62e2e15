"""Losses: pure functions of scores or vectors."""

from shortlist.losses._binary import binary_cross_entropy
from shortlist.losses._softmax import sampled_softmax

__all__ = ["binary_cross_entropy", "sampled_softmax"]
