"""Steps on the rows of large tables as compiled loops: only `_row_steps` imports this, where Numba is.

A row is scattered memory, so each loop asks for the rows it will need some rounds ahead.
"""

import os
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

__all__ = ["step_adagrad", "step_adam"]

# Their types differ from version to version.
_numba: Any = import_module("numba")
_extending: Any = import_module("numba.extending")
_ir: Any = import_module("llvmlite.ir")

F = TypeVar("F", bound=Callable[..., Any])
Floats: TypeAlias = npt.NDArray[np.float32]
Doubles: TypeAlias = npt.NDArray[np.float64]
Rows: TypeAlias = npt.NDArray[np.int64]

_AHEAD = 8


def _kept() -> bool:
    here = Path(__file__).parent
    place = here / "__pycache__"
    return bool(os.environ.get("NUMBA_CACHE_DIR")) or os.access(place if place.exists() else here, os.W_OK)


def _read_soon(context: Any, array: Any, row: Any) -> Any:  # noqa: ARG001 - Numba's form
    """Ask for a row of an array, which is not waited for."""
    integer, address, nothing = _ir.IntType(32), _ir.IntType(8).as_pointer(), _ir.VoidType()

    def ask(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        held = context.make_array(signature.args[0])(context, builder, given[0])
        start = builder.ptrtoint(held.data, _ir.IntType(64))
        place = builder.add(start, builder.mul(given[1], builder.extract_value(held.strides, 0)))
        kind = _ir.FunctionType(nothing, [address, integer, integer, integer])
        name = "llvm.prefetch.p0"
        called = builder.module.globals.get(name) or _ir.Function(builder.module, kind, name)
        # Read, of the first cache, data.
        hints = [_ir.Constant(integer, value) for value in (0, 3, 1)]
        builder.call(called, [builder.inttoptr(place, address), *hints])
        return context.get_dummy_value()

    return _numba.types.void(array, _numba.types.intp), ask


_soon: Any = _extending.intrinsic(_read_soon)


def _compiled(function: F) -> F:
    loose = {"reassoc", "contract"}
    made: F = _numba.njit(nogil=True, cache=_kept(), error_model="numpy", fastmath=loose)(function)
    return made


@_compiled
def step_adagrad(
    weight: Floats, accumulator: Floats, rows: Rows, grads: Floats, rates: tuple[float, float, float]
) -> None:
    """`RowWiseAdagrad`'s rule on distinct rows, in place; ``rates`` are lr, eps, l2."""
    lr, eps, l2 = rates
    count, width = grads.shape
    for at in range(count):
        row = rows[at]
        if at + _AHEAD < count:
            _soon(weight, rows[at + _AHEAD])
            _soon(accumulator, rows[at + _AHEAD])
        total = np.float32(0.0)
        for place in range(width):
            grad = grads[at, place] + np.float32(l2) * weight[row, place]
            total += grad * grad
        found = accumulator[row] + total / np.float32(width)
        accumulator[row] = found
        scale = np.float32(-lr) / (np.sqrt(found) + np.float32(eps))
        for place in range(width):
            old = weight[row, place]
            weight[row, place] = old + scale * (grads[at, place] + np.float32(l2) * old)


@_compiled
def step_adam(
    weight: Floats,
    state: tuple[Floats, Floats, Floats],
    touched: tuple[Rows, Floats],
    rates: tuple[float, float, float],
    decays: tuple[float, Doubles, float, Doubles],
) -> None:
    """`RowWiseAdam`'s rule on distinct rows, in place.

    ``state`` is first, second, steps; ``touched`` rows and gradients; ``rates`` lr, eps, l2; ``decays`` are
    beta1, ``1 - beta1^t`` for the first t, and the same of beta2.
    """
    first, second, steps = state
    rows, grads = touched
    lr, eps, l2 = rates
    beta1, known1, beta2, known2 = decays
    count, width = grads.shape
    keep1, keep2 = np.float32(1.0 - beta1), np.float32(1.0 - beta2)
    for at in range(count):
        row = rows[at]
        if at + _AHEAD < count:
            ahead = rows[at + _AHEAD]
            _soon(weight, ahead)
            _soon(first, ahead)
            _soon(second, ahead)
            _soon(steps, ahead)
        total = np.float32(0.0)
        for place in range(width):
            grad = grads[at, place] + np.float32(l2) * weight[row, place]
            total += grad * grad
        steps[row] += np.float32(1.0)
        step = int(steps[row])
        moment = second[row] + keep2 * (total / np.float32(width) - second[row])
        second[row] = moment
        bias1 = known1[step] if step < len(known1) else 1.0 - beta1**step
        bias2 = known2[step] if step < len(known2) else 1.0 - beta2**step
        scale = np.float32(-lr / (bias1 * (np.sqrt(moment / bias2) + eps)))
        for place in range(width):
            grad = grads[at, place] + np.float32(l2) * weight[row, place]
            mean = first[row, place] + keep1 * (grad - first[row, place])
            first[row, place] = mean
            weight[row, place] += scale * mean
