"""Softmax by plain sums of exponentials: for scores that float32 holds as they are, and repeated queries."""

from dataclasses import dataclass

import torch
from torch import Tensor

from shortlist.losses._numbers import lowest
from shortlist.losses._pairs import Pairs, cut
from shortlist.losses._query_rows import QueryRows
from shortlist.losses._softmax_passes import CHUNK_SCORES, Passed, Terms, nothing

__all__ = ["by_sums", "sums_fit"]

_LARGEST = 60.0  # sums of so many exponentials stay far from the ends of float32, e^88 and e^-87
_MORE_WIDTH = 8  # columns beside the vectors, of which two are needed: odd widths make slow products


def sums_fit(queries: Tensor, negatives: Tensor, terms: Terms, dtype: torch.dtype) -> bool:
    """Whether exponentials of scores and weights stay far within float32 as they are, and `by_sums` is apt.

    Scores are bounded by the product of the longest vectors. Only on a processor: an accelerator would have
    to be waited for.
    """
    if dtype != torch.bfloat16 or queries.device.type != "cpu" or min(len(queries), len(negatives)) == 0:
        return False
    bound = queries.norm(dim=1).max() * negatives.norm(dim=1).max()
    for weights in (terms.log_weights, terms.positive_log_weights):
        if weights is not None and bool((bound + _finite(weights).abs().max()) > _LARGEST):
            return False
    return bool(bound <= _LARGEST)


def by_sums(
    queries: Tensor, positives: Tensor, negatives: Tensor, terms: Terms, dtype: torch.dtype
) -> Passed:
    """For scores that `sums_fit`: each is touched by its product, its exponential and two more products.

    With w the weights, ``Z = sum of w_j e^(s_j)`` and p the target, a row's loss is ``log(1 + Z e^-p)`` and
    its slope by s_j is ``a w_j e^(s_j)`` with ``a = 1 / (Z + e^p)``. The weights are put on the vectors of
    the columns, and Z is one more column of the product that makes the queries' gradients.

    Rows of one query share its exponentials, and their a add up. What one of its rows leaves out is left out
    for all, and added again, pair by pair, for those that do not leave it out.
    """
    passed = nothing(queries, positives, negatives, terms)
    shares, width = terms.shares, queries.shape[1]
    wide, found = queries.to(shares.dtype), _Found.of(queries, positives, negatives, terms)
    narrow, columns, weighed = queries.to(dtype), negatives.to(dtype).T, _weighed(negatives, found, dtype)
    sums = shares.new_empty(len(queries), weighed.shape[1])
    for part, pairs in cut(len(queries), len(negatives), found.left_out, CHUNK_SCORES):
        scores = torch.mm(narrow[part], columns).exp_()
        if pairs is not None:
            scores[pairs] = 0.0
        own = sums[part].copy_(torch.mm(scores, weighed))
        if terms.with_gradients:
            added = found.slopes(own[:, width] + own[:, width + 1], part)
            passed.gradients[2].add_(torch.mm(scores.T, (added.unsqueeze(1) * wide[part]).to(dtype)))
    totals = found.totals(sums[:, width] + sums[:, width + 1])
    passed.loss.add_((totals / found.of_target).log1p() @ shares)
    if terms.with_gradients:
        passed.gradients[2].mul_(found.weights.unsqueeze(1))
        _add_gradients(passed, found, (wide, positives, negatives), sums[:, :width], totals)
    return passed


