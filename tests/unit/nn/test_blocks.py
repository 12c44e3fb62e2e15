"""Dense blocks against written-out arithmetic."""

import pytest
import torch
from torch import Tensor, nn

from shortlist.errors import ArgumentError
from shortlist.nn import MLP, CrossNetwork, each_once, l2_normalize


def _set(module: nn.Module, value: float) -> None:
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.fill_(value)


def test_mlp_is_relu_between_layers_and_linear_at_the_end() -> None:
    mlp = MLP(1, (2, 1))
    _set(mlp, 1.0)
    with torch.no_grad():
        mlp[2].weight.fill_(-1.0)  # type: ignore[union-attr]
    assert mlp(torch.tensor([[3.0], [-9.0]])).tolist() == [[-(3 + 1) - (3 + 1) + 1], [1]]
    assert mlp.output_dim == 1


def test_mlp_takes_another_activation() -> None:
    assert [type(part) for part in MLP(2, (2, 2, 1), activation=nn.SiLU)] == [
        nn.Linear,
        nn.SiLU,
        nn.Linear,
        nn.SiLU,
        nn.Linear,
    ]


def test_dropout_works_in_training_only() -> None:
    mlp = MLP(4, (64, 1), dropout=0.5)
    x = torch.ones(2, 4)
    assert not torch.equal(mlp.train()(x)[0], mlp(x)[0])
    assert torch.equal(mlp.eval()(x)[0], mlp(x)[0])


def test_cross_layer_follows_its_rule() -> None:
    cross = CrossNetwork(2, depth=2)
    _set(cross, 1.0)
    x0 = torch.tensor([[2.0, 3.0]])
    x1 = [2 * (2 + 3 + 1) + 2, 3 * (2 + 3 + 1) + 3]
    x2 = [2 * (sum(x1) + 1) + x1[0], 3 * (sum(x1) + 1) + x1[1]]
    assert cross(x0).tolist() == [x2]


def test_low_rank_cross_layer_is_a_product_of_two_matrices() -> None:
    cross = CrossNetwork(2, depth=1, rank=1)
    _set(cross, 2.0)
    down = 2 * 2 + 2 * 3
    assert cross(torch.tensor([[2.0, 3.0]])).tolist() == [[2 * (2 * down + 2) + 2, 3 * (2 * down + 2) + 3]]


def test_no_cross_layers_is_the_identity() -> None:
    x = torch.tensor([[2.0, 3.0]])
    assert torch.equal(CrossNetwork(2, depth=0)(x), x)


@pytest.mark.parametrize(
    "build",
    [lambda seed: MLP(3, (4, 2), seed=seed), lambda seed: CrossNetwork(3, depth=2, rank=2, seed=seed)],
)
def test_initial_values_depend_on_the_seed_alone(build: object) -> None:
    def values(seed: int) -> Tensor:
        return torch.cat([part.detach().ravel() for part in build(seed).parameters()])  # type: ignore[operator]

    state = torch.random.get_rng_state()
    assert torch.equal(values(1), values(1))
    assert not torch.equal(values(1), values(2))
    assert torch.equal(torch.random.get_rng_state(), state)


def test_initial_values_are_uniform_within_the_stated_bound() -> None:
    weight = next(MLP(25, (400,)).parameters())
    assert 0.19 < weight.max().item() <= 1 / 5
    assert -1 / 5 <= weight.min().item() < -0.19
    assert weight.std().item() == pytest.approx(2 / 5 / 12**0.5, rel=0.05)


def test_l2_normalize_gives_length_one_and_keeps_zero() -> None:
    x = torch.tensor([[3.0, 4.0], [0.0, 0.0]], requires_grad=True)
    unit = l2_normalize(x)
    unit.sum().backward()
    assert unit.tolist() == [pytest.approx([3 / 5, 4 / 5]), [0, 0]]
    assert x.grad is not None
    assert x.grad.isfinite().all()


def test_l2_normalize_widens_half_precision() -> None:
    assert l2_normalize(torch.ones(1, 4, dtype=torch.bfloat16)).dtype == torch.float32
    assert l2_normalize(torch.ones(1, 4, dtype=torch.float64)).dtype == torch.float64


def test_wrong_sizes_are_named() -> None:
    with pytest.raises(ArgumentError, match=r"MLP: expected an input width .* received \[3\]"):
        MLP(3, ())
    with pytest.raises(ArgumentError, match=r"MLP: .* received \[0, 2\]"):
        MLP(0, (2,))
    with pytest.raises(ArgumentError, match=r"MLP.dropout: expected a share in \[0, 1\); received 1.0"):
        MLP(3, (2,), dropout=1.0)
    for dim, depth, rank in ((0, 1, None), (2, -1, None), (2, 1, 0)):
        with pytest.raises(ArgumentError, match=r"CrossNetwork: expected dim >= 1"):
            CrossNetwork(dim, depth, rank=rank)


def test_each_code_once_filled_up_to_a_multiple() -> None:
    codes = torch.tensor([3, 1, 3, 2] * 50)
    rows, place = each_once(codes)
    assert rows[:3].tolist() == [1, 3, 0]
    assert rows[3:].tolist() == [0] * 125
    assert torch.equal(codes[rows][place], codes)
    assert len(each_once(codes[:0])[0]) == 0
