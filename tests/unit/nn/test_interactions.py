"""Crosses and interactions of fields against written-out arithmetic."""

import math

import pytest
import torch

from shortlist.errors import ArgumentError
from shortlist.nn import (
    BatchNorm,
    CompressedInteractions,
    CrossMixture,
    CrossVectors,
    FieldAttention,
    pairwise_dots,
    pairwise_sum,
)

FIELDS = torch.tensor([[[1.0, 2.0], [3.0, 4.0], [0.0, 1.0]]])


def test_pairs_of_fields():
    assert pairwise_sum(FIELDS).tolist() == [(1 * 3 + 2 * 4) + (2 * 1) + (4 * 1)]
    assert pairwise_dots(FIELDS).tolist() == [[1 * 3 + 2 * 4, 2 * 1, 4 * 1]]
    for few in (FIELDS[:, :1], FIELDS[:0]):
        assert pairwise_dots(few).shape == (len(few), few.shape[1] * (few.shape[1] - 1) // 2)


def test_compressed_interactions_multiply_vectors_number_by_number():
    network = CompressedInteractions(2, (1, 1))
    with torch.no_grad():
        network.weights[0].copy_(torch.tensor([[1.0, 2.0, 3.0, 4.0]]))
        network.weights[1].copy_(torch.tensor([[5.0, 6.0]]))
    a, b = torch.tensor([1.0, 2.0]), torch.tensor([3.0, 5.0])
    one = [1 * x * x + 2 * x * y + 3 * y * x + 4 * y * y for x, y in zip(a.tolist(), b.tolist(), strict=True)]
    two = [5 * z * x + 6 * z * y for z, x, y in zip(one, a.tolist(), b.tolist(), strict=True)]
    assert network(torch.stack([a, b]).unsqueeze(0)).tolist() == [[sum(one), sum(two)]]
    with pytest.raises(ArgumentError, match="at least one layer"):
        CompressedInteractions(2, ())


def test_attention_among_fields():
    layer = FieldAttention(1, 1, heads=1)
    with torch.no_grad():
        layer.maps.weight.copy_(torch.tensor([[1.0], [2.0], [3.0], [0.5]]))
    x, y = 1.0, 2.0
    one, two = math.exp(x * 2 * x), math.exp(x * 2 * y)
    expected = (one * 3 * x + two * 3 * y) / (one + two) + 0.5 * x
    assert layer(torch.tensor([[[x], [y]]]))[0, 0].item() == pytest.approx(expected, rel=1e-6)
    assert layer(torch.tensor([[[-x], [-y]]]))[0, 0].item() == 0.0
    with pytest.raises(ArgumentError, match="multiple of heads"):
        FieldAttention(4, 3, heads=2)


def test_a_mixture_of_crosses_weighs_its_experts():
    mixture = CrossMixture(1, 1, rank=1, experts=2)
    with torch.no_grad():
        mixture.down[0].copy_(torch.tensor([[[1.0]], [[2.0]]]))
        mixture.inner[0].copy_(torch.tensor([[[1.0]], [[0.5]]]))
        mixture.up[0].copy_(torch.tensor([[[3.0]], [[4.0]]]))
        mixture.biases[0].fill_(0.25)
        mixture.gates[0].copy_(torch.tensor([[0.0, 1.0]]))
    x = 0.5
    experts = [3 * math.tanh(math.tanh(x)) + 0.25, 4 * math.tanh(0.5 * math.tanh(2 * x)) + 0.25]
    gates = [1 / (1 + math.exp(x)), math.exp(x) / (1 + math.exp(x))]
    expected = x * sum(gate * expert for gate, expert in zip(gates, experts, strict=True)) + x
    assert mixture(torch.tensor([[x]])).item() == pytest.approx(expected, rel=1e-6)
    with pytest.raises(ArgumentError, match=r"CrossMixture\.gate"):
        CrossMixture(1, 1, rank=1, experts=2, gate="max")
    with pytest.raises(ArgumentError, match="experts >= 1"):
        CrossMixture(1, 1, rank=1, experts=0)


def test_crosses_by_vectors_of_two_layers():
    cross = CrossVectors(1, 2)
    with torch.no_grad():
        for place in range(2):
            cross.layers[place].weight.fill_(2.0)
            cross.biases[place].fill_(0.5)
    one = 3 * (3 * 2) + 0.5 + 3
    assert cross(torch.tensor([[3.0]])).item() == 3 * (one * 2) + 0.5 + one
    with pytest.raises(ArgumentError, match="CrossVectors"):
        CrossVectors(0, 1)


def test_batch_norm_remembers_what_it_saw():
    norm = BatchNorm(1)
    norm(torch.tensor([[1.0], [3.0]]))
    mean, variance = 0.1 * 2.0, 0.9 * 1.0 + 0.1 * 2.0  # the variance of the sample
    expected = (5.0 - mean) / math.sqrt(variance + 1e-5)
    assert norm(torch.tensor([[5.0]])).item() == pytest.approx(expected, rel=1e-6)
    assert norm.eval()(torch.tensor([[5.0], [5.0]]))[1].item() == pytest.approx(expected, rel=1e-6)
    assert norm.train()(torch.zeros(0, 1)).shape == (0, 1)
