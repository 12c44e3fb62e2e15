"""Which number format matrix products use in training."""

import platform
from contextlib import AbstractContextManager, nullcontext
from typing import Literal, TypeAlias

import torch
from torch import Tensor

__all__ = ["Precision", "bf16_supported", "exact", "lowered", "mixed_precision", "records"]

Precision: TypeAlias = Literal["auto", "float32", "bfloat16"]


def bf16_supported(device: str = "cpu") -> bool:
    """Whether the device multiplies bfloat16 matrices natively, so that they are faster than float32.

    On a CPU that means the AVX512-BF16 or AMX instructions, or bfloat16 on ARM.

    >>> isinstance(bf16_supported(), bool)
    True
    """
    kind = torch.device(device).type
    if kind == "cuda":
        return torch.cuda.is_available() and torch.cuda.is_bf16_supported()
    if kind != "cpu":
        return False
    if platform.machine().lower() in {"x86_64", "amd64"}:
        return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    mkldnn: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    return mkldnn and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def mixed_precision(precision: Precision = "auto", device: str = "cpu") -> torch.autocast:
    """A context in which layers and losses multiply matrices in the given precision.

    Weights, optimizer states and sums stay in float32. Leave the context before ``backward``.

    Args:
        precision: ``"auto"`` is bfloat16 where ``bf16_supported``, else float32.
        device: where the tensors live.

    >>> with mixed_precision("bfloat16"):
    ...     (torch.ones(2, 2) @ torch.ones(2, 2)).dtype
    torch.bfloat16
    """
    wanted = bf16_supported(device) if precision == "auto" else precision == "bfloat16"
    return torch.autocast(torch.device(device).type, torch.bfloat16, enabled=wanted)


def lowered(x: Tensor) -> Tensor:
    """``x`` in the type in which its matrix products are made here: converted once, where several follow.

    >>> with mixed_precision("bfloat16"):
    ...     lowered(torch.ones(2)).dtype
    torch.bfloat16
    """
    kind = x.device.type
    if not torch.is_autocast_enabled(kind) or not x.is_floating_point():
        return x
    return x.to(torch.get_autocast_dtype(kind))


def exact(x: Tensor) -> AbstractContextManager[object]:
    """A context in which products of ``x`` are made in its own type, whatever is asked for around it.

    >>> with mixed_precision("bfloat16"), exact(torch.ones(2, 2)):
    ...     (torch.ones(2, 2) @ torch.ones(2, 2)).dtype
    torch.float32
    """
    kind = x.device.type
    return torch.autocast(kind, enabled=False) if torch.is_autocast_enabled(kind) else nullcontext()


def records(*tensors: Tensor) -> bool:
    """Whether gradients are wanted of any of them, by a program that runs as it stands: not one compiled.

    >>> records(torch.ones(1)), records(torch.ones(1, requires_grad=True))
    (False, True)
    """
    if torch.compiler.is_compiling() or not torch.is_grad_enabled():
        return False
    return any(tensor.requires_grad for tensor in tensors)
