"""Blocks of dense layers."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from shortlist.errors import ArgumentError
from shortlist.nn._batch_norm import BatchNorm
from shortlist.nn._seeded import linear
from shortlist.rng import derive

__all__ = ["MLP", "ResidualMLP", "l2_normalize"]


class MLP(nn.Sequential):
    """Linear layers with an activation and dropout between them; the last layer is left linear.

    Args:
        input_dim: width of the input.
        hidden: width of each layer; the last is the width of the output.
        activation: makes the activation after every layer but the last.
        dropout: share of activations set to zero in training, in [0, 1).
        batch_norm: normalise over the batch before each activation.
        activate_last: whether norm, activation and dropout follow the last layer as well.
        seed: initial weights and biases are uniform in ``+-1/sqrt(input width)``.

    Raises:
        ArgumentError: no layers, a width below 1, or ``dropout`` outside [0, 1).

    >>> MLP(8, (16, 4))(torch.zeros(0, 8)).shape
    torch.Size([0, 4])
    """

    def __init__(
        self,
        input_dim: int,
        hidden: Sequence[int],
        *,
        activation: Callable[[], nn.Module] = nn.ReLU,
        dropout: float = 0.0,
        batch_norm: bool = False,
        activate_last: bool = False,
        seed: int = 0,
    ) -> None:
        widths = [input_dim, *hidden]
        if len(hidden) == 0 or min(widths) < 1:
            raise ArgumentError(
                "MLP", received=widths, expected="an input width and one or more layers, each >= 1"
            )
        if not 0.0 <= dropout < 1.0:
            raise ArgumentError("MLP.dropout", received=dropout, expected="a share in [0, 1)")
        layers: list[nn.Module] = []
        for depth in range(len(hidden)):
            layers.append(linear(widths[depth], widths[depth + 1], derive(seed, "mlp", depth)))
            if depth < len(hidden) - 1 or activate_last:
                layers += [BatchNorm(widths[depth + 1])] if batch_norm else []
                layers += [activation(), *([nn.Dropout(dropout)] if dropout > 0.0 else [])]
        super().__init__(*layers)
        self.output_dim = widths[-1]


class ResidualMLP(nn.Module):
    """A linear map, then blocks that add to it: ``x <- x + W2 relu(W1 layer_norm(x) + b1) + b2``.

    The blocks start small, so that the whole starts as the linear map.

    Args:
        input_dim: width of the input.
        output_dim: width of the output, and of x in every block.
        hidden: width within each block; at least one.
        dropout: share of activations within a block set to zero in training, in [0, 1).
        seed: initial weights and biases are uniform in ``+-1/sqrt(input width)``; W2 a hundredth of that.

    Raises:
        ArgumentError: no blocks, a width below 1, or ``dropout`` outside [0, 1).

    Source: Gorishniy et al., "Revisiting deep learning models for tabular data", NeurIPS 2021.

    >>> ResidualMLP(8, 4, (16, 16))(torch.zeros(5, 8)).shape
    torch.Size([5, 4])
    """

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        hidden: Sequence[int],
        *,
        dropout: float = 0.0,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if len(hidden) == 0:
            raise ArgumentError(
                "ResidualMLP.hidden", received=tuple(hidden), expected="one or more widths, each >= 1"
            )
        self.linear = MLP(input_dim, (output_dim,), seed=derive(seed, "linear"))[0]
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.LayerNorm(output_dim),
                *MLP(output_dim, (width, output_dim), dropout=dropout, seed=derive(seed, "block", depth)),
            )
            for depth, width in enumerate(hidden)
        )
        with torch.no_grad():
            for block in self.blocks:
                for parameter in block[-1].parameters():  # type: ignore[index]
                    parameter.mul_(0.01)

    def forward(self, x: Tensor) -> Tensor:
        """``[B, input_dim]`` to ``[B, output_dim]``."""
        x = self.linear(x)
        for block in self.blocks:
            x = x + block(x)
        return x


def l2_normalize(x: Tensor) -> Tensor:
    """Scale each vector of the last axis to length 1; a zero vector stays zero.

    The length is computed in float32 at least, whatever the precision of ``x``.

    >>> l2_normalize(torch.tensor([[3.0, 4.0], [0.0, 0.0]])).tolist()
    [[0.6..., 0.8...], [0.0, 0.0]]
    """
    return functional.normalize(x.to(torch.promote_types(x.dtype, torch.float32)), dim=-1)
