"""Negative samplers: which items a batch's positives are compared with, and how likely each was drawn."""

from shortlist.samplers._by_popularity import LogUniform, Unigram
from shortlist.samplers._device_sampler import DeviceSampler, sampler_for
from shortlist.samplers._known import KnownPairs
from shortlist.samplers._mixed import Mixed, own_sources, shared_sources
from shortlist.samplers._negatives import Negatives
from shortlist.samplers._own import Exposed, Hardest, Mined
from shortlist.samplers._population import Population
from shortlist.samplers._queue import Queue, queue_of
from shortlist.samplers._sampler import Sampler
from shortlist.samplers._source import AnySource, OwnSource, Rows, Source
from shortlist.samplers._sources import Everything, InBatch, Nothing, Uniform
from shortlist.samplers._streaming import Streaming

__all__ = [
    "AnySource",
    "DeviceSampler",
    "Everything",
    "Exposed",
    "Hardest",
    "InBatch",
    "KnownPairs",
    "LogUniform",
    "Mined",
    "Mixed",
    "Negatives",
    "Nothing",
    "OwnSource",
    "Population",
    "Queue",
    "Rows",
    "Sampler",
    "Source",
    "Streaming",
    "Uniform",
    "Unigram",
    "own_sources",
    "queue_of",
    "sampler_for",
    "shared_sources",
]
