"""The columns as fields of one width, and the first-order term that goes with them."""

import torch
from torch import Tensor, nn

from shortlist.models.ranking._cells import Cells, Rows, Side, joined
from shortlist.nn._fields import field_sums
from shortlist.nn._precision import exact
from shortlist.nn._seeded import linear, normal
from shortlist.rng import derive

__all__ = ["FieldNorm", "Fields", "FirstOrder"]

_STD = 0.05  # that of the embeddings


class Fields(nn.Module):
    """Every column as a vector of width D.

    Embeddings are as they are, a number x is ``x v`` with a vector v of its own, a given vector is mapped.

    Args:
        query: the query's columns.
        candidate: the candidates' columns.
        numbers: whether numbers and given vectors become fields; without, there are those of codes only.
        seed: of the vectors and the maps.

    Attributes:
        dim: width D.
        count: number F of fields.
    """

    def __init__(self, query: Side, candidate: Side, *, numbers: bool = True, seed: int = 0) -> None:
        super().__init__()
        sides = (query, candidate)
        self.numbers = nn.ModuleList(
            _Numbers(side.number_widths if numbers else [], side.dim, derive(seed, place))
            for place, side in enumerate(sides)
        )
        self.dim, self._of_numbers = query.dim, numbers
        self.count = sum(len(side.names) + (len(side.number_widths) if numbers else 0) for side in sides)

    def forward(self, rows: Rows) -> Tensor:
        """The fields of the candidates, the query's first: ``[N, F, D]``."""
        if rows.together is not None and not self._of_numbers:
            return rows.together
        return rows.join(self.of_sides(rows))

    def of_sides(self, rows: Rows) -> list[Tensor]:
        """The fields of each side that there is: ``[Q, F_q, D]`` and ``[N, F_c, D]``."""
        pairs = zip((rows.query, rows.candidate), self.numbers, strict=True)
        return [joined([side.vectors, *numbers(side)], dim=1) for side, numbers in pairs if side is not None]

    def pairwise(self, rows: Rows) -> Tensor:
        """`pairwise_sum` of the fields, ``[N]``; the query's sums are made once a query."""
        pairs = zip((rows.query, rows.candidate), self.numbers, strict=True)
        sides = [
            _sums(side, numbers)
            for side, numbers in pairs
            if side is not None and isinstance(numbers, _Numbers)
        ]
        total = rows.add([total for total, _ in sides])
        return (total.square().sum(1) - rows.add([squares for _, squares in sides])) / 2


def _sums(side: Cells, numbers: "_Numbers") -> tuple[Tensor, Tensor]:
    """Of a side's fields: their sum ``[B, D]``, and the sum of their squares ``[B]``."""
    total, squares = field_sums(side.vectors)
    for more, further in numbers.sums(side):
        total, squares = total + more, squares + further
    return total, squares


class FirstOrder(nn.Module):
    """The linear term: ``b + the weights of the codes + a linear map of the numbers``, once a target.

    Args:
        query: the query's columns.
        candidate: the candidates' columns.
        outputs: number T of logits; the tables hold as many weights of each code.
        only: names of the columns whose codes count; None is all. Numbers always do.
        seed: of the map of the numbers.
    """

    def __init__(
        self,
        query: Side,
        candidate: Side,
        outputs: int,
        *,
        only: tuple[str, ...] | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.maps = nn.ModuleList()
        self._places: list[list[int] | None] = []
        for place, side in enumerate((query, candidate)):
            width = sum(side.number_widths)
            made = linear(width, outputs, derive(seed, "first", place), bias=False) if width > 0 else None
            self.maps.append(nn.Identity() if made is None else made)
            chosen = [at for at, name in enumerate(side.names) if only is None or name in only]
            self._places.append(None if len(chosen) == len(side.names) else chosen)

    def forward(self, rows: Rows) -> Tensor:
        """``[N, T]``."""
        sides = (rows.query, rows.candidate)
        parts = [self._of(side, place) for place, side in enumerate(sides) if side is not None]
        return rows.add(parts) + self.bias

    def _of(self, side: Cells, place: int) -> Tensor:
        chosen, weights = self._places[place], side.weights
        if chosen is not None:
            weights = weights.index_select(1, torch.tensor(chosen, dtype=torch.int64, device=weights.device))
        total = weights.sum(1) if weights.shape[1] > 0 else None
        if side.numbers.shape[1] == 0:
            return side.numbers.new_zeros(len(side.numbers), len(self.bias)) if total is None else total
        mapped: Tensor = self.maps[place](side.numbers)
        return mapped if total is None else mapped + total


class _Numbers(nn.Module):
    """Numbers and given vectors as fields."""

    def __init__(self, widths: list[int], dim: int, seed: int) -> None:
        super().__init__()
        starts = [sum(widths[:place]) for place in range(len(widths))]
        self._places = [start for start, width in zip(starts, widths, strict=True) if width == 1]
        self._vectors = [(start, width) for start, width in zip(starts, widths, strict=True) if width != 1]
        self._alone = len(self._places) == len(widths)
        count = len(self._places)
        own = derive(seed, "numbers")
        self.scales = nn.Parameter(normal(count, dim, std=_STD, seed=own)) if count > 0 else None
        self.maps = nn.ModuleList(
            linear(width, dim, derive(seed, "vector", place), bias=False)
            for place, (_, width) in enumerate(self._vectors)
        )

    def forward(self, side: Cells) -> list[Tensor]:
        """``[B, K, D]`` of each kind."""
        parts: list[Tensor] = []
        if self.scales is not None:
            parts.append(self._single(side).unsqueeze(2) * self.scales)
        for (start, width), layer in zip(self._vectors, self.maps, strict=True):
            parts.append(layer(side.numbers[:, start : start + width]).unsqueeze(1))
        return parts

    def sums(self, side: Cells) -> list[tuple[Tensor, Tensor]]:
        """Sums ``[B, D]`` and sums of squares ``[B]`` of the fields of each kind, none of which is made."""
        parts: list[tuple[Tensor, Tensor]] = []
        if self.scales is not None:
            with exact(side.numbers):
                numbers = self._single(side)
                squares = numbers.square() @ self.scales.square().sum(1)
                parts.append((numbers @ self.scales, squares))
        for (start, width), layer in zip(self._vectors, self.maps, strict=True):
            mapped = layer(side.numbers[:, start : start + width]).float()
            parts.append((mapped, mapped.square().sum(1)))
        return parts

    def _single(self, side: Cells) -> Tensor:
        """The numbers that are no vectors."""
        if self._alone:
            return side.numbers
        places = torch.tensor(self._places, dtype=torch.int64, device=side.numbers.device)
        return side.numbers.index_select(1, places)


class FieldNorm(nn.Module):
    """A layer norm of each field by itself, with scales and shifts of its own.

    Args:
        count: number F of fields.
        dim: width D.
    """

    def __init__(self, count: int, dim: int) -> None:
        super().__init__()
        self.scale, self.shift = nn.Parameter(torch.ones(count, dim)), nn.Parameter(torch.zeros(count, dim))
        self._dim = dim

    def forward(self, fields: Tensor) -> Tensor:
        """``[N, F, D]`` to the same."""
        return nn.functional.layer_norm(fields, (self._dim,)) * self.scale + self.shift
