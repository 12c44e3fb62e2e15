"""The named models of the sequence benchmark, with settings that suit the size of the data."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from shortlist.losses import gbce
from shortlist.models.classical import ItemKNN, Popularity
from shortlist.models.retrieval import HSTU, BERT4Rec, ESASRec, GRU4Rec, SASRec, SequenceOptions
from shortlist.samplers import Uniform, Unigram
from shortlist.schema import Schema
from shortlist.train import NextItem

__all__ = ["BASELINES", "NEURAL", "USUAL", "Settings", "settings_for"]

_LONG = 20  # mean items a user from which on sequences count as long
_POSITIONS = 1024  # wanted in a step
_SEQUENCES = (16, 128)  # a step, from and to
_STEPS, _FEWEST = 64, 4  # steps wanted in an epoch of a small file, and the fewest sequences a step for it
_STEP = 1e-3  # by which an item vector moves in a step on average, as Adam moves everything else
_LONGEST_STEP = 2e-2


@dataclass(frozen=True, slots=True)
class Settings:
    """How the neural models of one run are built and trained.

    >>> settings_for(events=200_000, users=20_000, items=12_000).max_length
    50
    """

    items: int
    """Items of the catalogue."""
    dim: int = 64
    """Width of the vectors."""
    blocks: int = 1
    """Blocks of attention."""
    heads: int = 1
    """Attention heads."""
    dropout: float = 0.5
    """Share set to zero in training."""
    max_length: int = 50
    """Newest items of a user that are read."""
    negatives: int = 512
    """Sampled negatives a step, shared by all positions of the batch."""
    batch_size: int = 128
    """Sequences a step."""
    lr: float = _LONGEST_STEP
    """Step size of the item vectors, each of which moves only in the steps that touch it."""
    dense_lr: float = _STEP
    """Step size of everything else."""
    ema: float = 0.998
    """Decay a step of the average of the weights, which is what is validated and measured."""
    epochs: int = 200
    """Most epochs."""
    patience: int = 10
    """Epochs without a better NDCG@10 on the last but one item after which training stops."""


def settings_for(*, events: int, users: int, items: int) -> Settings:
    """What suits the size of the data.

    Sequences of fewer than 20 items on average are read 50 back by one block with dropout 0.5, longer ones
    200 back by two blocks with 0.2. A step is of so many sequences that they have some 1,024 items: a power
    of two from 16 to 128, and less, down to 4, if an epoch has not 64 steps so. As a step draws ``negatives``
    of the items, item vectors are given steps of 0.001 times ``items / negatives``, at most 0.02.
    """
    mean = events / max(users, 1)
    made = Settings(items, batch_size=_batch_size(users, mean))
    made = replace(made, lr=min(max(items / made.negatives, 1.0) * _STEP, _LONGEST_STEP))
    return made if mean < _LONG else replace(made, blocks=2, dropout=0.2, max_length=200)


def _batch_size(users: int, mean: float) -> int:
    fewest, most = _SEQUENCES
    wanted: int = 2 ** round(math.log2(_POSITIONS / max(mean, 1.0)))
    size = min(max(wanted, fewest), most)
    while size > _FEWEST and users < _STEPS * size:
        size //= 2
    return size


def _sas_rec(schema: Schema, use: Settings, seed: int) -> tuple[Any, NextItem]:
    return SASRec(schema, **_attention(use), expansion=4, seed=seed), _sampled(use)


def _esas_rec(schema: Schema, use: Settings, seed: int) -> tuple[Any, NextItem]:
    return ESASRec(schema, **_attention(use), expansion=4, seed=seed), _sampled(use)


def _gsas_rec(schema: Schema, use: Settings, seed: int) -> tuple[Any, NextItem]:
    loss = partial(gbce, catalogue=use.items, t=0.75)
    model = SASRec(schema, **_attention(use, tied=False), expansion=1, seed=seed)
    return model, NextItem(Uniform(256), loss, logq=False)


def _gru4rec(schema: Schema, use: Settings, seed: int) -> tuple[Any, NextItem]:
    hidden = 2 * use.dim
    model = GRU4Rec(schema, dim=use.dim, hidden=hidden, dropout=use.dropout, options=_read(use), seed=seed)
    return model, NextItem(Unigram(use.negatives, 0.5))


def _bert4rec(schema: Schema, use: Settings, seed: int) -> tuple[Any, NextItem]:
    return BERT4Rec(schema, **_attention(use), seed=seed), _sampled(use)


def _hstu(schema: Schema, use: Settings, seed: int) -> tuple[Any, NextItem]:
    return HSTU(schema, **_attention(use), seed=seed), _sampled(use)


def _attention(use: Settings, *, tied: bool = True) -> dict[str, Any]:
    return {
        "dim": use.dim,
        "blocks": use.blocks,
        "heads": use.heads,
        "dropout": use.dropout,
        "options": _read(use, tied=tied),
    }


def _read(use: Settings, *, tied: bool = True) -> SequenceOptions:
    return SequenceOptions(max_length=use.max_length, tied=tied)


def _sampled(use: Settings) -> NextItem:
    return NextItem(Uniform(use.negatives))


NEURAL: Mapping[str, Callable[[Schema, Settings, int], tuple[Any, NextItem]]] = {
    "sasrec": _sas_rec,
    "esasrec": _esas_rec,
    "gsasrec": _gsas_rec,
    "gru4rec": _gru4rec,
    "bert4rec": _bert4rec,
    "hstu": _hstu,
}
BASELINES: Mapping[str, Any] = {"popular": Popularity(), "item-knn": ItemKNN(k=200, shrink=10.0)}
USUAL = (*BASELINES, "sasrec", "esasrec")
"""What is run where no models are named: the best known, each with time enough to be trained to its end."""
