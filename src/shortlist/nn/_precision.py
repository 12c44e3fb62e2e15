"""Which number format matrix products use in training."""

import platform
from typing import Literal, TypeAlias

import torch

__all__ = ["Precision", "bf16_supported", "mixed_precision"]

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
