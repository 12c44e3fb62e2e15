"""Experts that several tasks share, weighed by gates."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from shortlist.errors import ArgumentError
from shortlist.nn._blocks import MLP
from shortlist.nn._seeded import linear
from shortlist.rng import derive

__all__ = ["Experts"]


class Experts(nn.Module):
    """One level of experts: each task takes a weighted mean of its own experts and of the shared ones.

    With E_i the experts that task k may use, ``f_k = sum_i softmax(W_k x_k)_i E_i``, where own experts read
    x_k, the task's input, and shared experts the shared input. Without own experts it is a multi-gate mixture
    of experts; with them, customised gate control. A level that is not the last gives a shared output too,
    whose gate reads the shared input and sees all experts of all tasks.

    Args:
        input_dim: width of the inputs.
        hidden: widths of an expert's layers, each followed by ReLU.
        tasks: number of tasks.
        own: experts of each task.
        shared: experts of all.
        last: whether there is no shared output.
        dropout: share of activations set to zero in training, in [0, 1).
        seed: of the initial weights.

    Raises:
        ArgumentError: no expert, or an option out of range.

    Source: Ma et al., "Modeling task relationships in multi-task learning with multi-gate
    mixture-of-experts", KDD 2018; Tang et al., "Progressive layered extraction", RecSys 2020.

    >>> level = Experts(4, (6,), tasks=2, own=1, shared=3)
    >>> [one.shape for one in level([torch.zeros(5, 4)] * 3)]
    [torch.Size([5, 6]), torch.Size([5, 6])]
    """

    def __init__(
        self,
        input_dim: int,
        hidden: Sequence[int],
        *,
        tasks: int,
        own: int = 0,
        shared: int = 4,
        last: bool = True,
        dropout: float = 0.0,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if min(own, shared) < 0 or own + shared < 1 or tasks < 1 or (shared < 1 and not last):
            raise ArgumentError(
                "Experts",
                received=f"{tasks} tasks, {own} own and {shared} shared experts",
                expected="at least one task and one expert, and a shared one but in the last level",
            )

        def experts(count: int, name: str) -> nn.ModuleList:
            return nn.ModuleList(
                MLP(input_dim, hidden, dropout=dropout, activate_last=True, seed=derive(seed, name, place))
                for place in range(count)
            )

        self.own = nn.ModuleList(experts(own, f"task {task}") for task in range(tasks))
        self.shared = experts(shared, "shared")
        counts = [own + shared] * tasks + ([] if last else [tasks * own + shared])
        self.gates = nn.ModuleList(
            linear(input_dim, count, derive(seed, "gate", place), bias=False)
            for place, count in enumerate(counts)
        )
        self.output_dim = hidden[-1]

    def forward(self, inputs: Sequence[Tensor]) -> list[Tensor]:
        """Inputs ``[N, input_dim]`` of the tasks, then the shared one, to outputs likewise."""
        *each, shared = inputs
        common = [expert(shared) for expert in self.shared]
        own = []
        for experts, x in zip(self.own, each, strict=True):
            assert isinstance(experts, nn.ModuleList)
            own.append([expert(x) for expert in experts])
        seen = [[*mine, *common] for mine in own]
        if len(self.gates) > len(own):
            seen.append([*(one for mine in own for one in mine), *common])
        return [
            _weighed(gate(x), experts) for gate, x, experts in zip(self.gates, inputs, seen, strict=False)
        ]


def _weighed(logits: Tensor, experts: Sequence[Tensor]) -> Tensor:
    mixed: Tensor = (torch.stack(list(experts), dim=2) * logits.softmax(1).unsqueeze(1)).sum(2)
    return mixed
