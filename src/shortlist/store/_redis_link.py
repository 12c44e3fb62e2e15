"""A connection to Redis that does not keep a request waiting."""

from collections import Counter
from collections.abc import Callable
from threading import Lock
from time import monotonic
from typing import Any, TypeVar, final

from shortlist.errors import DataError
from shortlist.extras import need

__all__ = ["RedisLink"]

Answer = TypeVar("Answer")


@final
class RedisLink:
    """Asks a server within a time, and after a failure leaves it alone for a while.

    A broken connection is made anew and asked once more.

    Args:
        address: such as ``redis://127.0.0.1:6379/0``, ``rediss://`` for TLS, ``unix://`` for a socket.
        timeout_ms: most time of a trip, and of a connection.
        retry_ms: time after a failure in which nothing is asked.
        clock: seconds that only grow.

    Raises:
        MissingExtraError: the package is not installed.
        DataError: it is no address of a Redis server.
    """

    def __init__(
        self, address: str, timeout_ms: int, retry_ms: int, clock: Callable[[], float] = monotonic
    ) -> None:
        self._redis = need("redis", use="a store in Redis")
        once = need("redis.retry", use="a store in Redis").Retry(
            need("redis.backoff", use="a store in Redis").NoBackoff(),
            1,
            (self._redis.ConnectionError,),
        )
        seconds = timeout_ms / 1000
        try:
            self.client: Any = self._redis.Redis.from_url(
                address, socket_timeout=seconds, socket_connect_timeout=seconds, retry=once
            )
        except ValueError as error:
            raise DataError(
                "store in Redis",
                received=f"{address!r}: {error}",
                expected="an address such as redis://127.0.0.1:6379/0",
            ) from error
        self.address = address
        self.trips = 0
        self.failures: Counter[str] = Counter()
        self._retry_s, self._clock, self._down_until = retry_ms / 1000, clock, float("-inf")
        self._lock = Lock()

    def ask(self, question: Callable[[Any], Answer], *, wait: bool = True) -> Answer | None:
        """What the server answers; None when it does not, which is counted with its reason.

        Args:
            question: is given the client.
            wait: whether to ask even while the server is left alone.
        """
        if not wait and self._clock() < self._down_until:
            self._failed("down")
            return None
        try:
            return self._asked(question)
        except (self._redis.RedisError, OSError) as error:
            self._down_until = self._clock() + self._retry_s
            self._failed(self._reason(error))
            return None

    def must(self, question: Callable[[Any], Answer], expected: str, remedy: str | None = None) -> Answer:
        """What the server answers.

        Raises:
            DataError: it does not.
        """
        try:
            return self._asked(question)
        except (self._redis.RedisError, OSError) as error:
            self._failed(self._reason(error))
            raise DataError(
                f"Redis at {self.address.rpartition('@')[2]}",
                received=f"{type(error).__name__}: {error}",
                expected=expected,
                remedy=remedy,
            ) from error

    def count(self, reason: str) -> None:
        """Count a failure of another kind."""
        self._failed(reason)

    def close(self) -> None:
        """Let go of the connections."""
        self.client.close()

    def _asked(self, question: Callable[[Any], Answer]) -> Answer:
        with self._lock:
            self.trips += 1
        answer = question(self.client)
        self._down_until = float("-inf")
        return answer

    def _failed(self, reason: str) -> None:
        with self._lock:
            self.failures[reason] += 1

    def _reason(self, error: Exception) -> str:
        if isinstance(error, self._redis.TimeoutError | TimeoutError):
            return "timeout"
        return "connection" if isinstance(error, self._redis.ConnectionError | OSError) else "refused"
