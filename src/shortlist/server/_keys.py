"""Keys that requests bring."""

from collections.abc import Awaitable, Callable, Mapping
from hashlib import sha256
from hmac import compare_digest

from starlette.requests import Request
from starlette.responses import Response

from shortlist.errors import ServerError
from shortlist.server._refusal import Refusal, fault_of

__all__ = ["check_key", "keyed"]

_REMEDY = "send the header Authorization: Bearer KEY, or X-Api-Key: KEY"


def check_key(headers: Mapping[str, str], keys: tuple[str, ...]) -> None:
    """Refuse a request that brings none of the keys; where there are none, all are welcome.

    Keys are compared by their digests and in a time that does not tell how much of one was right.

    Args:
        headers: of the request, their names in lower case.
        keys: those that are known.

    Raises:
        Refusal: no key, or an unknown one.
    """
    if not keys:
        return
    kind, _, bearer = headers.get("authorization", "").partition(" ")
    given = bearer.strip() if kind.lower() == "bearer" else headers.get("x-api-key", "")
    digest = sha256(given.encode()).digest()
    if not sum(compare_digest(digest, sha256(key.encode()).digest()) for key in keys):
        error = ServerError("key", received="no key that is known", expected="an API key", remedy=_REMEDY)
        raise Refusal(401, fault_of(error))


def keyed(
    endpoint: Callable[[Request], Awaitable[Response]], keys: tuple[str, ...]
) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint for those who bring one of the keys."""

    async def answer(request: Request) -> Response:
        check_key(request.headers, keys)
        return await endpoint(request)

    return answer if keys else endpoint
