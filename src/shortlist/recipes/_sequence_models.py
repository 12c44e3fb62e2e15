"""The named models of the sequence benchmark, with settings that suit the size of the data."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from shortlist.losses import gbce
from shortlist.models.classical import ItemKNN, Popularity
from shortlist.models.retrieval import HSTU, BERT4Rec, ESASRec, GRU4Rec, SASRec, SequenceOptions
from shortlist.samplers import Uniform, Unigram
from shortlist.schema import Schema
from shortlist.train import NextItem

__all__ = ["BASELINES", "NEURAL", "Settings", "settings_for"]

_LONG = 20  # mean items a user from which on sequences count as long


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
    dropout: float = 0.2
    """Share set to zero in training."""
    max_length: int = 50
    """Newest items of a user that are read."""
    negatives: int = 512
    """Sampled negatives a step, shared by all positions of the batch."""
    batch_size: int = 128
    """Sequences a step."""
    lr: float = 2e-2
    """Step size of the item vectors, each of which is touched rarely: with 0.001 it takes ten times the
    epochs."""
    dense_lr: float = 1e-3
    """Step size of everything else."""
    epochs: int = 60
    """Most epochs."""
    patience: int = 5
    """Epochs without a better NDCG@10 on the last but one item after which training stops."""


def settings_for(*, events: int, users: int, items: int) -> Settings:
    """One block, dropout 0.2 and 50 items for short sequences; two, 0.1 and 200 for long ones."""
    if events / max(users, 1) < _LONG:
        return Settings(items)
    return Settings(items, blocks=2, dropout=0.1, max_length=200)


def _sas_rec(schema: Schema, use: Settings, seed: int) -> tuple[Any, NextItem]:
    return SASRec(schema, **_attention(use), expansion=1, seed=seed), _sampled(use)


def _esas_rec(schema: Schema, use: Settings, seed: int) -> tuple[Any, NextItem]:
    return ESASRec(schema, **_attention(use), expansion=4, seed=seed), _sampled(use)


def _gsas_rec(schema: Schema, use: Settings, seed: int) -> tuple[Any, NextItem]:
    loss = partial(gbce, catalogue=use.items, t=0.75)
    model = SASRec(schema, **_attention(use, tied=False), expansion=1, seed=seed)
    return model, NextItem(Uniform(256), loss, logq=False)


def _gru4rec(schema: Schema, use: Settings, seed: int) -> tuple[Any, NextItem]:
    options = SequenceOptions(max_length=use.max_length)
    model = GRU4Rec(schema, dim=use.dim, hidden=2 * use.dim, dropout=use.dropout, options=options, seed=seed)
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
        "options": SequenceOptions(max_length=use.max_length, tied=tied),
    }


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
