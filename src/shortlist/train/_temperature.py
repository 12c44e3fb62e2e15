"""What scores are divided by: a number, a schedule, or a parameter."""

import math
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor, nn

from shortlist.errors import ArgumentError
from shortlist.schedules import Schedule, Scheduled, value_at

__all__ = ["Learnable", "Temperature", "TemperatureCourse", "check_temperature"]


@dataclass(frozen=True, slots=True)
class Learnable:
    """A temperature that is trained with the model: its logarithm is a parameter, kept within bounds.

    The parameter belongs to the objective: it is in the optimizer and in checkpoints, not in the model.
    ``Epoch.temperature`` of the report and the log tell its course.

    Source: Radford et al., "Learning transferable visual models from natural language supervision", ICML
    2021 (there as a scale, its inverse).

    >>> Learnable(0.1).low
    0.02
    """

    start: float = 0.1
    """Value before the first step."""
    low: float = 0.02
    """Smallest value it may take, > 0; without it a model that fits its training data goes to zero."""
    high: float = 1.0
    """Largest value it may take."""

    def __post_init__(self) -> None:
        if not 0.0 < self.low <= self.start <= self.high:
            raise ArgumentError(
                "Learnable", received=(self.low, self.start, self.high), expected="0 < low <= start <= high"
            )


Temperature: TypeAlias = Scheduled | Learnable


def check_temperature(where: str, value: Temperature) -> None:
    """Refuse what is no temperature.

    Raises:
        ArgumentError: a number that is not above 0, or a schedule that starts or ends there.
    """
    if isinstance(value, Learnable):
        return
    ends = [value.at(0.0), value.at(1.0)] if isinstance(value, Schedule) else [value]
    if not all(end > 0 for end in ends):
        raise ArgumentError(
            where, received=value, expected="a number > 0, a schedule above 0, or Learnable()"
        )


class TemperatureCourse(nn.Module):
    """The temperature of each step of a run; holds the parameter if it is learned.

    >>> round(TemperatureCourse(Learnable(0.1))(0.0).item(), 6)
    0.1
    """

    def __init__(self, temperature: Temperature) -> None:
        super().__init__()
        self._temperature = temperature
        if isinstance(temperature, Learnable):
            self.log_temperature = nn.Parameter(torch.tensor(math.log(temperature.start)))

    def forward(self, progress: float) -> float | Tensor:
        """The value when this share of the steps is done: a tensor with gradients if it is learned."""
        if not isinstance(self._temperature, Learnable):
            return value_at(self._temperature, progress)
        bounds = (math.log(self._temperature.low), math.log(self._temperature.high))
        with torch.no_grad():
            # The parameter itself is kept inside: beyond a clamp it would have no gradient to come back by.
            self.log_temperature.clamp_(*bounds)
        return self.log_temperature.exp()
