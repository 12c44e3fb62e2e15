"""Laws of the losses on random inputs."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from shortlist.losses import sampled_softmax
from shortlist.testing._losses import check_softmax_values


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
