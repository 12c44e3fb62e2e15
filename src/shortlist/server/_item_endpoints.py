"""Items that come, go and are like others, from HTTP to messages and back."""

from collections.abc import Awaitable, Callable, Mapping
from time import perf_counter
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from shortlist.errors import ArgumentError, near
from shortlist.server._body import body_of
from shortlist.server._messages import (
    Deleted,
    ItemIds,
    Items,
    Similar,
    SimilarAnswer,
    SimilarItems,
    Upserted,
)
from shortlist.server._refusal import malformed
from shortlist.server._service import Service
from shortlist.server._similar import SimilarAsk, similar_lists

__all__ = ["item_endpoints"]

Read = Callable[[Request, type[Any], int], Awaitable[Any]]
Answer = Callable[[Any], Response]

_ONE = ("k", "user", "bundle")
_MANY = {"item": "items", "exclude": "exclude", "column": "columns"}


def item_endpoints(
    service: Service, read: Read, answer: Answer
) -> Mapping[str, Callable[[Request], Awaitable[Response]]]:
    """Path -> what answers it.

    Args:
        service: what is asked.
        read: reads the body of a request as a message of a type, up to a size.
        answer: makes an answer of a message.
    """
    most = service.options.max_body_bytes

    async def items(request: Request) -> Response:
        if request.method == "DELETE":
            gone: ItemIds = await read(request, ItemIds, most)
            return answer(Deleted(await service.edit(service.catalogue.delete, gone.items, "deleted")))
        wanted: Items = await read(request, Items, most)
        rows = [(one.item, one.columns) for one in wanted.items]
        return answer(Upserted(await service.edit(service.catalogue.upsert, rows, "upserted")))

    async def similar(request: Request) -> Response:
        start = perf_counter()
        if request.method == "GET":
            await body_of(request, most)
            message = _of_query(request)
        else:
            message = await read(request, Similar, most)
        ask = SimilarAsk.of(message, service.options.max_users)
        version, lists = await service.asked_alone(message.bundle, similar_lists, ask)
        return answer(_answered(version, lists, start))

    return {"/items": items, "/similar": similar}


def _answered(version: str, lists: list[SimilarItems], start: float) -> SimilarAnswer:
    return SimilarAnswer(version, lists, round((perf_counter() - start) * 1e3, 3))


def _of_query(request: Request) -> Similar:
    """The message that the query of an address says."""
    given = request.query_params
    for name in given:
        if name not in (*_ONE, *_MANY):
            known = (*_MANY, *_ONE)
            raise ArgumentError(
                "query", received=repr(name), expected="known names", remedy=near(name, known)
            )
    plain: dict[str, Any] = {name: given[name] for name in _ONE if name in given}
    plain |= {into: given.getlist(name) for name, into in _MANY.items() if name in given}
    try:
        return msgspec.convert(plain, Similar, strict=False)
    except msgspec.ValidationError as error:
        raise malformed(error, msgspec.json.encode(plain), Similar) from error
