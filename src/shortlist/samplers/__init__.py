"""Negative samplers: which items a batch's positives are compared with, and how likely each was drawn."""

from shortlist.samplers._negatives import Negatives
from shortlist.samplers._population import Population
from shortlist.samplers._sampler import Sampler
from shortlist.samplers._sources import InBatch, Mixed, Source, Uniform

__all__ = ["InBatch", "Mixed", "Negatives", "Population", "Sampler", "Source", "Uniform"]
