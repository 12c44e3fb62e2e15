"""Work that may wait."""

import os
import sys
import threading

__all__ = ["give_way"]


def give_way() -> None:
    """Let the threads that answer go before this one, where the system ranks threads (Linux)."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)
