"""Losses of the targets of a ranker, and what becomes of them together."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor, nn

from shortlist import losses
from shortlist.errors import ArgumentError, near
from shortlist.models.ranking import RankingModel
from shortlist.train._balances import Balance, Balancer, balancer
from shortlist.train._bounds import one_of, within
from shortlist.train._conflicts import Junction, project
from shortlist.train._options import FitOptions
from shortlist.train._ranking import Ranking
from shortlist.train._sources import Data

__all__ = ["BinaryCrossEntropy", "TaskLosses"]

_LOSS: Mapping[str, Callable[..., Tensor]] = {
    "binary": losses.binary_cross_entropy,
    "regression": losses.squared_error,
    "multiclass": losses.cross_entropy,
    "watch_time": losses.watch_time,
}


@dataclass(frozen=True, slots=True)
class BinaryCrossEntropy:
    """Log loss of every target of a ranking model, all of them binary, added up.

    A column tagged "weight" scales each row's loss by its absolute value. `TaskLosses` does more.
    """

    def prepare(self, model: RankingModel, train: Data, valid: Data | None, options: FitOptions) -> Ranking:
        """Bind it to a ranking model and its data.

        Raises:
            ArgumentError: a target is not binary.
        """
        others = {output.name: output.kind for output in model.outputs if output.kind != "binary"}
        if others:
            raise ArgumentError(
                "BinaryCrossEntropy",
                received=others,
                expected="binary targets",
                remedy="pass TaskLosses(), which goes by the kind of each target",
            )
        return TaskLosses().prepare(model, train, valid, options)


@dataclass(frozen=True, slots=True)
class TaskLosses:
    """The loss of every target of a ranker by its kind, weighed and added up.

    Log loss of binary targets, squared error of REGRESSION, cross-entropy of MULTICLASS, and of "watch_time"
    the log loss whose odds are an amount. A column tagged "weight" scales each row by its absolute value.

    >>> TaskLosses(weights={"buy": 5.0}, given={"spend": "buy"}).conflicts
    'add'

    Raises:
        ArgumentError: an option is out of range; when training begins, a name that is no target.
    """

    weights: Mapping[str, float] = field(default_factory=dict)
    """Target -> what its loss is multiplied by; 1 of others."""
    balance: Balance | None = None
    """What learns further factors: `Uncertainty`, `DWA` or `GradNorm`; None is none."""
    given: Mapping[str, str] = field(default_factory=dict)
    """Target -> a binary target: only rows where that one is 1 say something of it. The loss stays divided by
    all rows: click and purchase given click add up to the log loss of both together."""
    conflicts: Literal["add", "project"] = "add"
    """What happens to gradients, by the vectors that the tasks share, that pull against each other: they are
    added, or each loses its part against the others first (PCGrad)."""
    ordered: float = 0.0
    """Strength of the mean of ``max(p_t - p_(t-1), 0)`` over binary targets in their order, which keeps a
    step from being likelier than the one before."""

    def __post_init__(self) -> None:
        one_of("TaskLosses.conflicts", self.conflicts, ("add", "project"))
        within("TaskLosses.ordered", self.ordered, 0.0, float("inf"))
        for name, weight in self.weights.items():
            within(f"TaskLosses.weights[{name!r}]", weight, 0.0, float("inf"))

    def prepare(self, model: RankingModel, train: Data, valid: Data | None, options: FitOptions) -> Ranking:
        """Bind it to a ranking model and its data."""
        return Ranking(model, train, valid, options, _Summed(self, model))


class _Summed(nn.Module):
    """`TaskLosses` bound to a model."""

    def __init__(self, options: TaskLosses, model: Any) -> None:
        super().__init__()
        kinds = {output.name: output.kind for output in model.outputs}
        for name in (*options.weights, *options.given, *options.given.values()):
            if name not in kinds:
                raise ArgumentError(
                    "TaskLosses", received=name, expected="a target of the model", remedy=near(name, kinds)
                )
        for target, condition in options.given.items():
            if kinds[condition] != "binary" or condition == target:
                raise ArgumentError(
                    f"TaskLosses.given[{target!r}]", received=condition, expected="another, binary target"
                )
        self._options, self._kinds = options, kinds
        factors = [float(options.weights.get(name, 1.0)) for name in kinds]
        numbers = [kind == "regression" for kind in kinds.values()]
        device = next(model.parameters()).device
        self.balancer: Balancer = balancer(options.balance, factors, numbers).to(device)

    @property
    def learned(self) -> "nn.Module | None":
        """What is trained and remembered; None for nothing."""
        return self if len(self.state_dict()) > 0 else None

    def condition(self, target: str) -> str | None:
        """The target that must be 1 where this one is defined; None if it always is."""
        return self._options.given.get(target)

    def forward(
        self, model: Any, hidden: Tensor, labels: Mapping[str, Tensor], weights: Tensor | None, epoch: int
    ) -> Tensor:
        """The loss of a batch: a scalar.

        Args:
            model: has ``read``.
            hidden: what the model's ``hidden`` made of the batch.
            labels: ``[B]`` of each target.
            weights: ``[B]`` of the rows.
            epoch: counted from 0.
        """
        apart = self._options.conflicts == "project" or self.balancer.needs_norms
        junction = Junction(hidden) if apart and hidden.requires_grad else None
        logits = model.read(hidden if junction is None else junction.hidden)
        # A weighted mean is a matrix product too: in bfloat16 it would keep three digits.
        with torch.autocast(hidden.device.type, enabled=False):
            each = [self._loss(name, logits[name].float(), labels, weights) for name in self._kinds]
            stacked = torch.stack(each)
            factors = self.balancer.weights(stacked.detach(), epoch)
            total = (factors * stacked).sum() + self._disorder(logits, weights)
            if junction is None:
                norms = torch.zeros_like(factors) if self.balancer.needs_norms else None
                return total + self.balancer.learning(stacked, norms)
            pulls = junction.gradients(each)
            norms = pulls.flatten(1).norm(dim=1) if self.balancer.needs_norms else None
            if self._options.conflicts == "project":
                weighed = pulls * factors.to(pulls.dtype).view(-1, 1, 1)
                order = torch.randperm(len(each))
                total = junction.replaced(total, project(weighed, order))
            return total + self.balancer.learning(stacked, norms)

    def _loss(
        self, name: str, logits: Tensor, labels: Mapping[str, Tensor], weights: Tensor | None
    ) -> Tensor:
        """The loss of a target, divided by all rows, whether or not they say something of it."""
        loss, condition = _LOSS[self._kinds[name]], self._options.given.get(name)
        if condition is None:
            return loss(logits, labels[name], weights=weights)
        rows = torch.ones_like(labels[condition]) if weights is None else weights
        counted = rows * (labels[condition] > 0)
        known = torch.where(labels[condition] > 0, labels[name], torch.zeros_like(labels[name]))
        share = counted.sum() / rows.sum().clamp(min=torch.finfo(rows.dtype).tiny)
        return loss(logits, known, weights=counted) * share

    def _disorder(self, logits: Mapping[str, Tensor], weights: Tensor | None) -> Tensor:
        chances = [logits[name].float().sigmoid() for name, kind in self._kinds.items() if kind == "binary"]
        if self._options.ordered == 0.0 or len(chances) < 2:
            return next(iter(logits.values())).new_zeros(())
        steps = torch.stack(chances, dim=1).diff(dim=1).relu().sum(1)
        rows = torch.ones_like(steps) if weights is None else weights
        mean = (steps * rows).sum() / rows.sum().clamp(min=torch.finfo(rows.dtype).tiny)
        return self._options.ordered * mean
