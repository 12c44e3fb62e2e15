"""Retrieval models: one vector for a query, one for an item, near to each other when they match."""

from shortlist.models.retrieval._bert4rec import BERT4Rec
from shortlist.models.retrieval._gru4rec import GRU4Rec
from shortlist.models.retrieval._hstu import HSTU
from shortlist.models.retrieval._mf import MF
from shortlist.models.retrieval._multi_head import MultiHead
from shortlist.models.retrieval._options import TableOptions, TowerOptions
from shortlist.models.retrieval._sas_rec import ESASRec, SASRec
from shortlist.models.retrieval._sequence_model import SequenceModel, SequenceOptions
from shortlist.models.retrieval._text_tower import TextPooling, TextTower
from shortlist.models.retrieval._tower import Tower
from shortlist.models.retrieval._two_tower import TwoTower
from shortlist.models.retrieval._youtube import YouTubeDNN

__all__ = [
    "HSTU",
    "MF",
    "BERT4Rec",
    "ESASRec",
    "GRU4Rec",
    "MultiHead",
    "SASRec",
    "SequenceModel",
    "SequenceOptions",
    "TableOptions",
    "TextPooling",
    "TextTower",
    "Tower",
    "TowerOptions",
    "TwoTower",
    "YouTubeDNN",
]
