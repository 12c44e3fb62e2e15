"""The deep learning recommendation model."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from shortlist.models.ranking._cells import Rows, joined
from shortlist.models.ranking._columns_model import ColumnsModel
from shortlist.models.ranking._fields import Fields
from shortlist.models.ranking._options import RankerOptions, hidden_layers
from shortlist.nn import pairwise_dots
from shortlist.nn._seeded import linear
from shortlist.rng import derive
from shortlist.schema import Schema

__all__ = ["DLRM"]


class DLRM(ColumnsModel):
    """DLRM: the inner products of all pairs of embeddings, and of each with a vector made of the numbers.

    With ``z_0 = relu(bottom MLP(numbers))`` of width ``dim`` and e_1 ... e_m the embeddings of the query's
    and then the candidate's columns of codes, ``logit = top MLP([z_0; <z_i, z_j> for i > j])``: m (m + 1) / 2
    products. Without numbers there is no z_0.

    Args:
        schema: encoded columns with at least one TARGET.
        dim: width of the embeddings and of z_0.
        hidden: widths of the hidden layers of the top MLP.
        dropout: share of hidden activations set to zero in training, in [0, 1).
        seed: of the initial weights.
        bottom: widths of the hidden layers of the bottom MLP.
        options: of tables and hidden layers.

    Raises:
        SchemaError: no target, no input, or a column that is not encoded.
        ArgumentError: no hidden layer, or an option out of range.

    Source: Naumov et al., "Deep learning recommendation model for personalization and recommendation
    systems", 2019 (arXiv 1906.00091).

    >>> import numpy as np
    >>> from shortlist.data import Batch
    >>> from shortlist.schema import Column, Domain
    >>> schema = Schema([
    ...     Column("age", "float32", ("user", "continuous")),
    ...     Column("item", "int64", ("item", "id"), domain=Domain("item", 20)),
    ...     Column("click", "float32", ("target", "binary")),
    ... ])
    >>> batch = Batch({"age": np.array([0.5], np.float32), "item": np.array([3])})
    >>> DLRM(schema, dim=4, hidden=(8,), bottom=(8,)).score(batch).shape
    (1,)
    """

    def __init__(
        self,
        schema: Schema,
        *,
        dim: int = 16,
        hidden: Sequence[int] = (256, 128),
        dropout: float = 0.0,
        seed: int = 0,
        bottom: Sequence[int] = (64,),
        options: RankerOptions | None = None,
    ) -> None:
        super().__init__(schema, dim=dim, seed=seed, options=options)
        sides = (self.query_side, self.candidate_side)
        self.fields = Fields(*sides, numbers=False)
        self._names = [side.names for side in sides]
        numbers = sum(sum(side.number_widths) for side in sides)
        self.bottom = None
        if numbers > 0:
            widths, own = (*bottom, dim), derive(seed, "bottom")
            self.bottom = hidden_layers(numbers, widths, dropout=0.0, options=self.options, seed=own)
        dense, count = (dim, 1) if numbers > 0 else (0, 0)
        count += self.fields.count
        self.top = hidden_layers(
            dense + count * (count - 1) // 2,
            hidden,
            dropout=dropout,
            options=self.options,
            seed=derive(seed, "top"),
        )
        self.width = self.top.output_dim
        self.head = linear(self.width, self.logits, derive(seed, "head"))

    def represent(self, rows: Rows) -> Tensor:
        """The last hidden layer of the top MLP."""
        dense = None
        if self.bottom is not None:
            dense = rows.through(self.bottom, [side.numbers for side in rows.sides])
        first, *others = self.top
        crossing = rows.query_of is not None and min(map(len, self._names)) > 0
        x = self._apart(first, rows, dense) if crossing else self._together(first, rows, dense)
        for layer in others:
            x = layer(x)
        return x

    def _together(self, first: torch.nn.Module, rows: Rows, dense: Tensor | None) -> Tensor:
        fields = self.fields(rows)
        if dense is None:
            out: Tensor = first(pairwise_dots(fields))
            return out
        dense = dense.to(fields.dtype)
        dots = pairwise_dots(torch.cat([dense.unsqueeze(1), fields], dim=1))
        whole: Tensor = first(joined([dense, dots.to(dense.dtype)], dim=1))
        return whole

    def _apart(self, first: torch.nn.Module, rows: Rows, dense: Tensor | None) -> Tensor:
        """The same, with the products among the query's fields made once a query."""
        assert isinstance(first, torch.nn.Linear)
        assert rows.query_of is not None
        query, own = self.fields.of_sides(rows)
        parts = [] if dense is None else [dense]
        if dense is not None:
            own = torch.cat([dense.unsqueeze(1), own], dim=1)
        crossed = own @ query.transpose(1, 2).index_select(0, rows.query_of)
        parts += [pairwise_dots(own), crossed.flatten(1)]
        once, each = self._columns(query.shape[1], own.shape[1], dense is not None)
        weight, device = first.weight, first.weight.device
        shares, rest = (
            weight.index_select(1, torch.tensor(places, dtype=torch.int64, device=device))
            for places in (once, each)
        )
        among = functional.linear(pairwise_dots(query), shares)
        return rows.add([among, functional.linear(torch.cat(parts, dim=1), rest, first.bias)])

    def _columns(self, queries: int, others: int, dense: bool) -> tuple[list[int], list[int]]:
        """Which inputs of the top MLP are products of the query's fields, and the others as they are joined.

        Args:
            queries: fields of the query.
            others: those of the candidate, z_0 among them.
            dense: whether there is a z_0, which is the first field.
        """
        start, ahead = (self.fields.dim, 1) if dense else (0, 0)
        query = [ahead + place for place in range(queries)]
        own = [*range(ahead), *range(ahead + queries, queries + others)]

        def place(one: int, other: int) -> int:
            high, low = max(one, other), min(one, other)
            return start + high * (high - 1) // 2 + low

        once = [place(query[i], query[j]) for i in range(queries) for j in range(i)]
        among = [place(own[i], own[j]) for i in range(others) for j in range(i)]
        between = [place(one, other) for one in own for other in query]
        return once, [*range(start), *among, *between]
