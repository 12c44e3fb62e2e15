"""Interactions of fields: a row is a matrix ``[F, D]`` of one vector a column."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch.nn import functional

from shortlist.errors import ArgumentError
from shortlist.nn._attention import check_heads, split_heads
from shortlist.nn._dropout import Dropout
from shortlist.nn._precision import exact, lowered, records
from shortlist.nn._seeded import linear, normal
from shortlist.rng import derive

__all__ = ["CompressedInteractions", "FieldAttention", "field_sums", "pairwise_dots", "pairwise_sum"]


def pairwise_sum(fields: Tensor) -> Tensor:
    """Sum over the pairs of fields of their inner products, in time that grows with F, not F squared.

    ``sum_{i<j} v_i . v_j = ((sum_i v_i)^2 - sum_i v_i^2) / 2``, summed over the D numbers.

    Args:
        fields: ``[N, F, D]``.

    Returns:
        ``[N]``.

    Source: Rendle, "Factorization machines", ICDM 2010.

    >>> pairwise_sum(torch.tensor([[[1.0, 2.0], [3.0, 4.0], [0.0, 1.0]]])).tolist()  # 11 + 2 + 4
    [17.0]
    """
    return (fields.sum(1).square() - fields.square().sum(1)).sum(1) / 2


def field_sums(fields: Tensor) -> tuple[Tensor, Tensor]:
    """The sum of the fields ``[N, D]``, and the sum of the squares of all their numbers ``[N]``.

    >>> [part.tolist() for part in field_sums(torch.tensor([[[1.0, 2.0], [3.0, 4.0]]]))]
    [[[4.0, 6.0]], [30.0]]
    """
    if not records(fields):
        return fields.sum(1), fields.square().sum((1, 2))
    total, squares = _FieldSums.apply(fields)  # type: ignore[no-untyped-call]
    return total, squares


class _FieldSums(Function):
    """Its gradient is made in one pass over the fields."""

    @staticmethod
    def forward(ctx: Any, fields: Tensor) -> tuple[Tensor, Tensor]:
        ctx.save_for_backward(fields)
        return fields.sum(1), fields.square().sum((1, 2))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        (fields,) = ctx.saved_tensors
        total, squares = grads
        return torch.addcmul(total.unsqueeze(1), fields, squares.view(-1, 1, 1), value=2.0)


def pairwise_dots(fields: Tensor) -> Tensor:
    """Inner products of the pairs of fields: of field i with each j < i, i rising.

    Args:
        fields: ``[N, F, D]``.

    Returns:
        ``[N, F (F - 1) / 2]``, in the order (1, 0), (2, 0), (2, 1), (3, 0) ...

    Source: Naumov et al., "Deep learning recommendation model for personalization and recommendation
    systems", 2019 (arXiv 1906.00091).

    >>> pairwise_dots(torch.tensor([[[1.0, 2.0], [3.0, 4.0], [0.0, 1.0]]])).tolist()
    [[11.0, 2.0, 4.0]]
    """
    if torch.compiler.is_compiling() or fields.shape[1] < 2:
        return _dots(fields)
    fields = lowered(fields)
    with exact(fields):
        dots: Tensor = _PairwiseDots.apply(fields)  # type: ignore[no-untyped-call]
        return dots


class _PairwiseDots(Function):
    """Its gradient is one product with a symmetric matrix, in which that of pair (i, j) stands twice."""

    @staticmethod
    def forward(ctx: Any, fields: Tensor) -> Tensor:
        ctx.save_for_backward(fields)
        return _dots(fields)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        (fields,) = ctx.saved_tensors
        count, pairs = fields.shape[1], grads[0].shape[1]
        places = torch.full((count, count), pairs, dtype=torch.int64)
        rows, columns = torch.tril_indices(count, count, -1)
        places[rows, columns] = places[columns, rows] = torch.arange(pairs)
        padded = functional.pad(grads[0], (0, 1))
        both = padded.index_select(1, places.flatten().to(fields.device)).to(fields.dtype)
        gradient: Tensor = both.view(len(fields), count, count) @ fields
        return gradient


def _dots(fields: Tensor) -> Tensor:
    count = fields.shape[1]
    products = (fields @ fields.transpose(1, 2)).flatten(1).float()
    places = [row * count + column for row in range(count) for column in range(row)]
    if torch.compiler.is_compiling() and len(places) > 0:
        # An exported graph picks columns one number at a time; a product with zeros and ones is quicker.
        picked = torch.zeros(count * count, len(places), dtype=products.dtype, device=fields.device)
        picked[places, list(range(len(places)))] = 1
        return products @ picked
    return products.index_select(1, torch.tensor(places, dtype=torch.int64, device=fields.device))


class CompressedInteractions(nn.Module):
    """The compressed interaction network: crosses of whole vectors, of a degree that rises by one a layer.

    With ``X[0]`` the fields ``[F, D]`` and ``H_k`` vectors in layer k, each number d of them apart::

        X[k][h, d] = sum_{i, j} W[k][h, i, j] X[k-1][i, d] X[0][j, d]

    The result is the sum over d of every vector of every layer.

    Args:
        fields: number F.
        widths: vectors ``H_k`` in each layer.
        seed: initial W are normal with variance ``1 / (H_{k-1} F)``.

    Raises:
        ArgumentError: no layers, or a size below 1.

    Source: Lian et al., "xDeepFM", KDD 2018 (arXiv 1803.05170).

    >>> CompressedInteractions(4, (8, 6))(torch.zeros(5, 4, 3)).shape
    torch.Size([5, 14])
    """

    def __init__(self, fields: int, widths: tuple[int, ...], *, seed: int = 0) -> None:
        if len(widths) == 0 or min(fields, *widths) < 1:
            raise ArgumentError(
                "CompressedInteractions",
                received=f"{fields} fields and widths {widths}",
                expected="at least one layer, sizes >= 1",
            )
        super().__init__()
        self.output_dim = sum(widths)
        inputs = [fields, *widths[:-1]]
        self.weights = nn.ParameterList(
            nn.Parameter(
                normal(width, own * fields, std=float(own * fields) ** -0.5, seed=derive(seed, "cin", layer))
            )
            for layer, (own, width) in enumerate(zip(inputs, widths, strict=True))
        )

    def forward(self, fields: Tensor) -> Tensor:
        """``[N, F, D]`` to ``[N, sum of the widths]``."""
        inputs = fields.transpose(1, 2)  # [N, D, F]
        layer, sums = inputs, []
        for weight in self.weights:
            products = (layer.unsqueeze(3) * inputs.unsqueeze(2)).flatten(2)  # [N, D, H F]
            layer = functional.linear(products, weight)
            sums.append(layer.sum(1))
        return torch.cat(sums, dim=1)


class FieldAttention(nn.Module):
    """Self-attention among the fields of a row: ``relu(softmax(Q K') V + R x)``, with several heads.

    Scores are not divided by the root of the width, as in the source.

    Args:
        dim: width of the fields that come in.
        width: width of those that go out, divided among the heads.
        heads: attention heads.
        dropout: share of the attention weights set to zero in training, in [0, 1).
        seed: of the initial weights.

    Raises:
        ArgumentError: ``width`` is not a multiple of ``heads``, or ``dropout`` is outside [0, 1).

    Source: Song et al., "AutoInt", CIKM 2019 (arXiv 1810.11921).

    >>> FieldAttention(4, 6, heads=2)(torch.zeros(5, 3, 4)).shape
    torch.Size([5, 3, 6])
    """

    def __init__(self, dim: int, width: int, *, heads: int = 2, dropout: float = 0.0, seed: int = 0) -> None:
        super().__init__()
        check_heads("FieldAttention", width, heads, dropout)
        self.heads = heads
        self.maps = linear(dim, 4 * width, derive(seed, "fields"), bias=False)
        self.dropout = Dropout(dropout)

    def forward(self, fields: Tensor) -> Tensor:
        """``[N, F, dim]`` to ``[N, F, width]``."""
        query, key, value, rest = self.maps(fields).chunk(4, dim=2)
        parts = [split_heads(part, self.heads) for part in (query, key, value)]
        weights = self.dropout((parts[0] @ parts[1].transpose(2, 3)).softmax(3))
        mixed = (weights.to(parts[2].dtype) @ parts[2]).transpose(1, 2).flatten(2)
        out: Tensor = (mixed + rest).relu()
        return out