@dataclass(slots=True)
class _Found:
    """What is known of rows and columns beside the scores.

    Attributes:
        weights: ``[M]``.
        shares: ``[B]`` of the rows in the mean.
        of_target: ``[B]``: e^p.
        left_out: pairs of a query and a column, ordered by query.
        rows: of each query; None where each row has its own.
        values: ``[P]``: ``w_j e^(s_j)`` of pairs that some rows of a query leave out.
        more: ``[B]``: what a row's Z has beyond that of its query.
    """

    weights: Tensor
    shares: Tensor
    of_target: Tensor
    left_out: Pairs | None
    rows: QueryRows | None
    values: Tensor | None = None
    more: Tensor | None = None

    @classmethod
    def of(cls, queries: Tensor, positives: Tensor, negatives: Tensor, terms: Terms) -> "_Found":
        dtype = terms.shares.dtype
        own = queries if terms.query_of is None else queries.index_select(0, terms.query_of)
        target = (own.to(dtype) * positives.to(dtype)).sum(1)
        if terms.positive_log_weights is not None:
            target = target + terms.positive_log_weights
        shares, logs = terms.shares, terms.log_weights
        weights = shares.new_ones(len(negatives)) if logs is None else logs.exp()
        if terms.query_of is None:
            return cls(weights, shares, target.exp(), terms.exclude, None)
        rows = QueryRows.of(terms.query_of, terms.exclude, len(queries), len(negatives))
        made = cls(weights, shares, target.exp(), rows.left_out, rows)
        if rows.some is not None:
            pairs = queries[rows.some.queries].to(dtype), negatives[rows.some.columns].to(dtype)
            made.values = (pairs[0] * pairs[1]).sum(1).double().exp() * weights[rows.some.columns]
            made.more = rows.some.sums(made.values, rows.query_of, len(queries)).to(dtype)
        return made

    def totals(self, of_query: Tensor) -> Tensor:
        """``[B]``: Z of every row."""
        if self.rows is None:
            return of_query
        totals = of_query[self.rows.query_of]
        return totals if self.more is None else totals + self.more

    def slopes(self, of_query: Tensor, part: slice) -> Tensor:
        """The a of some queries, those of their rows added up, each times the row's share."""
        if self.rows is None:
            return self.shares[part] / (of_query + self.of_target[part])
        rows = self.rows.rows(part)
        place = self.rows.query_of[rows] - part.start
        totals = of_query[place] if self.more is None else of_query[place] + self.more[rows]
        slopes = self.shares[rows] / (totals + self.of_target[rows])
        return torch.zeros_like(of_query).index_add_(0, place, slopes)


def _add_gradients(
    passed: Passed,
    found: _Found,
    vectors: tuple[Tensor, Tensor, Tensor],
    sums: Tensor,
    totals: Tensor,
) -> None:
    queries, positives, negatives = vectors
    a = found.shares / (totals + found.of_target)
    slope = (a * totals).unsqueeze(1)
    if found.rows is None:
        torch.sub(a.unsqueeze(1) * sums, slope * positives, out=passed.gradients[0])
        torch.mul(queries, -slope, out=passed.gradients[1])
        return
    query_of, some = found.rows.query_of, found.rows.some
    torch.mul(queries.index_select(0, query_of), -slope, out=passed.gradients[1])
    added = a.new_zeros(len(queries)).index_add_(0, query_of, a)
    torch.mul(sums, added.unsqueeze(1), out=passed.gradients[0])
    passed.gradients[0].index_add_(0, query_of, -slope * positives)
    if some is not None and found.values is not None:
        part = (some.parts(added, a) * found.values).to(a.dtype).unsqueeze(1)
        passed.gradients[0].index_add_(0, some.queries, part * negatives[some.columns])
        passed.gradients[2].index_add_(0, some.columns, part * queries[some.queries])


def _weighed(negatives: Tensor, found: _Found, dtype: torch.dtype) -> Tensor:
    """``w_j`` times column j, beside it ``w_j``, and beside that what rounding took from it."""
    width, weights = negatives.shape[1], found.weights
    weighed = torch.zeros(len(negatives), width + _MORE_WIDTH, dtype=dtype)
    torch.mul(negatives, weights.unsqueeze(1), out=weighed[:, :width])
    weighed[:, width] = weights
    weighed[:, width + 1] = weights - weighed[:, width]
    return weighed


def _finite(weights: Tensor) -> Tensor:
    """Weights with 0 where they leave a column out."""
    return torch.where(weights > lowest(weights.dtype), weights, 0.0)
