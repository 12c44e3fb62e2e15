"""How loops are compiled, and the few steps that they share."""

from collections.abc import Callable
from importlib import import_module
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

__all__ = ["Flags", "Integers", "Numbers", "U", "Words", "compiled", "inlined", "mixed", "word_at"]

# Their types differ from version to version.
_numba: Any = import_module("numba")
_extending: Any = import_module("numba.extending")
_ir: Any = import_module("llvmlite.ir")

F = TypeVar("F", bound=Callable[..., Any])
Words = npt.NDArray[np.uint64]
Integers = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.int32]
Flags = npt.NDArray[np.bool_]

U = np.uint64
_STEP, _ONE, _TWO = U(0x9E3779B97F4A7C15), U(0xBF58476D1CE4E5B9), U(0x94D049BB133111EB)


def compiled(function: F) -> F:
    """Compile at the first call, without Python's lock, and keep the machine code beside the bytecode."""
    made: F = _numba.njit(nogil=True, cache=True)(function)
    return made


def inlined(function: F) -> F:
    """Written into its callers: a call would count its arrays' references, which costs more than the work."""
    made: F = _numba.njit(nogil=True, inline="always")(function)
    return made


def _read_word(context: Any, address: Any) -> Any:  # noqa: ARG001 - Numba's form
    """The eight bytes at an address."""

    def read(_: Any, builder: Any, __: Any, given: Any) -> Any:
        return builder.load(builder.inttoptr(given[0], _ir.IntType(64).as_pointer()), align=1)

    return _numba.types.uint64(_numba.types.uint64), read


word_at: Any = _extending.intrinsic(_read_word)


@inlined
def mixed(x: Any) -> Any:
    """Splitmix64."""
    x = x + _STEP
    x = (x ^ (x >> U(30))) * _ONE
    x = (x ^ (x >> U(27))) * _TWO
    return x ^ (x >> U(31))
