"""Memory that training frees and soon needs again."""

import ctypes
import platform

__all__ = ["keep_freed_memory"]

_MMAP_MAX, _TRIM_THRESHOLD = -4, -1


def keep_freed_memory() -> bool:
    """Let this process keep the memory it frees, for reuse, instead of returning it to the system.

    A training step allocates and frees the same large temporaries again and again. By default the C library
    returns each to the system and receives it back page by page, which costs more than the arithmetic.
    The setting holds for the whole process until it ends; nothing calls this but a training loop.

    Returns:
        Whether the C library took the setting: True on Linux with glibc, False elsewhere.

    >>> isinstance(keep_freed_memory(), bool)
    True
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    libc = ctypes.CDLL(None)
    return bool(libc.mallopt(_MMAP_MAX, 0)) and bool(libc.mallopt(_TRIM_THRESHOLD, 2**31 - 1))
