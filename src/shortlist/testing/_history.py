"""What every encoder of histories must satisfy.

Each check takes ``make``, which builds the encoder of vectors of width 8 from a seed.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

__all__ = ["HISTORY_CHECKS", "POSITION_CHECKS", "histories"]

Make = Callable[[int], Any]

DIM = 8


def histories(lengths: list[int], *, seed: int = 0, before: int = 0, after: int = 2) -> tuple[Tensor, Tensor]:
    """Random events ``[B, L, 8]`` and their mask, with slots of padding before and after the longest.

    Padding holds numbers that would show if they were read.

    >>> histories([2, 0], before=1)[1].int().tolist()
    [[0, 1, 1, 0, 0], [0, 0, 0, 0, 0]]
    """
    generator = torch.Generator().manual_seed(seed)
    longest = max(lengths, default=0)
    events = torch.randn(len(lengths), longest, DIM, generator=generator)
    vectors = torch.full((len(lengths), before + longest + after, DIM), 7.0)
    mask = torch.zeros(vectors.shape[:2], dtype=torch.bool)
    for row, length in enumerate(lengths):
        vectors[row, before : before + length] = events[row, :length]
        mask[row, before : before + length] = True
    return vectors, mask


def check_empty_histories_give_zeros(make: Make) -> None:
    """No event, no slot and no row are ordinary inputs, also for gradients."""
    encoder = make(0).eval()
    for lengths, slots in (([0, 3, 0], 2), ([0, 0], 0), ([], 3), ([], 0)):
        vectors, mask = histories(lengths, after=slots)
        vectors.requires_grad_()
        out = encoder(vectors, mask)
        assert out.shape == (len(lengths), DIM)
        assert out.isfinite().all()
        assert not out[[row for row, length in enumerate(lengths) if length == 0]].any()
        torch.autograd.backward(out.sum())
        assert vectors.grad is not None
        assert vectors.grad.isfinite().all()
        assert not vectors.grad[~mask].any()


def check_padding_changes_nothing(make: Make) -> None:
    """Padding before or after, of any amount, gives the same vectors; each row's vector is its own."""
    encoder = make(0).eval()
    lengths = [3, 1, 5, 2]
    expected = encoder(*histories(lengths, after=0))
    for before, after in ((0, 4), (4, 0), (1, 2)):
        torch.testing.assert_close(encoder(*histories(lengths, before=before, after=after)), expected)
    vectors, mask = histories(lengths)
    for row in range(len(lengths)):
        torch.testing.assert_close(encoder(vectors[row : row + 1], mask[row : row + 1])[0], expected[row])


def check_every_event_counts(make: Make) -> None:
    """A change of any event that is read changes the result."""
    encoder = make(0).eval()
    vectors, mask = histories([4])
    with torch.no_grad():
        expected = encoder(vectors, mask)
        for place in range(4):
            changed = vectors.clone()
            changed[0, place, ::2] += 1.0  # a layer norm does not see an equal shift of all
            assert not torch.allclose(encoder(changed, mask), expected)


def check_encoder_seeds_reproduce(make: Make) -> None:
    """One seed gives one encoder, and torch's global generator stays where it was."""
    before = torch.random.get_rng_state()
    states = [make(seed).state_dict() for seed in (3, 3, 4)]
    assert torch.equal(torch.random.get_rng_state(), before)
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    drawn = [name for name, value in states[0].items() if value.unique().numel() > 1]
    assert all(not torch.equal(states[0][name], states[2][name]) for name in drawn)


def check_encoder_gradients(make: Make) -> None:
    """A loss on the result moves every parameter."""
    encoder = make(0)
    if not any(True for _ in encoder.parameters()):
        return
    target = torch.linspace(-1, 1, DIM)
    torch.autograd.backward((encoder(*histories([5, 2, 1, 7])) - target).square().sum())
    still = [name for name, value in encoder.named_parameters() if value.grad is None or not value.grad.any()]
    assert still == [], still


def check_positions_end_in_the_vector(make: Make) -> None:
    """The vector at the newest event is the history's; padding's are zeros."""
    encoder = make(0).eval()
    vectors, mask = histories([3, 1, 0, 5], before=1)
    positions = encoder.positions(vectors, mask)
    assert positions.shape == vectors.shape
    assert not positions[~mask].any()
    newest = torch.stack([positions[row, max(length, 1)] for row, length in enumerate((3, 1, 0, 5))])
    torch.testing.assert_close(encoder(vectors, mask), newest)


def check_positions_look_back_only(make: Make) -> None:
    """A change of an event changes nothing before it."""
    encoder = make(0).eval()
    vectors, mask = histories([6], after=0)
    changed = vectors.clone()
    changed[0, 3, ::2] += 1.0
    before, after = encoder.positions(vectors, mask)[0], encoder.positions(changed, mask)[0]
    torch.testing.assert_close(before[:3], after[:3])
    assert not torch.isclose(before[3:], after[3:]).all(1).any()


HISTORY_CHECKS = (
    check_empty_histories_give_zeros,
    check_padding_changes_nothing,
    check_every_event_counts,
    check_encoder_seeds_reproduce,
    check_encoder_gradients,
)
POSITION_CHECKS = (check_positions_end_in_the_vector, check_positions_look_back_only)
