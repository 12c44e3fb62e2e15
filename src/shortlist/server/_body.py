"""Bodies of requests."""

from starlette.requests import Request

from shortlist.errors import ArgumentError
from shortlist.server._refusal import Refusal, fault_of

__all__ = ["body_of"]


async def body_of(request: Request, most: int) -> bytes:
    """The body, not read further than the limit."""
    body, said = b"", int(request.headers.get("content-length", 0))
    if said <= most:
        parts, size = list[bytes](), 0
        async for part in request.stream():
            parts.append(part)
            size += len(part)
            if size > most:
                break
        body, said = b"".join(parts), size
    if said > most:
        remedy = "ask in several requests"
        fault = ArgumentError(
            "body", received=f"over {most} bytes", expected=f"at most {most} bytes", remedy=remedy
        )
        raise Refusal(413, fault_of(fault))
    return body
