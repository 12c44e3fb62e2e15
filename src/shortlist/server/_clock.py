"""What the present is while serving."""

import logging
import time
from collections.abc import Callable

from shortlist.pipeline import State
from shortlist.server._options import ServerOptions

__all__ = ["live_state"]

_LOG = logging.getLogger("shortlist.server")
_OLD_DAYS = 30
_DAY_US = 86_400_000_000


def live_state(state: State, options: ServerOptions) -> State:
    """The same tables with a present that moves; see ``ServerOptions.clock``."""
    wall, end = time.time_ns() // 1000, state.store.until
    if options.clock == "log":
        return state.live(_since(end))
    days = (wall - end) // _DAY_US
    if end and days > _OLD_DAYS:
        text = "the bundle's log ended %d days ago, nothing in it is recent; --clock log starts at its end"
        _LOG.warning(text, days)
    return state.live()


def _since(start: int) -> Callable[[], int]:
    """A clock that shows ``start`` now."""
    begun = time.monotonic_ns()
    return lambda: start + (time.monotonic_ns() - begun) // 1000
