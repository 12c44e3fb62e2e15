"""What the server reads and writes, as typed messages; the OpenAPI document is made from them."""

from typing import Annotated, Any, Literal

import msgspec

from shortlist.pipeline import StageTrace

__all__ = [
    "Answer",
    "Deleted",
    "Event",
    "Events",
    "Failure",
    "Fault",
    "Filter",
    "Health",
    "Item",
    "ItemIds",
    "Items",
    "Kept",
    "Recommend",
    "Recommended",
    "Similar",
    "SimilarAnswer",
    "SimilarItems",
    "Upserted",
    "UserItems",
]

Id = str | int
Count = Annotated[int, msgspec.Meta(ge=1, le=1000)]
Name = Annotated[str, msgspec.Meta(max_length=128)]
Weight = Annotated[float, msgspec.Meta(gt=0, le=1e9)]
Value = str | int | float | bool | None
Op = Literal["==", "!=", "<", "<=", ">", ">=", "in", "not in"]


class Filter(msgspec.Struct, forbid_unknown_fields=True):
    """Keep only items whose column passes: ``{"column": "stock", "op": ">", "value": 0}``."""

    column: str
    op: Op
    value: Value | list[Value]


class Recommend(msgspec.Struct, forbid_unknown_fields=True):
    """Ask for recommendations for one user (``user``) or many (``users``); null is an anonymous visitor.

    ``recent`` (items just seen, oldest first) and ``exclude`` (items not to be shown) are a list of ids for
    every user asked for, or a list of lists, one a user. ``context`` holds, by name, what is known only now:
    with ``user`` the value itself, with ``users`` one value for all or a list of one a user. ``columns`` are
    item columns to return. ``time`` is ISO 8601 or a number of seconds since 1970; now by default. Names in
    ``context`` that no model reads are ignored. ``bundle`` asks one of several bundles by name.
    """

    user: Id | None = None
    users: list[Id | None] | None = None
    k: Count = 10
    context: dict[str, Value | list[Value | list[Value]]] = {}
    recent: list[Id | list[Id]] = []
    exclude: list[Id | list[Id]] = []
    filters: list[Filter] = []
    columns: list[str] = []
    trace: bool = False
    request_id: Name | None = None
    time: str | int | float | None = None
    bundle: Name | None = None


class Recommended(msgspec.Struct, omit_defaults=True):
    """One recommended item; ``rank`` starts at 1, ``columns`` holds those asked for."""

    item: Id
    rank: int
    score: float
    source: str
    columns: dict[str, Any] = {}


class UserItems(msgspec.Struct, omit_defaults=True):
    """The list of one user, best first; ``bundle`` names who made it where several answer one request."""

    user: Id | None
    items: list[Recommended]
    bundle: str | None = None


class Answer(msgspec.Struct, omit_defaults=True):
    """Lists in the order of the users asked for; ``trace`` says what each stage did, where asked for."""

    request_id: str
    bundle: str
    results: list[UserItems]
    latency_ms: float
    trace: list[StageTrace] | None = None


class Event(msgspec.Struct, forbid_unknown_fields=True):
    """A user did something with an item that says it is wanted.

    ``time`` is ISO 8601 or a number of seconds since 1970, now by default; ``weight`` says how strongly.
    ``user`` null is an anonymous visitor, whose events count for the item only. ``request_id`` is that of the
    answer that showed the item, so that the logs of answers and events can be joined.
    """

    user: Id | None
    item: Id
    time: str | int | float | None = None
    weight: Weight = 1.0
    request_id: Name | None = None


class Events(msgspec.Struct, forbid_unknown_fields=True):
    """Events to append; they are durable when the answer arrives, and the next request sees them."""

    events: list[Event]


class Kept(msgspec.Struct):
    """How many events were kept, and how many of them are of a known item."""

    kept: int
    known_items: int


class Item(msgspec.Struct, forbid_unknown_fields=True):
    """An item to add or to change: its id, and values by item column.

    Columns that are not given stay as they are, or are null for a new item. Times are ISO 8601 or seconds
    since 1970. An item that was deleted is shown again.
    """

    item: Id
    columns: dict[str, Value | list[Value]] = {}


class Items(msgspec.Struct, forbid_unknown_fields=True):
    """Items to add or to change, all or none; durable when the answer arrives, found by the next request."""

    items: list[Item]


class ItemIds(msgspec.Struct, forbid_unknown_fields=True):
    """Items to take out, by id: nothing shows them any more. Unknown ids are ordinary."""

    items: list[Id]


class Upserted(msgspec.Struct):
    """How many items were added or changed."""

    upserted: int


class Deleted(msgspec.Struct):
    """How many items were taken out, those that were not there among them."""

    deleted: int


class Similar(msgspec.Struct, forbid_unknown_fields=True):
    """Ask for items that are like an item (``item``) or several (``items``), by their vectors.

    ``user`` is for whom: what the pipeline drops for them, such as what was seen, is left out. ``exclude``
    are items not to be shown, ``columns`` item columns to return. ``bundle`` asks one of several by name.
    """

    item: Id | None = None
    items: list[Id] | None = None
    k: Count = 10
    user: Id | None = None
    exclude: list[Id] = []
    filters: list[Filter] = []
    columns: list[str] = []
    bundle: Name | None = None


class SimilarItems(msgspec.Struct):
    """The items that are like one, most alike first; ``score`` is the cosine of their vectors.

    ``known`` is false for an item that has no vector; its list is empty.
    """

    item: Id
    known: bool
    items: list[Recommended]


class SimilarAnswer(msgspec.Struct):
    """Lists in the order of the items asked for."""

    bundle: str
    results: list[SimilarItems]
    latency_ms: float


class Health(msgspec.Struct, omit_defaults=True):
    """``live`` or ``ready``; once ready the version of the bundle, by name where several serve."""

    status: Literal["live", "ready"]
    bundle: str | None = None
    bundles: dict[str, str] = {}


class Fault(msgspec.Struct, omit_defaults=True):
    """What went wrong and where, what was received and expected, and what to do."""

    where: str
    message: str
    received: str | None = None
    expected: str | None = None
    remedy: str | None = None
    request_id: str | None = None


class Failure(msgspec.Struct):
    """The body of every answer that is not a success."""

    error: Fault
