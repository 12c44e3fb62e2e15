"""What every softmax loss over shared negatives must satisfy."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

__all__ = [
    "check_full_softmax_gradients",
    "check_full_softmax_values",
    "check_softmax_gradients",
    "check_softmax_on_nothing",
    "check_softmax_values",
    "softmax_reference",
]

_Loss = Callable[..., Tensor]


def softmax_reference(
    queries: Tensor,
    positives: Tensor,
    negatives: Tensor,
    *,
    temperature: float | Tensor = 1.0,
    log_weights: Tensor | None = None,
    positive_log_weights: Tensor | None = None,
    exclude: tuple[Tensor, Tensor] | None = None,
    weights: Tensor | None = None,
) -> Tensor:
    """The definition of ``losses.sampled_softmax`` with the whole ``[B, 1 + M]`` matrix of scores.

    >>> vectors = torch.eye(2)
    >>> loss = softmax_reference(vectors, vectors, vectors, exclude=(torch.arange(2), torch.arange(2)))
    >>> math.isclose(loss.item(), math.log(1 + math.exp(-1)), rel_tol=1e-6)
    True
    """
    positive = (queries * positives).sum(1) / temperature
    if positive_log_weights is not None:
        positive = positive + positive_log_weights
    scores = queries @ negatives.T / temperature
    if log_weights is not None:
        scores = scores + log_weights
    if exclude is not None:
        mask = torch.zeros(scores.shape, dtype=torch.bool)
        mask[exclude] = True
        scores = scores.masked_fill(mask, -math.inf)
    rows = -functional.log_softmax(torch.cat([positive[:, None], scores], 1), 1)[:, 0]
    shares = torch.ones_like(rows) if weights is None else weights.to(rows.dtype)
    return rows @ shares / shares.sum().clamp(min=torch.finfo(rows.dtype).tiny)


def check_softmax_values(loss: _Loss, *, rows: int, columns: int, seed: int, rtol: float = 1e-9) -> None:
    """The loss and all its gradients equal the reference, for every combination of its options."""
    for options in _options(rows, columns, seed):
        expected, received = (
            _value_and_gradients(f, rows, columns, seed, options) for f in (softmax_reference, loss)
        )
        for name, left, right in zip(
            ("loss", "queries", "positives", "negatives"), expected, received, strict=True
        ):
            torch.testing.assert_close(right, left, rtol=rtol, atol=rtol, msg=name)


def check_softmax_gradients(loss: _Loss, *, seed: int) -> None:
    """The gradients equal finite differences in float64, without options and with all of them."""
    for options in ({}, _options(3, 4, seed)[-1]):

        def of_vectors(*vectors: Tensor, options: dict[str, Any] = options) -> Tensor:
            return loss(*vectors, **options)

        assert torch.autograd.gradcheck(of_vectors, _vectors(3, 4, seed))


def check_softmax_on_nothing(loss: _Loss) -> None:
    """No rows, no negatives, or no weight give a loss of 0 and gradients of 0."""
    for rows, columns in ((0, 3), (3, 0), (0, 0)):
        value, *grads = _value_and_gradients(loss, rows, columns, 0, {})
        assert value.item() == 0.0
        assert all(bool((grad == 0).all()) for grad in grads)
    value, *grads = _value_and_gradients(loss, 3, 4, 0, {"weights": torch.zeros(3)})
    assert value.item() == 0.0
    assert all(bool((grad == 0).all()) for grad in grads)


def check_full_softmax_values(loss: _Loss, *, rows: int, columns: int, seed: int, rtol: float = 1e-9) -> None:
    """The loss over a catalogue and its gradients equal those of the whole matrix of scores, by autograd.

    Passing ``functools.partial(loss, label_smoothing=e)`` compares with the same smoothing.
    """
    smoothing = getattr(loss, "keywords", {}).get("label_smoothing", 0.0)
    queries, _, items = _vectors(rows, columns, seed)
    positives = torch.arange(rows) * 3 % columns
    for options in _options(rows, columns, seed):
        options.pop("positive_log_weights", None)
        received = loss(queries, positives, items, **options)
        expected = _full_reference(queries, positives, items, smoothing, options)
        pairs = zip(
            (received, *torch.autograd.grad(received, (queries, items))),
            (expected, *torch.autograd.grad(expected, (queries, items))),
            strict=True,
        )
        for left, right in pairs:
            torch.testing.assert_close(left, right, rtol=rtol, atol=rtol)


def check_full_softmax_gradients(loss: _Loss, *, seed: int) -> None:
    """The gradients equal finite differences in float64, without options and with all of them."""
    queries, _, items = _vectors(3, 4, seed)
    positives = torch.tensor([2, 0, 2])
    for options in ({}, _options(3, 4, seed)[-1]):
        options.pop("positive_log_weights", None)

        def of_vectors(queries: Tensor, items: Tensor, options: dict[str, Any] = options) -> Tensor:
            return loss(queries, positives, items, **options)

        assert torch.autograd.gradcheck(of_vectors, (queries, items))


def _full_reference(
    queries: Tensor, positives: Tensor, items: Tensor, smoothing: float, options: dict[str, Any]
) -> Tensor:
    scores = queries @ items.T / options.get("temperature", 1.0)
    weights = torch.ones_like(scores) * options.get("log_weights", torch.zeros(len(items))).exp()
    if "exclude" in options:
        weights[options["exclude"]] = 0.0
    rows = torch.arange(len(queries))
    weights[rows, positives] = 1.0
    log_sum = (scores.exp() * weights).sum(1).log()
    mean = (scores * weights).sum(1) / weights.sum(1)
    losses = log_sum - (1 - smoothing) * scores[rows, positives] - smoothing * mean
    row_weights: Tensor = options.get("weights", torch.ones(len(queries)))
    loss: Tensor = (losses * row_weights).sum() / row_weights.sum()
    return loss


def _value_and_gradients(
    loss: _Loss, rows: int, columns: int, seed: int, options: dict[str, Any]
) -> tuple[Tensor, ...]:
    vectors = _vectors(rows, columns, seed)
    value = loss(*vectors, **options)
    return value.detach(), *torch.autograd.grad(value, vectors)


def _vectors(rows: int, columns: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    sizes = (rows, rows, columns)
    queries, positives, negatives = (
        torch.randn(n, 3, generator=generator, dtype=torch.float64).requires_grad_() for n in sizes
    )
    return queries, positives, negatives


def _options(rows: int, columns: int, seed: int) -> list[dict[str, Any]]:
    generator = torch.Generator().manual_seed(seed + 1)

    def log_share(count: int) -> Tensor:
        return torch.rand(count, generator=generator, dtype=torch.float64).add(0.01).log()

    mask = torch.rand(rows, columns, generator=generator) < 0.3
    mask[0] = True  # a row left without negatives
    pairs = mask.nonzero()[torch.randperm(int(mask.sum()), generator=generator)]
    exclude = (pairs[:, 0].repeat(2), pairs[:, 1].repeat(2))
    weights = torch.rand(rows, generator=generator, dtype=torch.float64)
    return [
        {},
        {"temperature": 0.05},
        {"log_weights": log_share(columns)},
        {"log_weights": log_share(columns), "positive_log_weights": log_share(rows)},
        {"exclude": exclude},
        {"weights": weights},
        {
            "temperature": 2.0,
            "log_weights": log_share(columns),
            "positive_log_weights": log_share(rows),
            "exclude": exclude,
            "weights": weights,
        },
    ]
