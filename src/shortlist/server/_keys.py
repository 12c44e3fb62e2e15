"""Keys that requests bring."""

from collections.abc import Awaitable, Callable
from hashlib import sha256
from hmac import compare_digest

from starlette.requests import Request
from starlette.responses import Response

from shortlist.errors import ServerError
from shortlist.server._refusal import Refusal, fault_of

__all__ = ["keyed"]

_REMEDY = "send the header Authorization: Bearer KEY, or X-Api-Key: KEY"


def keyed(
    endpoint: Callable[[Request], Awaitable[Response]], keys: tuple[str, ...]
) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint for those who bring one of the keys; for all where there are none.

    Keys are compared by their digests and in a time that does not tell how much of one was right.
    """
    if not keys:
        return endpoint
    known = [sha256(key.encode()).digest() for key in keys]

    async def answer(request: Request) -> Response:
        given = sha256(_given(request).encode()).digest()
        if not sum(compare_digest(given, one) for one in known):
            error = ServerError("key", received="no key that is known", expected="an API key", remedy=_REMEDY)
            raise Refusal(401, fault_of(error))
        return await endpoint(request)

    return answer


def _given(request: Request) -> str:
    kind, _, bearer = request.headers.get("authorization", "").partition(" ")
    return bearer.strip() if kind.lower() == "bearer" else request.headers.get("x-api-key", "")
