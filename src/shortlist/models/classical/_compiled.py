"""Loops as machine code, where numba is installed."""

from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from typing import Any, TypeVar, cast

__all__ = ["compiled", "pays"]

F = TypeVar("F", bound=Callable[..., Any])

# Compiling takes a second or two of each process: nothing is written to disk. Less work than this many inner
# steps of a loop is done sooner by NumPy and SciPy.
_STEPS = 1 << 29


def pays(steps: float) -> bool:
    """Whether to compile for so many inner steps: numba is there, and the work is long enough."""
    return steps >= _STEPS and find_spec("numba") is not None


@cache
def compiled(kernel: F) -> F:
    """The function as machine code that holds no lock; it is compiled when first called.

    Sums may be taken in another order and products fused into them; NaN and infinity keep their meaning.
    """
    import numba

    loose = {"reassoc", "contract", "nsz", "arcp"}
    done: Any = numba.njit(nogil=True, error_model="numpy", fastmath=loose)(kernel)
    return cast("F", done)
