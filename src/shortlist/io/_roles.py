"""Roles: which column says who, what, when, what kind of event, and how much."""

from collections.abc import Callable, Iterable, Mapping

import polars as pl

from shortlist.errors import ArgumentError, SchemaError, near
from shortlist.io._types import TIME_DTYPE
from shortlist.schema import Schema, Tags

__all__ = ["ROLES", "ROLE_TAGS", "check_types", "guess_roles", "is_log", "known_roles", "roles_of"]

ROLES = ("user", "item", "time", "event", "value")

ROLE_TAGS: Mapping[str, tuple[str, ...]] = {
    "user": (Tags.USER, Tags.ID, Tags.CATEGORICAL),
    "item": (Tags.ITEM, Tags.ID, Tags.CATEGORICAL),
    "time": (Tags.TIME,),
    "event": ("event",),
    "value": ("value",),
}

# Lower case, without separators, the likeliest first.
_USUAL: Mapping[str, tuple[str, ...]] = {
    "user": (
        *("userid", "customerid", "visitorid", "memberid", "clientid", "accountid", "householdid", "uid"),
        *("useridx", "custid", "user", "customer", "visitor", "member", "client", "household", "buyer"),
        *("reviewerid", "reviewer", "sessionid", "session"),
    ),
    "item": (
        *("itemid", "productid", "movieid", "stockcode", "articleid", "sku", "skuid", "trackid", "songid"),
        *("gameid", "bookid", "wineid", "contentid", "videoid", "newsid", "adid", "asin", "isbn", "iid"),
        *(
            "itemidx",
            "item",
            "product",
            "movie",
            "article",
            "track",
            "song",
            "game",
            "book",
            "content",
            "video",
        ),
    ),
    "time": (
        *("timestamp", "eventtime", "datetime", "invoicedate", "eventtimestamp", "transactiontimestamp"),
        *(
            "createdat",
            "ts",
            "time",
            "date",
            "orderdate",
            "eventdate",
            "purchasedate",
            "datestamp",
            "playdate",
        ),
        *("unixtime", "unixreviewtime", "occurredat", "transactiondate", "created"),
    ),
    "event": ("eventtype", "event", "action", "actiontype", "interactiontype", "behavior", "behaviortype"),
    "value": ("rating", "quantity", "value", "score", "stars", "qty", "amount", "count", "playcount"),
}


def guess_roles(columns: Iterable[str] | Mapping[str, pl.DataType]) -> dict[str, str]:
    """Find the roles by the usual names of columns; case and separators do not matter.

    A log needs a user and an item; a table of items or users has only one of them. In a table that has
    neither usual name, a column ``id`` cannot be guessed: the role must be given.

    Args:
        columns: names of the columns; with types (a frame's schema), the only column of times is the time,
            however it is named.

    Raises:
        SchemaError: neither a user nor an item column is recognised.

    >>> guess_roles(["InvoiceNo", "StockCode", "Quantity", "InvoiceDate", "CustomerID"])
    {'user': 'CustomerID', 'item': 'StockCode', 'time': 'InvoiceDate', 'value': 'Quantity'}
    """
    names = list(columns)
    plain = {"".join(c for c in name.lower() if c.isalnum()): name for name in reversed(names)}
    roles = {
        role: next(plain[usual] for usual in _USUAL[role] if usual in plain)
        for role in ROLES
        if any(usual in plain for usual in _USUAL[role])
    }
    if "user" not in roles and "item" not in roles:
        raise SchemaError(
            "roles",
            received=f"columns {names}",
            expected="names that show the user and the item, such as user_id and item_id",
            remedy='say which they are: roles={"user": ..., "item": ..., "time": ...}',
        )
    times = (
        [name for name, dtype in columns.items() if dtype.is_temporal()]
        if isinstance(columns, Mapping)
        else []
    )
    if "time" not in roles and len(times) == 1:
        roles["time"] = times[0]
    if not is_log(roles):
        roles = {role: name for role, name in roles.items() if role in ("user", "item")}
    return roles


def roles_of(schema: Schema) -> dict[str, str]:
    """The roles that the tags of a schema give."""
    found = {role: schema.tagged(*tags[:2]).names for role, tags in ROLE_TAGS.items()}
    return {role: names[0] for role, names in found.items() if names}


def known_roles(roles: Mapping[str, str], columns: Iterable[str], *, where: str) -> dict[str, str]:
    """Check given roles against the columns there are.

    Raises:
        ArgumentError: a role is unknown, or neither a user nor an item is named.
        SchemaError: a column is missing, or has two roles.
    """
    names = list(columns)
    for role, name in roles.items():
        if role not in ROLES:
            raise ArgumentError("roles", received=role, expected=f"one of {ROLES}", remedy=near(role, ROLES))
        if name not in names:
            raise SchemaError(
                where,
                received=f"no column {name!r}",
                expected=f"the column of the role {role!r}",
                remedy=near(name, names),
            )
    if not {"user", "item"} & roles.keys():
        raise ArgumentError("roles", received=dict(roles), expected="a user or an item column, or both")
    if len(set(roles.values())) < len(roles):
        raise SchemaError("roles", received=dict(roles), expected="a column of its own for every role")
    return {role: roles[role] for role in ROLES if role in roles}


def is_log(roles: Mapping[str, str]) -> bool:
    """Whether the rows are events; otherwise they describe items or users."""
    return {"user", "item"} <= roles.keys()


def check_types(roles: Mapping[str, str], frame: pl.Schema, *, where: str) -> None:
    """Check that every role has a column of a type that can hold it.

    Raises:
        SchemaError: a column is of a wrong type.
    """
    for role, name in roles.items():
        dtype, (expected, fits) = frame[name], _TYPES[role]
        if not fits(dtype):
            raise SchemaError(
                where,
                received=f"column {name!r} of type {dtype}",
                expected=f"{expected} for the role {role!r}",
                remedy="name another column, or convert this one",
            )


def _is_id(dtype: pl.DataType) -> bool:
    return dtype.is_integer() or dtype.is_float() or dtype == pl.String()


_TYPES: Mapping[str, tuple[str, Callable[[pl.DataType], bool]]] = {
    "user": ("whole numbers or text", _is_id),
    "item": ("whole numbers or text", _is_id),
    "time": ("times, text or numbers", lambda dtype: _is_id(dtype) or dtype == TIME_DTYPE),
    "event": (
        "text or whole numbers",
        lambda dtype: dtype.is_integer() or dtype in (pl.String(), pl.Boolean()),
    ),
    "value": ("numbers", lambda dtype: dtype.is_numeric() or dtype == pl.Boolean()),
}
