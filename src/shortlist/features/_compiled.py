"""Compiled loops where they pay: in frames of many rows, where Numba is installed.

What they give is what the other way gives, to the last bit of a count and a code; sums of floats are added in
the order of the rows. Numba compiles a loop at its first use, which takes seconds, and keeps the code in the
``__pycache__`` of this package (or in ``NUMBA_CACHE_DIR``); where it cannot, loops are not compiled.
"""

import os
import sys
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

__all__ = ["kernels", "may_compile"]

_NAME = "shortlist.features._kernels"

# Below so many rows, loading the compiled loops takes longer than it saves.
LEAST_ROWS = 200_000
# Below so many, calling them does.
LEAST_CALLED = 256


def kernels(rows: int, asked: int | None = None) -> ModuleType | None:
    """The compiled loops for so many rows, None where another way is to be taken.

    Args:
        rows: how many rows there are now.
        asked: how many there were in all, where each call has some of them; the way may then change between
            calls, so both must give the same to the last bit. None where it must not.
    """
    if not may_compile() or rows < (LEAST_ROWS if asked is None else LEAST_CALLED):
        return None
    if asked is not None and asked < LEAST_ROWS and _NAME not in sys.modules:
        return None
    return import_module(_NAME)


@cache
def may_compile() -> bool:
    """Whether Numba is there and may keep what it compiles."""
    if find_spec("numba") is None or os.environ.get("NUMBA_DISABLE_JIT", "0") != "0":
        return False
    here = Path(__file__).parent
    place = here / "__pycache__"
    return bool(os.environ.get("NUMBA_CACHE_DIR")) or os.access(place if place.exists() else here, os.W_OK)
