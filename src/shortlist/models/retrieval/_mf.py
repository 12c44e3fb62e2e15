"""Matrix factorisation by gradient."""

from typing import Any

import torch
from torch import Tensor, nn

from shortlist.data import Batch
from shortlist.errors import ArgumentError
from shortlist.models._arrays import Columns
from shortlist.models._describe import describe_tables, parameters_beside
from shortlist.models._inputs import item_inputs, query_inputs, table_of, table_rows
from shortlist.models.retrieval._build import check_sides
from shortlist.models.retrieval._encode import encode
from shortlist.nn import EmbeddingTables
from shortlist.rng import derive
from shortlist.schema import Column, Schema, Tags

__all__ = ["MF"]


class MF(nn.Module):
    """A vector a user and a vector an item; the score is ``p_u . q_i``, with biases ``+ b_u + b_i``.

    Reads the user id and the item id, and passes every other column by. With biases the vectors are
    ``[p_u, b_u, 1]`` and ``[q_i, 1, b_i]``, so that the inner product is the whole score and an index needs
    to know nothing of biases. Trained with `BPR` this is BPR-MF; with `SampledSoftmax` and a temperature of 1
    a softmax over inner products.

    Args:
        schema: encoded columns with a user id and an item id.
        factors: width of ``p_u`` and ``q_i``; the vectors have two more numbers with biases.
        biases: whether users and items have a bias. That of users changes no order of items; pointwise
            losses want it.
        seed: of the initial weights, normal with standard deviation 0.05; biases start at 0.
        sparse: whether gradients are recorded by row, for a row-wise optimizer.

    Raises:
        SchemaError: there is no user id or no item id, or it is not encoded.
        ArgumentError: ``factors`` is below 1.

    Source: Rendle et al., "BPR: Bayesian personalized ranking from implicit feedback", UAI 2009; Koren, Bell,
    Volinsky, "Matrix factorization techniques for recommender systems", Computer 2009.

    >>> import numpy as np
    >>> from shortlist.schema import Domain
    >>> schema = Schema([
    ...     Column("user", "int64", ("user", "id"), domain=Domain("user", 10)),
    ...     Column("item", "int64", ("item", "id"), domain=Domain("item", 20)),
    ... ])
    >>> model = MF(schema, factors=4)
    >>> model.encode_item(Batch({"item": np.array([3, 4])})).shape
    (2, 6)
    """

    def __init__(
        self, schema: Schema, *, factors: int = 64, biases: bool = True, seed: int = 0, sparse: bool = True
    ) -> None:
        super().__init__()
        if factors < 1:
            raise ArgumentError("MF.factors", received=factors, expected="an integer >= 1")
        user, item = schema.the(Tags.USER, Tags.ID), schema.item
        self.schema, self.dim = schema, factors + 2 * biases
        self.query_schema = query_inputs(schema).select([user.name])
        self.item_schema = item_inputs(schema).select([item.name])
        check_sides("MF", schema, self.query_schema, self.item_schema)
        rows = table_rows([user, item])
        self.tables = EmbeddingTables(rows, factors, seed=derive(seed, "tables"), sparse=sparse)
        self.biases = EmbeddingTables(rows, 1, init_std=0.0, sparse=sparse) if biases else None
        self.query = _Factors(user, self.tables, self.biases, one_last=True)
        self.item = _Factors(item, self.tables, self.biases, one_last=False)

    def encode_query(self, batch: Batch) -> Any:
        """``[B, dim]`` float32 of users: NumPy for NumPy columns, tensors with gradients for tensors.

        Raises:
            SchemaError: the column is missing or of another kind.
        """
        return encode(self, self.query, batch, "MF.encode_query")

    def encode_item(self, batch: Batch) -> Any:
        """``[B, dim]`` of items, as `encode_query`."""
        return encode(self, self.item, batch, "MF.encode_item")

    def describe(self) -> str:
        """The embedding tables with their rows, width and memory; biases are not counted."""
        return describe_tables(self.tables, parameters_beside(self))


class _Factors(nn.Module):
    """One side: factors, then its bias and the 1 that the other side's bias is multiplied with."""

    def __init__(
        self, column: Column, tables: EmbeddingTables, biases: EmbeddingTables | None, *, one_last: bool
    ) -> None:
        super().__init__()
        self.inputs = Schema([column])
        self._name, self._table, self._one_last = column.name, table_of(column), one_last
        # The tables belong to the model: both sides may share one.
        self._shared = (tables, biases)

    def forward(self, columns: Columns) -> Tensor:
        """``[B, dim]`` of codes ``[B]``."""
        tables, biases = self._shared
        codes = columns[self._name]
        assert isinstance(codes, Tensor)
        factors = tables.lookup(self._table, codes)
        if biases is None:
            return factors
        bias = biases.lookup(self._table, codes)
        one = torch.ones_like(bias)
        return torch.cat([factors, bias, one] if self._one_last else [factors, one, bias], dim=1)

    def padded(self, *tensors: Tensor) -> Tensor:
        """The same for one tensor ``[B]``, for export."""
        vectors: Tensor = self({self._name: tensors[0]})
        return vectors
