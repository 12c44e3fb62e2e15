"""How the losses of several tasks are weighed against each other."""

from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor, nn

from shortlist.train._bounds import above, within

__all__ = ["DWA", "Balance", "Balancer", "GradNorm", "Uncertainty", "balancer"]


@dataclass(frozen=True, slots=True)
class Uncertainty:
    """Weights learned as how certain a task can be: ``sum_t exp(-s_t) L_t c_t + s_t / 2``.

    ``s_t`` is the log of the task's variance, learned from 0; c is 1/2 for a REGRESSION target and 1 for
    others.

    Source: Kendall, Gal, Cipolla, "Multi-task learning using uncertainty to weigh losses", CVPR 2018.
    """


@dataclass(frozen=True, slots=True)
class DWA:
    """Dynamic weight averaging: tasks whose loss falls slowly weigh more.

    In epoch e, with r_t the task's mean loss in epoch e - 1 over that in e - 2, and T tasks,
    ``w_t = T exp(r_t / temperature) / sum exp(r / temperature)``; 1 in the first two epochs. Processes that
    train together each go by their own rows.

    Source: Liu, Johns, Davison, "End-to-end multi-task learning with attention", CVPR 2019.

    Raises:
        ArgumentError: ``temperature`` is not above 0.
    """

    temperature: float = 2.0
    """How even the weights are; higher is more even."""

    def __post_init__(self) -> None:
        above("DWA.temperature", self.temperature, 0.0)


@dataclass(frozen=True, slots=True)
class GradNorm:
    """Weights learned so that tasks pull alike: those that learn slowly pull harder.

    With g_t the norm of the gradient of ``w_t L_t`` by the vectors that the tasks share, and r_t the task's
    loss over its first, divided by the mean of this over the tasks, the weights minimise
    ``sum_t |g_t - mean(g) r_t^alpha|``; they add up to the number of tasks.

    Source: Chen et al., "GradNorm", ICML 2018, which takes the gradient by the last shared weights.

    Raises:
        ArgumentError: ``alpha`` is below 0.
    """

    alpha: float = 1.5
    """How much harder slow tasks pull; 0 makes all norms equal."""

    def __post_init__(self) -> None:
        within("GradNorm.alpha", self.alpha, 0.0, float("inf"))


Balance: TypeAlias = Uncertainty | DWA | GradNorm


class Balancer(nn.Module):
    """Fixed weights; the balances that learn add to it.

    Args:
        factors: fixed factor of each task.
    """

    factors: Tensor
    needs_norms = False

    def __init__(self, factors: list[float]) -> None:
        super().__init__()
        self.register_buffer("factors", torch.tensor(factors), persistent=False)

    def weights(self, losses: Tensor, epoch: int) -> Tensor:  # noqa: ARG002
        """What each task's loss is multiplied by now, ``[T]``, without gradients."""
        return self.factors

    def learning(self, losses: Tensor, norms: Tensor | None) -> Tensor:  # noqa: ARG002
        """What is added to the weighed losses for what the balance itself learns: a scalar."""
        return losses.new_zeros(())


class _Uncertain(Balancer):
    def __init__(self, factors: list[float], halves: list[bool]) -> None:
        super().__init__(factors)
        self.log_variances = nn.Parameter(torch.zeros(len(factors)))
        scale = [0.5 if half else 1.0 for half in halves]
        self.register_buffer("scale", torch.tensor(scale), persistent=False)

    def weights(self, losses: Tensor, epoch: int) -> Tensor:  # noqa: ARG002
        scale = self.get_buffer("scale")
        return self.factors * scale * (-self.log_variances.detach()).exp()

    def learning(self, losses: Tensor, norms: Tensor | None) -> Tensor:  # noqa: ARG002
        # The weighed losses are there already: only the slope by s is missing, and s / 2.
        weighed = self.factors * self.get_buffer("scale") * losses.detach() * (-self.log_variances).exp()
        return (weighed - weighed.detach() + self.log_variances / 2).sum()


class _Averaged(Balancer):
    def __init__(self, factors: list[float], temperature: float) -> None:
        super().__init__(factors)
        self._temperature = temperature
        # Sums of the running epoch, then means of the one before and of the one before that.
        self.register_buffer("sums", torch.zeros(3, len(factors), dtype=torch.float64))
        self.register_buffer("seen", torch.zeros(2, dtype=torch.float64))  # steps of this epoch; its number

    def weights(self, losses: Tensor, epoch: int) -> Tensor:
        sums, seen = self.get_buffer("sums"), self.get_buffer("seen")
        if int(seen[1]) != epoch:
            means = sums[0] / seen[0].clamp(min=1.0)
            sums.copy_(torch.stack([torch.zeros_like(means), means, sums[1]]))
            seen.copy_(torch.tensor([0.0, float(epoch)], dtype=torch.float64))
        sums[0] += losses.detach().double()
        seen[0] += 1.0
        if epoch < 2:
            return self.factors
        rates = sums[1] / sums[2].clamp(min=1e-12)
        weights = len(rates) * (rates / self._temperature).softmax(0)
        return self.factors * weights.to(self.factors.dtype)


class _Levelled(Balancer):
    needs_norms = True

    def __init__(self, factors: list[float], alpha: float) -> None:
        super().__init__(factors)
        self._alpha = alpha
        self.logits = nn.Parameter(torch.zeros(len(factors)))
        self.register_buffer("first", torch.zeros(len(factors)))

    def weights(self, losses: Tensor, epoch: int) -> Tensor:  # noqa: ARG002
        first = self.get_buffer("first")
        first.copy_(torch.where(first > 0, first, losses.detach().to(first.dtype)))
        return self.factors * self._shares().detach()

    def learning(self, losses: Tensor, norms: Tensor | None) -> Tensor:
        assert norms is not None
        pulls = self._shares() * self.factors * norms
        ratios = losses.detach() / self.get_buffer("first").clamp(min=1e-12)
        rates = ratios / ratios.mean().clamp(min=1e-12)
        aim = (pulls.mean() * rates**self._alpha).detach()
        apart = (pulls - aim).abs().sum()
        return apart - apart.detach()

    def _shares(self) -> Tensor:
        return len(self.logits) * self.logits.softmax(0)


def balancer(chosen: Balance | None, factors: list[float], regression: list[bool]) -> Balancer:
    """What weighs the losses.

    Args:
        chosen: how; None is by the factors alone.
        factors: fixed factor of each task.
        regression: whether a task's target is a number.
    """
    if isinstance(chosen, Uncertainty):
        return _Uncertain(factors, regression)
    if isinstance(chosen, DWA):
        return _Averaged(factors, chosen.temperature)
    return _Levelled(factors, chosen.alpha) if isinstance(chosen, GradNorm) else Balancer(factors)
