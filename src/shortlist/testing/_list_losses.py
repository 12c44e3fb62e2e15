"""What every loss of whole lists, and every loss of single rows, must satisfy."""

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor

__all__ = [
    "check_list_gradients",
    "check_list_invariances",
    "check_list_precision",
    "check_list_training",
    "check_lists_of_nothing",
    "check_point_gradients",
    "check_point_precision",
    "check_point_weights",
]

_Loss = Callable[..., Tensor]


def check_list_gradients(loss: _Loss, *, seed: int) -> None:
    """Gradients equal finite differences in float64, with and without weights of lists."""
    scores, labels, offsets = _lists(seed)
    weights = torch.tensor([1.0, 2.0, 0.5, 3.0], dtype=torch.float64)
    for given in ({}, {"weights": weights}):

        def of_scores(scores: Tensor, given: dict[str, Tensor] = given) -> Tensor:
            return loss(scores, labels, offsets, **given)

        assert torch.autograd.gradcheck(of_scores, (scores.requires_grad_(),))


def check_list_invariances(loss: _Loss, *, seed: int) -> None:
    """A weighted mean over lists, each by itself; items in any order; scores of a list may be shifted."""
    scores, labels, offsets = _lists(seed)
    parts = [slice(start, end) for start, end in pairwise(offsets.tolist())]
    each = torch.stack([loss(scores[p], labels[p], torch.tensor([0, p.stop - p.start])) for p in parts])
    assert int((each != 0).sum()) >= 2
    torch.testing.assert_close(loss(scores, labels, offsets), each.mean())
    weights = torch.tensor([1.0, 2.0, 0.0, 3.0], dtype=torch.float64)
    for scale in (1.0, 5.0):
        received = loss(scores, labels, offsets, weights=weights * scale)
        torch.testing.assert_close(received, each @ weights / weights.sum())
    order = torch.cat([torch.arange(p.start, p.stop).flip(0) for p in parts])
    torch.testing.assert_close(loss(scores[order], labels[order], offsets), each.mean())
    shift = torch.repeat_interleave(torch.tensor([1.0, -2.0, 0.5, 3.0]), offsets.diff())
    torch.testing.assert_close(loss(scores + shift, labels, offsets), each.mean())


def check_lists_of_nothing(loss: _Loss) -> None:
    """Empty lists and lists without a choice lose nothing; no lists, and no weight, are 0."""
    for bounds, weights in (([0], None), ([0, 0, 0], None), ([0, 2], torch.zeros(1)), ([0, 1, 2], None)):
        scores = torch.ones(bounds[-1], requires_grad=True)
        value = loss(scores, torch.ones(bounds[-1]), torch.tensor(bounds), weights=weights)
        assert value.shape == ()
        assert value.item() == 0.0
        (grad,) = torch.autograd.grad(value, scores)
        assert bool((grad == 0).all())
    scores, labels, offsets = _lists(0)
    more = loss(scores, labels, torch.cat([offsets, offsets[-1:]]))  # one more list, which is empty
    torch.testing.assert_close(more, loss(scores, labels, offsets) * 4 / 5)


def check_list_precision(loss: _Loss, *, seed: int) -> None:
    """Finite at scores of 1e4 with their gradients; half precision is widened, under autocast too."""
    for dtype in (torch.float32, torch.bfloat16):
        scores = torch.tensor([-1e4, 1e4, 0.0, 1e4, -1e4, 1e4], dtype=dtype, requires_grad=True)
        labels = torch.tensor([2.0, 1.0, 0.0, 1.0, 0.0, 3.0])
        value = loss(scores, labels, torch.tensor([0, 3, 3, 6]))
        assert value.dtype == torch.float32
        assert bool(value.isfinite())
        assert bool(torch.autograd.grad(value, scores)[0].isfinite().all())
    scores, labels, offsets = _lists(seed)
    _check_autocast(loss, scores.float(), labels, offsets)
    half = scores.bfloat16()
    torch.testing.assert_close(loss(half, labels, offsets), loss(half.float(), labels, offsets))


