"""Masks that an instance makes of its own features."""

from torch import Tensor, nn

from shortlist.errors import ArgumentError
from shortlist.nn._seeded import linear
from shortlist.rng import derive

__all__ = ["MaskBlock"]


class MaskBlock(nn.Module):
    """A layer whose input is weighed by what the instance says: ``relu(norm(W (mask * x)))``.

    The mask is ``W2 relu(W1 v + b1) + b2``, of the features v of the instance; norm is a layer norm.

    Args:
        guide_dim: width of v.
        input_dim: width of x, and of the mask.
        output_dim: width of the output.
        reduction: width of the mask's hidden layer, in times ``guide_dim``.
        seed: of the initial weights.

    Raises:
        ArgumentError: a width below 1, or ``reduction`` not above 0.

    Source: Wang, She, Zhang, "MaskNet", DLP-KDD 2021 (arXiv 2102.07619).

    >>> import torch
    >>> MaskBlock(4, 6, 3)(torch.zeros(5, 4), torch.zeros(5, 6)).shape
    torch.Size([5, 3])
    """

    def __init__(
        self, guide_dim: int, input_dim: int, output_dim: int, *, reduction: float = 0.2, seed: int = 0
    ) -> None:
        super().__init__()
        if min(guide_dim, input_dim, output_dim) < 1 or not reduction > 0.0:
            raise ArgumentError(
                "MaskBlock",
                received=f"widths {guide_dim}, {input_dim}, {output_dim} and reduction {reduction}",
                expected="widths >= 1 and a reduction above 0",
            )
        inner = max(round(reduction * guide_dim), 1)
        self.mask = nn.Sequential(
            linear(guide_dim, inner, derive(seed, "mask", 0)),
            nn.ReLU(),
            linear(inner, input_dim, derive(seed, "mask", 1)),
        )
        self.map = linear(input_dim, output_dim, derive(seed, "map"), bias=False)
        self.norm = nn.LayerNorm(output_dim)

    def forward(self, guide: Tensor, x: Tensor) -> Tensor:
        """``[N, guide_dim]`` and ``[N, input_dim]`` to ``[N, output_dim]``."""
        out: Tensor = self.norm(self.map(self.mask(guide) * x)).relu()
        return out
