"""Two vectors to logits by a product in blocks."""

import torch
from torch import Tensor, nn

from shortlist.errors import ArgumentError
from shortlist.nn._seeded import linear, normal
from shortlist.rng import derive

__all__ = ["BilinearFusion"]


class BilinearFusion(nn.Module):
    """``b + u . x + v . y + sum_h x_h' W_h y_h``, with x and y cut into as many blocks as there are heads.

    Args:
        first: width of x.
        second: width of y.
        outputs: number of logits, each with weights of its own.
        heads: number of blocks; both widths are multiples of it.
        seed: initial u and v are uniform in ``+-1/sqrt(width)``; W normal with variance ``1 / width``.

    Raises:
        ArgumentError: a width is no multiple of ``heads``.

    Source: Mao et al., "FinalMLP", AAAI 2023 (arXiv 2304.00902).

    >>> BilinearFusion(4, 6, 1, heads=2)(torch.zeros(5, 10)).shape
    torch.Size([5, 1])
    """

    def __init__(self, first: int, second: int, outputs: int, *, heads: int = 1, seed: int = 0) -> None:
        super().__init__()
        if heads < 1 or first % heads != 0 or second % heads != 0 or min(first, second) < 1:
            raise ArgumentError(
                "BilinearFusion.heads",
                received=f"{heads} heads for widths {first} and {second}",
                expected="widths that are multiples of heads, which is at least 1",
            )
        self._first, self._heads, self._blocks = first, heads, (first // heads, second // heads)
        self.linear = linear(first + second, outputs, derive(seed, "linear"))
        shape = (heads, first // heads, outputs * (second // heads))
        self.product = nn.Parameter(normal(*shape, std=float(first) ** -0.5, seed=derive(seed, "product")))

    def forward(self, both: Tensor) -> Tensor:
        """X and y side by side ``[N, first + second]`` to ``[N, outputs]``."""
        # A product a head: in one batch of them, an exported graph fails on no row.
        first, second = self._blocks
        products = torch.zeros_like(both[:, :1])
        for head, weight in enumerate(self.product):
            x = both[:, head * first : (head + 1) * first]
            start = self._first + head * second
            y = both[:, start : start + second].unsqueeze(1)
            parts = (x @ weight).reshape(-1, self.linear.out_features, second)
            products = products + (parts * y).sum(2)
        logits: Tensor = self.linear(both) + products
        return logits
