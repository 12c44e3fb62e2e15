"""Number types of sums and products, and the score that weighs nothing."""

import torch
from torch import Tensor

__all__ = ["constant", "lowest", "product_dtype", "sum_dtype"]


def sum_dtype(x: Tensor) -> torch.dtype:
    """Sums are kept in float32 at least."""
    return torch.promote_types(x.dtype, torch.float32)


def product_dtype(x: Tensor) -> torch.dtype:
    """Matrices are multiplied in the precision of ``torch.autocast``, or their own without it."""
    device = x.device.type
    return torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else x.dtype


def lowest(dtype: torch.dtype) -> float:
    """A score that weighs nothing; of minus infinity, a row with nothing else would make NaN."""
    return torch.finfo(dtype).min / 2


def constant(x: Tensor | None, dtype: torch.dtype) -> Tensor | None:
    """Given weights as finite numbers without gradient."""
    return None if x is None else x.detach().to(dtype).clamp(min=lowest(dtype))
