"""The shapes in flight: one for models, one for serving, and the protocols between the parts."""

from shortlist.data._array_log import ArrayLog, Entity
from shortlist.data._batch import Batch
from shortlist.data._candidates import Candidates, Dropped, merge
from shortlist.data._durations import duration_us
from shortlist.data._keys import Keys
from shortlist.data._protocols import Encoder, EventLog, Flow, Index, Ranker, Recommender, Store
from shortlist.data._ragged import Array, Ragged
from shortlist.data._requests import Requests

__all__ = [
    "Array",
    "ArrayLog",
    "Batch",
    "Candidates",
    "Dropped",
    "Encoder",
    "Entity",
    "EventLog",
    "Flow",
    "Index",
    "Keys",
    "Ragged",
    "Ranker",
    "Recommender",
    "Requests",
    "Store",
    "duration_us",
    "merge",
]
