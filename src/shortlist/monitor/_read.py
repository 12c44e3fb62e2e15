"""Reading a report from a running server."""

from http.client import HTTPException
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from shortlist.errors import ArgumentError, ServerError
from shortlist.monitor._exposition import parsed
from shortlist.monitor._report import MonitorReport

__all__ = ["read_server"]


def read_server(url: str, *, api_key: str | None = None, timeout_s: float = 10.0) -> MonitorReport:
    """What a running server measures, from its ``/metrics``.

    Args:
        url: address of the server, such as ``http://localhost:8000``.
        api_key: a key, where the server asks for one.
        timeout_s: how long to wait for it.

    Raises:
        ArgumentError: the address is none of HTTP.
        ServerError: nobody answers there, or the answer is a refusal.
        DataError: what answers is no server of shortlist.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise ArgumentError(
            "monitor url", received=repr(url), expected="an address such as http://localhost:8000"
        )
    address = f"{url.rstrip('/').removesuffix('/metrics')}/metrics"
    headers = {} if api_key is None else {"X-Api-Key": api_key}
    try:
        with urlopen(Request(address, headers=headers), timeout=timeout_s) as answer:  # noqa: S310 - checked
            text = answer.read().decode("utf-8", errors="replace")
    except HTTPError as error:
        needs = "give a key of the server's" if error.code == 401 else ""
        raise ServerError(address, received=f"status {error.code}", expected="200", remedy=needs) from error
    except (URLError, OSError, HTTPException) as error:
        raise ServerError(
            address,
            received=str(error),
            expected="a running server",
            remedy="start it with shortlist serve, or mend the address",
        ) from error
    series = parsed(text, address)
    if not any(name.startswith("shortlist_") for name, _, _ in series):
        raise ServerError(address, received="metrics of something else", expected="those of shortlist serve")
    return MonitorReport.of(url, series)
