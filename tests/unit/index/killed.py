"""A program that is killed at every step of a publication and of an edit; run by test_versions.py.

It forks a child for each step. The child counts the calls that change the disk, and kills itself (SIGKILL) at
one of them; the parent looks at what is left. It prints, for each kind of work, how many steps there were.
"""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from shortlist.index import LiveIndex, build, current, load, publish, versions

VECTORS = np.eye(4, dtype=np.float32)
SAY = 200


def killing_at(step: int) -> None:
    """Let this process be killed before its ``step``-th call that changes the disk."""
    left = [step]
    for name in ("fsync", "rename", "replace", "mkdir", "pwrite", "ftruncate", "unlink"):
        real = getattr(os, name)

        def counted(*arguments: object, real: Callable[..., object] = real, **named: object) -> object:
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*arguments, **named)

        setattr(os, name, counted)


def survives(work: Callable[[], None], step: int) -> bool:
    """Whether a child does the work before it comes to that step."""
    child = os.fork()
    if child == 0:
        killing_at(step)
        work()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def steps_of(work: Callable[[], None], check: Callable[[bool], None]) -> int:
    """Kill the work at every step; number of steps until it ended."""
    for step in range(1, SAY):
        done = survives(work, step)
        check(done)
        if done:
            return step
    raise AssertionError("it never ended")


def main(folder: Path) -> None:
    small, large = build(VECTORS[:2], [0, 1]), build(VECTORS, range(4))
    publish(small, folder)

    def published(done: bool) -> None:
        name, index = current(folder), load(folder)
        assert name in versions(folder)
        assert (len(index) == 4) if done else (len(index) in (2, 4))
        assert index.search(VECTORS[:1], 1)[0].tolist() == [[0]]
        publish(small, folder, keep=2)

    def edited(done: bool) -> None:
        live = LiveIndex(folder).open()
        assert (len(live) == 3) if done else (len(live) in (2, 3))
        live.delete([9])
        assert LiveIndex(folder).open().current.keys.values.tolist() == [0, 1]

    def rebuilt(done: bool) -> None:
        live = LiveIndex(folder).open()
        assert live.current.keys.values.tolist() == [0, 1, 2]
        assert live.version == max(versions(folder)) or not done

    print(steps_of(lambda: void(publish(large, folder, keep=2)), published))
    publish(small, folder)
    print(steps_of(lambda: LiveIndex(folder).open().upsert([9], VECTORS[2:3]), edited))
    LiveIndex(folder).open().upsert([2], VECTORS[2:3])
    print(steps_of(lambda: void(LiveIndex(folder).open().rebuild()), rebuilt))


def void(_: object) -> None:
    """Nothing of it."""


if __name__ == "__main__":
    main(Path(sys.argv[1]))