def check_list_training(loss: _Loss, *, lr: float = 1.0) -> None:
    """Descent from nearly equal scores in the wrong order ends in the order of the labels."""
    labels = torch.tensor([0.0, 1.0, 2.0, 1.0, 0.0])
    scores = torch.tensor([0.02, 0.01, 0.0, 0.0, 0.01], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([scores], lr=lr)
    for _ in range(60):
        optimizer.zero_grad()
        (scores.grad,) = torch.autograd.grad(loss(scores, labels, torch.tensor([0, 3, 5])), scores)
        optimizer.step()
    assert bool(scores[2] > scores[1] > scores[0])
    assert bool(scores[3] > scores[4])


def check_point_gradients(loss: _Loss, labels: Tensor, *, seed: int) -> None:
    """Gradients equal finite differences in float64, with and without weights."""
    predictions = _predictions(len(labels), seed).requires_grad_()
    for weights in (None, torch.arange(1.0, 1 + len(labels), dtype=torch.float64)):

        def of_predictions(predictions: Tensor, weights: Tensor | None = weights) -> Tensor:
            return loss(predictions, labels, weights=weights)

        assert torch.autograd.gradcheck(of_predictions, (predictions,))


def check_point_weights(loss: _Loss, labels: Tensor, *, seed: int) -> None:
    """A weighted mean over rows in any order; a weight of 2 is the row twice; nothing is 0."""
    predictions = _predictions(len(labels), seed)
    each = torch.stack([loss(predictions[[i]], labels[[i]]) for i in range(len(labels))])
    torch.testing.assert_close(loss(predictions, labels), each.mean())
    torch.testing.assert_close(loss(predictions.flip(0), labels.flip(0)), each.mean())
    counts = torch.arange(len(labels))
    twice = loss(predictions.repeat_interleave(counts), labels.repeat_interleave(counts))
    for scale in (1.0, 5.0):
        torch.testing.assert_close(loss(predictions, labels, weights=counts * scale), twice)
    for rows in (0, len(labels)):
        some = predictions[:rows].clone().requires_grad_()
        value = loss(some, labels[:rows], weights=torch.zeros(rows))
        assert value.shape == ()
        assert value.item() == 0.0
        assert bool((torch.autograd.grad(value, some)[0] == 0).all())


def check_point_precision(loss: _Loss, labels: Tensor, *, seed: int) -> None:
    """Finite at predictions of 1e4 with gradients; half precision is widened, under autocast too."""
    for dtype in (torch.float32, torch.bfloat16):
        for sign in (1, -1):
            extreme = torch.full((len(labels),), 1e4 * sign, dtype=dtype, requires_grad=True)
            value = loss(extreme, labels)
            assert value.dtype == torch.float32
            assert bool(value.isfinite())
            assert bool(torch.autograd.grad(value, extreme)[0].isfinite().all())
    _check_autocast(loss, _predictions(len(labels), seed).float(), labels)
    half = _predictions(len(labels), seed).bfloat16()
    torch.testing.assert_close(loss(half, labels), loss(half.float(), labels))


def _check_autocast(loss: _Loss, *arguments: Tensor) -> None:
    with torch.autocast("cpu", torch.bfloat16):
        coarse = loss(*arguments)
    torch.testing.assert_close(coarse, loss(*arguments))


def _predictions(rows: int, seed: int) -> Tensor:
    return torch.randn(rows, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def _lists(seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Four lists of 3, 0, 5 and 1 items, with distinct labels within a list."""
    labels = torch.tensor([1.0, 0.0, 2.0, 3.0, 0.0, 1.0, 4.0, 2.0, 1.0], dtype=torch.float64)
    return _predictions(9, seed), labels, torch.tensor([0, 3, 3, 8, 9])
