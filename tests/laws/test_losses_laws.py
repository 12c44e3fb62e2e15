"""Laws of the losses on random inputs."""

from collections.abc import Callable
from functools import partial
from itertools import accumulate, pairwise

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from shortlist import losses
from shortlist.losses import sampled_softmax
from shortlist.testing._losses import check_softmax_values

Loss = Callable[..., Tensor]


@settings(max_examples=15, deadline=None)
@given(rows=st.integers(1, 9), columns=st.integers(1, 9), seed=st.integers(0, 10**6))
def test_sampled_softmax_equals_its_reference(rows: int, columns: int, seed: int) -> None:
    check_softmax_values(sampled_softmax, rows=rows, columns=columns, seed=seed)


@settings(max_examples=15, deadline=None)
@given(rows=st.integers(1, 8), seed=st.integers(0, 10**6), shift=st.floats(-3, 3))
def test_a_constant_in_both_weights_changes_nothing(rows: int, seed: int, shift: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    vectors = torch.randn(3, rows, 4, generator=generator, dtype=torch.float64)
    weights = torch.randn(2, rows, generator=generator, dtype=torch.float64)
    left = sampled_softmax(*vectors, log_weights=weights[0], positive_log_weights=weights[1])
    right = sampled_softmax(*vectors, log_weights=weights[0] + shift, positive_log_weights=weights[1] + shift)
    torch.testing.assert_close(left, right)


@settings(max_examples=15, deadline=None)
@given(rows=st.integers(1, 8), columns=st.integers(2, 8), seed=st.integers(0, 10**6))
def test_excluding_a_column_everywhere_is_leaving_it_out(rows: int, columns: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    queries, positives = torch.randn(2, rows, 4, generator=generator, dtype=torch.float64)
    negatives = torch.randn(columns, 4, generator=generator, dtype=torch.float64)
    pairs = (torch.arange(rows), torch.full((rows,), columns - 1))
    left = sampled_softmax(queries, positives, negatives, exclude=pairs)
    torch.testing.assert_close(left, sampled_softmax(queries, positives, negatives[:-1]))


SCORE_LOSSES = (
    losses.softmax,
    losses.logistic,
    losses.bpr,
    losses.bpr_max,
    losses.top1,
    losses.top1_max,
    losses.hinge,
    losses.adaptive_hinge,
    losses.triplet,
    losses.contrastive,
    losses.cosine_contrastive,
    losses.wmrb,
    partial(losses.gbce, catalogue=100),
    partial(losses.warp, catalogue=100),
)
loss_of_scores = st.sampled_from(SCORE_LOSSES)
LIST_LOSSES = (losses.list_net, losses.list_mle, losses.rank_net, losses.lambda_rank, losses.approx_ndcg)


@settings(max_examples=60, deadline=None)
@given(loss=loss_of_scores, rows=st.integers(0, 6), columns=st.integers(0, 6), seed=st.integers(0, 10**6))
def test_a_batch_is_the_mean_of_its_rows(loss: Loss, rows: int, columns: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    positives = torch.randn(rows, generator=generator, dtype=torch.float64)
    negatives = torch.randn(rows, columns, generator=generator, dtype=torch.float64)
    exclude = torch.rand(rows, columns, generator=generator) < 0.5
    rest = [torch.nonzero(~mask)[:, 0] for mask in exclude]  # what a row keeps, without the rest
    each = [loss(positives[[i]], negatives[i, kept][None]) for i, kept in enumerate(rest)]
    expected = torch.stack(each).mean() if each else torch.zeros((), dtype=torch.float64)
    torch.testing.assert_close(loss(positives, negatives, exclude=exclude), expected)


@settings(max_examples=60, deadline=None)
@given(
    loss=loss_of_scores,
    counts=st.lists(st.integers(0, 4), min_size=1, max_size=5),
    rows=st.integers(1, 4),
    seed=st.integers(0, 10**6),
)
def test_log_counts_are_repetitions(loss: Loss, counts: list[int], rows: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    positives = torch.randn(rows, generator=generator, dtype=torch.float64)
    negatives = torch.randn(rows, len(counts), generator=generator, dtype=torch.float64)
    times = torch.tensor(counts)
    repeated = negatives[:, torch.repeat_interleave(times)]
    received = loss(positives, negatives, log_weights=times.double().log())
    torch.testing.assert_close(received, loss(positives, repeated))


@settings(max_examples=15, deadline=None)
@given(rows=st.integers(1, 8), columns=st.integers(1, 8), seed=st.integers(0, 10**6))
def test_softmax_of_scores_is_that_of_vectors(rows: int, columns: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    queries, positives = torch.randn(2, rows, 4, generator=generator, dtype=torch.float64)
    negatives = torch.randn(columns, 4, generator=generator, dtype=torch.float64)
    log_weights = torch.randn(columns, generator=generator, dtype=torch.float64)
    mask = torch.rand(rows, columns, generator=generator) < 0.3
    left = losses.softmax(
        (queries * positives).sum(1), queries @ negatives.T, log_weights=log_weights, exclude=mask
    )
    pairs = mask.nonzero(as_tuple=True)
    right = sampled_softmax(
        queries, positives, negatives, log_weights=log_weights, exclude=(pairs[0], pairs[1])
    )
    torch.testing.assert_close(left, right)


@settings(max_examples=40, deadline=None)
@given(
    loss=st.sampled_from(LIST_LOSSES),
    lengths=st.lists(st.integers(0, 5), max_size=5),
    seed=st.integers(0, 10**6),
)
def test_one_list_is_many_lists(loss: Loss, lengths: list[int], seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    scores = torch.randn(sum(lengths), generator=generator, dtype=torch.float64)
    labels = torch.randint(4, (sum(lengths),), generator=generator)
    offsets = torch.tensor([0, *accumulate(lengths)])
    parts = [slice(start, end) for start, end in pairwise(offsets.tolist())]
    each = [loss(scores[part], labels[part], torch.tensor([0, part.stop - part.start])) for part in parts]
    expected = torch.stack(each).mean() if each else torch.zeros((), dtype=torch.float64)
    torch.testing.assert_close(loss(scores, labels, offsets), expected)
