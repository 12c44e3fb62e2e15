"""Fused gradients of crosses, sums and joins against those of plain torch."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from shortlist.nn import CrossNetwork, mixed_precision, pairwise_dots
from shortlist.nn._fields import field_sums
from shortlist.nn._precision import exact, lowered, records
from shortlist.nn._side_by_side import side_by_side


def _same(one: Callable[[Tensor], Tensor], other: Callable[[Tensor], Tensor], x: Tensor) -> None:
    grads = []
    for function in (one, other):
        given = x.clone().requires_grad_()
        function(given).square().sum().backward()
        grads.append(given.grad)
    torch.testing.assert_close(one(x), other(x))
    torch.testing.assert_close(*grads)


def test_cross_layers_have_the_gradients_of_their_formula() -> None:
    network, x = (
        CrossNetwork(4, depth=3, seed=1),
        torch.randn(7, 4, generator=torch.Generator().manual_seed(0)),
    )

    def written(given: Tensor) -> Tensor:
        last = given
        for layer in network.layers:
            last = given * layer(last) + last
        return last

    _same(network, written, x)
    kept = []
    for function in (network, written):
        network.zero_grad()
        function(x.clone().requires_grad_()).square().sum().backward()
        kept.append([part.grad.clone() for part in network.parameters()])
    torch.testing.assert_close(*kept)
    with mixed_precision("bfloat16"):
        rough = network(x)
    assert rough.dtype == torch.bfloat16
    torch.testing.assert_close(rough.float(), written(x), rtol=0.05, atol=0.05)
    assert network(x[:0]).shape == (0, 4)


def test_sums_of_fields_have_the_gradients_of_their_formula() -> None:
    fields = torch.randn(5, 3, 2, generator=torch.Generator().manual_seed(0))
    _same(
        lambda x: torch.cat([part.flatten() for part in field_sums(x)]),
        lambda x: torch.cat([x.sum(1).flatten(), x.square().sum((1, 2))]),
        fields,
    )


def test_dots_in_low_precision_are_near_those_in_full() -> None:
    fields = torch.randn(5, 4, 8, generator=torch.Generator().manual_seed(0))
    given = fields.clone().requires_grad_()
    with mixed_precision("bfloat16"):
        rough = pairwise_dots(given)
    rough.sum().backward()
    assert rough.dtype == torch.float32
    torch.testing.assert_close(rough, pairwise_dots(fields), rtol=0.05, atol=0.1)
    torch.testing.assert_close(given.grad, fields.sum(1, keepdim=True) - fields, rtol=0.05, atol=0.05)


def test_columns_side_by_side_are_joined_in_the_type_of_the_products() -> None:
    parts = [torch.randn(3, width, requires_grad=True) for width in (2, 1)]
    with mixed_precision("bfloat16"):
        out = side_by_side(parts)
    out.float().sum().backward()
    assert torch.equal(out, torch.cat(parts, 1).to(torch.bfloat16))
    assert [part.grad.tolist() for part in parts] == [[[1.0] * 2] * 3, [[1.0]] * 3]
    assert torch.equal(side_by_side(parts), torch.cat(parts, 1))


def test_what_is_converted_and_what_is_not() -> None:
    numbers, weight = torch.ones(2), nn.Parameter(torch.ones(2))
    assert lowered(numbers).dtype == torch.float32
    with mixed_precision("bfloat16"):
        assert lowered(torch.ones(2, dtype=torch.int64)).dtype == torch.int64
        with exact(numbers):
            assert lowered(numbers).dtype == torch.float32
    with torch.no_grad():
        assert not records(weight)
