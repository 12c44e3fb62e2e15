"""Work that is killed at every step of it, on systems that fork."""

import os
import signal
from collections.abc import Callable

__all__ = ["killed_at_every_step"]

_CALLS = ("fsync", "rename", "replace", "mkdir", "pwrite", "ftruncate", "unlink", "rmdir")
_MOST = 400


def killed_at_every_step(work: Callable[[], object], check: Callable[[bool], None]) -> int:
    """Do work in children, each killed (SIGKILL) one call that changes the disk later, until one ends.

    Args:
        work: what is done; nothing that needs threads, such as Polars, which a fork leaves behind.
        check: looks at what is left, and puts it back as it was; it is told whether the work ended.

    Returns:
        Number of steps.

    Raises:
        AssertionError: the work never ends.
    """
    for step in range(1, _MOST):
        done = _survives(work, step)
        check(done)
        if done:
            return step
    raise AssertionError("it never ended")


def _survives(work: Callable[[], object], step: int) -> bool:
    """Whether a child does the work before it comes to that step."""
    child = os.fork()
    if child == 0:
        _kill_at(step)
        work()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def _kill_at(step: int) -> None:
    """Let this process be killed before its ``step``-th call that changes the disk."""
    left = [step]
    for name in _CALLS:
        real = getattr(os, name)

        def counted(*arguments: object, real: Callable[..., object] = real, **named: object) -> object:
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*arguments, **named)

        setattr(os, name, counted)
