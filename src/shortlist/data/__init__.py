"""The shapes in flight: one for models, one for serving, and the protocols between the parts."""

from shortlist.data._array_log import ArrayLog
from shortlist.data._batch import Batch
from shortlist.data._candidates import Candidates, Dropped, merge, stack
from shortlist.data._durations import duration_us
from shortlist.data._entities import Entity, Of, members_of
from shortlist.data._event_values import NULL, Attribute, as_numbers, null_of
from shortlist.data._keys import Keys
from shortlist.data._protocols import Encoder, EventLog, Flow, Index, Ranker, Recommender, Store
from shortlist.data._ragged import Array, Ragged
from shortlist.data._requests import Requests
from shortlist.data._workspace import Workspace

__all__ = [
    "NULL",
    "Array",
    "ArrayLog",
    "Attribute",
    "Batch",
    "Candidates",
    "Dropped",
    "Encoder",
    "Entity",
    "EventLog",
    "Flow",
    "Index",
    "Keys",
    "Of",
    "Ragged",
    "Ranker",
    "Recommender",
    "Requests",
    "Store",
    "Workspace",
    "as_numbers",
    "duration_us",
    "members_of",
    "merge",
    "null_of",
    "stack",
]
