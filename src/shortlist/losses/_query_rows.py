"""Rows that share a query, each of which may leave out other columns than the others do."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from shortlist.losses._pairs import Pairs

__all__ = ["QueryRows", "SharedQueries", "Some"]


class SharedQueries(NamedTuple):
    """Queries of which several rows have the same: row i has ``vectors[of[i]]``.

    >>> SharedQueries(torch.eye(2), torch.tensor([0, 1, 0])).whole().shape
    torch.Size([3, 2])
    """

    vectors: Tensor
    """``[U, D]``."""
    of: Tensor
    """``[B]`` int64."""

    def whole(self) -> Tensor:
        """``[B, D]``: one vector a row."""
        return self.vectors.index_select(0, self.of)


@dataclass(frozen=True, slots=True)
class Some:
    """Pairs of a query and a column that some of the query's rows leave out, and others do not.

    Attributes:
        queries: ``[P]``.
        columns: ``[P]``.
        rows: ``[E]`` rows that leave one of the pairs out.
        place: ``[E]`` which of the pairs.
    """

    queries: Tensor
    columns: Tensor
    rows: Tensor
    place: Tensor

    def sums(self, values: Tensor, query_of: Tensor, queries: int) -> Tensor:
        """``[B]``: sum of the values of the pairs of a row's query, but for those that the row leaves out."""
        # In float64, as a value that is left out may be many times as large as all others.
        values = values.double()
        of_query = values.new_zeros(queries).index_add_(0, self.queries, values)
        of_row = values.new_zeros(len(query_of)).index_add_(0, self.rows, values[self.place])
        return (of_query[query_of] - of_row).clamp(min=0.0)

    def parts(self, of_query: Tensor, of_row: Tensor) -> Tensor:
        """``[P]``: what the rows of a query sum to, but for those that leave the pair out."""
        whole = of_query.double()[self.queries]
        left = whole.new_zeros(len(whole)).index_add_(0, self.place, of_row.double()[self.rows])
        return (whole - left).clamp(min=0.0)


@dataclass(frozen=True, slots=True)
class QueryRows:
    """Which rows have which query.

    Attributes:
        query_of: ``[B]`` query of each row.
        order: ``[B]`` the rows ordered by query.
        starts: where each query's rows start in ``order``, and the end of the last.
        left_out: pairs of a query and a column that at least one of its rows leaves out, ordered by query.
        some: those of them that not all of its rows leave out; None for none.
    """

    query_of: Tensor
    order: Tensor
    starts: list[int]
    left_out: Pairs | None
    some: Some | None

    @classmethod
    def of(cls, query_of: Tensor, exclude: Pairs | None, queries: int, columns: int) -> "QueryRows":
        """Group the rows of ``queries`` queries and the pairs of a row and a column that are left out.

        >>> pairs = torch.tensor([0, 1, 2]), torch.tensor([7, 7, 8])
        >>> rows = QueryRows.of(torch.tensor([1, 1, 0]), pairs, 2, 9)
        >>> rows.order.tolist(), [part.tolist() for part in rows.left_out], rows.some
        ([2, 0, 1], [[0, 1], [8, 7]], None)
        """
        of = query_of.numpy()
        counts = np.bincount(of, minlength=queries)
        starts = [0, *np.cumsum(counts).tolist()]
        order = torch.from_numpy(np.argsort(of, kind="stable"))
        if exclude is None or len(exclude[0]) == 0:
            return cls(query_of, order, starts, None, None)
        rows, places = (part.numpy() for part in exclude)
        keys = np.sort((of[rows] * columns + places) * len(of) + rows)
        pairs, row = np.divmod(keys[np.diff(keys, prepend=-1) != 0], len(of))
        first = np.flatnonzero(np.diff(pairs, prepend=-1) != 0)
        times = np.diff(first, append=len(pairs))
        query, column = np.divmod(pairs[first], columns)
        left_out = torch.from_numpy(query), torch.from_numpy(column)
        partly = times < counts[query]
        if not partly.any():
            return cls(query_of, order, starts, left_out, None)
        place = np.repeat(np.arange(np.count_nonzero(partly)), times[partly])
        found = (query[partly], column[partly], row[np.repeat(partly, times)], place)
        return cls(query_of, order, starts, left_out, Some(*map(torch.from_numpy, found)))

    def rows(self, queries: slice) -> Tensor:
        """The rows of some queries."""
        return self.order[self.starts[queries.start] : self.starts[queries.stop]]
