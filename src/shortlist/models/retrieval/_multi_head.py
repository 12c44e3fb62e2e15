"""Several signals out of one pair of towers."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from shortlist.data import Batch
from shortlist.errors import ArgumentError, near
from shortlist.models._arrays import Columns
from shortlist.models.retrieval._encode import encode
from shortlist.schema import Schema

__all__ = ["MultiHead"]


class MultiHead(nn.Module):
    """One retrieval model, with a projection and a scale of the query for each of several signals.

    With q the query's vector and v an item's, the score of head h is ``a_h (W_h q) . v``: the towers, the
    item vectors and the index are shared. What serves is a blend: the query's vector is
    ``sum over h of b_h a_h W_h q``, whose product with an item is the blend of the heads' scores, so that any
    blend searches the same index at the same cost. W starts as the identity and a as 1.

    Trained with `JointSoftmax`, whose heads are named after BINARY target columns.

    Args:
        model: a retrieval model, as `TwoTower`; it is used as it is.
        heads: names of the signals.
        blend: b of each head; heads that are not named have 0; None weighs all alike, adding up to 1.

    Raises:
        ArgumentError: there are no heads, or the blend names another or weighs none.

    >>> from shortlist.models.retrieval import TwoTower
    >>> from shortlist.schema import Column, Domain, Schema
    >>> schema = Schema([
    ...     Column("user", "int64", ("user", "id"), domain=Domain("user", 10)),
    ...     Column("item", "int64", ("item", "id"), domain=Domain("item", 20)),
    ... ])
    >>> both = MultiHead(TwoTower(schema, dim=4), ("click", "purchase"))
    >>> both.blended({"purchase": 1.0}).blend
    {'click': 0.0, 'purchase': 1.0}
    """

    def __init__(self, model: Any, heads: Sequence[str], *, blend: Mapping[str, float] | None = None) -> None:
        super().__init__()
        self.heads = tuple(heads)
        if len(self.heads) == 0 or len(set(self.heads)) < len(self.heads):
            raise ArgumentError(
                "MultiHead.heads", received=self.heads, expected="one or more names, each once"
            )
        self.blend = _blend(self.heads, blend)
        self.model, self.dim, self.schema = model, model.dim, model.schema
        self.query_schema, self.item_schema = model.query_schema, model.item_schema
        self.training_schema = getattr(model, "training_schema", ())
        self.projections = nn.Parameter(torch.eye(self.dim).repeat(len(self.heads), 1, 1))
        self.log_scales = nn.Parameter(torch.zeros(len(self.heads)))
        self.query = _Blended(model.query, model.query.inputs, self)
        self.item = model.item

    def blended(self, blend: Mapping[str, float]) -> "MultiHead":
        """The same model, weights shared, that serves another blend: ``{"purchase": 1.0}`` chooses a head."""
        other = MultiHead(self.model, self.heads, blend=blend)
        other.projections, other.log_scales = self.projections, self.log_scales
        return other.train(self.training)

    def of_head(self, queries: Tensor, head: str) -> Tensor:
        """Vectors ``[B, D]`` of one head out of those of the model."""
        place = self.heads.index(head)
        return self.log_scales[place].exp() * queries @ self.projections[place].T

    def mixed(self, queries: Tensor) -> Tensor:
        """Vectors ``[B, D]`` of the blend out of those of the model."""
        weights = self.log_scales.exp() * self.log_scales.new_tensor(
            [self.blend[name] for name in self.heads]
        )
        return queries @ (weights[:, None, None] * self.projections).sum(0).T

    def encode_query(self, batch: Batch) -> Any:
        """``[B, D]`` of queries, blended: NumPy for NumPy columns, tensors with gradients for tensors.

        Raises:
            SchemaError: a column is missing or of another kind.
        """
        return encode(self, self.query, batch, "MultiHead.encode_query")

    def encode_item(self, batch: Batch) -> Any:
        """``[B, D]`` of items: those of the model."""
        return self.model.encode_item(batch)

    def describe(self) -> str:
        """The embedding tables of the model."""
        return str(self.model.describe())


class _Blended(nn.Module):
    """The query tower, then the blend."""

    def __init__(self, tower: nn.Module, inputs: Schema, owner: MultiHead) -> None:
        super().__init__()
        self.tower = tower
        self.inputs: Schema = inputs
        # The model that owns this module: as a child it would hold itself.
        self._owner = (owner,)

    def forward(self, columns: Columns) -> Tensor:
        """Vectors ``[B, D]`` of encoded columns."""
        return self._owner[0].mixed(self.tower(columns))

    def padded(self, *tensors: Tensor) -> Tensor:
        """The same for one tensor per input, in the order of ``inputs``; lists are ``[B, L]`` with 0s."""
        return self._owner[0].mixed(self.tower.padded(*tensors))  # type: ignore[operator]


def _blend(heads: tuple[str, ...], given: Mapping[str, float] | None) -> dict[str, float]:
    if given is None:
        return dict.fromkeys(heads, 1.0 / len(heads))
    for name in given:
        if name not in heads:
            raise ArgumentError(
                "MultiHead.blend", received=name, expected=f"one of {list(heads)}", remedy=near(name, heads)
            )
    if not any(weight != 0 for weight in given.values()):
        raise ArgumentError("MultiHead.blend", received=dict(given), expected="a head with a weight")
    return {name: float(given.get(name, 0.0)) for name in heads}
