"""What every loss of one positive's score against its negatives' must satisfy."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

__all__ = [
    "check_score_gradients",
    "check_score_invariances",
    "check_score_precision",
    "check_score_rows_without_negatives",
    "check_score_shift",
    "check_score_training",
    "check_score_weights",
]

_Loss = Callable[..., Tensor]


def check_score_gradients(loss: _Loss, *, seed: int) -> None:
    """Gradients equal finite differences in float64, without options and with all; constants get none."""
    positives, negatives, options = _case(seed)
    for given in ({}, options):

        def of_scores(*scores: Tensor, given: dict[str, Tensor] = given) -> Tensor:
            return loss(*scores, **given)

        assert torch.autograd.gradcheck(of_scores, (positives.requires_grad_(), negatives.requires_grad_()))
    log_weights = options["log_weights"].requires_grad_()
    value = loss(positives, negatives, log_weights=log_weights)
    (none,) = torch.autograd.grad(value, (log_weights,), allow_unused=True)
    assert none is None


def check_score_invariances(loss: _Loss, *, seed: int, ordered: bool = False) -> None:
    """Rows in any order; negatives too unless ``ordered``; left out is absent, whatever it scores."""
    positives, negatives, options = _case(seed)
    expected = loss(positives, negatives, **options)
    rows = torch.arange(len(positives)).flip(0)
    moved = {name: option[rows] for name, option in options.items()}
    torch.testing.assert_close(loss(positives[rows], negatives[rows], **moved), expected)
    if not ordered:
        columns = torch.arange(negatives.shape[1]).roll(2)
        moved = {name: x if x.ndim == 1 else x[:, columns] for name, x in options.items()}
        torch.testing.assert_close(loss(positives, negatives[:, columns], **moved), expected)
    less = loss(positives, negatives[:, 1:])
    for nonsense in (math.nan, math.inf, -math.inf, 1e9):
        spoilt = negatives.clone()
        spoilt[:, 0] = nonsense
        spoilt.requires_grad_()
        mask = torch.zeros_like(negatives, dtype=torch.bool)
        mask[:, 0] = True
        nothing = torch.zeros(negatives.shape[1]).index_fill(0, torch.tensor([0]), -math.inf)
        for left_out in ({"exclude": mask}, {"log_weights": nothing}):
            value = loss(positives, spoilt, **left_out)
            torch.testing.assert_close(value, less)
            (grad,) = torch.autograd.grad(value, spoilt)
            assert bool((grad[:, 0] == 0).all())


def check_score_weights(loss: _Loss, *, seed: int) -> None:
    """Weights of rows make a weighted mean and count by their shares; a negative of log 2 stands twice."""
    positives, negatives, _ = _case(seed)
    each = torch.stack([loss(positives[[i]], negatives[[i]]) for i in range(len(positives))])
    torch.testing.assert_close(loss(positives, negatives), each.mean())
    weights = torch.arange(len(positives), dtype=torch.float64)
    for scale in (1.0, 7.0):
        received = loss(positives, negatives, weights=weights * scale)
        torch.testing.assert_close(received, each @ weights / weights.sum())
    for column in range(negatives.shape[1]):
        twice = torch.zeros(negatives.shape[1], dtype=torch.float64)
        twice[column] = math.log(2)
        places = torch.arange(negatives.shape[1]).repeat_interleave(1 + (twice > 0))
        repeated = loss(positives, negatives[:, places])
        torch.testing.assert_close(loss(positives, negatives, log_weights=twice), repeated)
        by_row = twice.expand(len(positives), -1)
        torch.testing.assert_close(loss(positives, negatives, log_weights=by_row), repeated)


def check_score_rows_without_negatives(loss: _Loss) -> None:
    """Such rows lose 0 and still count in the mean; nothing at all is a loss of 0 with gradients of 0."""
    positives, negatives, _ = _case(0)
    mask = torch.zeros_like(negatives, dtype=torch.bool)
    mask[1:] = True
    alone = loss(positives[:1], negatives[:1])
    torch.testing.assert_close(loss(positives, negatives, exclude=mask), alone / len(positives))
    for rows, columns, given in ((0, 3, None), (3, 0, None), (0, 0, None), (3, 4, 0.0)):
        scores = (torch.ones(rows, requires_grad=True), torch.ones(rows, columns, requires_grad=True))
        value = loss(*scores, weights=None if given is None else torch.full((rows,), given))
        assert value.shape == ()
        assert value.item() == 0.0
        assert all(bool((grad == 0).all()) for grad in torch.autograd.grad(value, scores))


def check_score_precision(loss: _Loss, *, seed: int) -> None:
    """Finite at scores of 1e4 with their gradients; half precision is widened, under autocast too."""
    for dtype in (torch.float32, torch.bfloat16):
        for sign in (1, -1):
            scores = (
                torch.tensor([1e4, -1e4, 0.0], dtype=dtype).mul(sign).requires_grad_(),
                torch.tensor([[-1e4, 1e4], [1e4, 0.0], [1e4, -1e4]], dtype=dtype).mul(sign).requires_grad_(),
            )
            value = loss(*scores)
            assert value.dtype == torch.float32
            assert bool(value.isfinite())
            assert all(bool(grad.isfinite().all()) for grad in torch.autograd.grad(value, scores))
    positives, negatives, options = _case(seed)
    with torch.autocast("cpu", torch.bfloat16):
        coarse = loss(positives.float(), negatives.float(), **options)
    torch.testing.assert_close(coarse, loss(positives.float(), negatives.float(), **options))
    half = (positives.bfloat16(), negatives.bfloat16())
    torch.testing.assert_close(loss(*half, **options), loss(half[0].float(), half[1].float(), **options))


def check_score_shift(loss: _Loss, *, seed: int, invariant: bool) -> None:
    """A constant added to all scores of a row changes nothing; or, if not ``invariant``, something."""
    positives, negatives, options = _case(seed)
    shift = torch.arange(1.0, 1 + len(positives), dtype=torch.float64)
    moved = loss(positives + shift, negatives + shift[:, None], **options)
    assert torch.allclose(moved, loss(positives, negatives, **options)) == invariant


def check_score_training(loss: _Loss) -> None:
    """Descent from equal scores puts every positive above its negatives."""
    scores = torch.zeros(3, 5, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([scores], lr=0.5)
    for _ in range(20):
        optimizer.zero_grad()
        (scores.grad,) = torch.autograd.grad(loss(scores[:, 0], scores[:, 1:]), scores)
        optimizer.step()
    assert bool((scores[:, :1] > scores[:, 1:]).all())


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _case(seed: int) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    """Scores ``[4]`` and ``[4, 5]`` within (-1, 1), and all options; one row is left without negatives."""
    generator = _generator(seed)

    def uniform(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator, dtype=torch.float64)

    positives, negatives = uniform(4) * 1.8 - 0.9, uniform(4, 5) * 1.8 - 0.9
    exclude = uniform(4, 5) < 0.3
    exclude[3] = True
    log_weights = (uniform(4, 5) + 0.5).log()
    return positives, negatives, {"log_weights": log_weights, "exclude": exclude, "weights": uniform(4)}
