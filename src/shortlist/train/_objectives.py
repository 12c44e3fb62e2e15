"""What the training loop asks of an objective."""

from typing import Any, Protocol, runtime_checkable

from torch import Tensor, nn

from shortlist.data import Batch
from shortlist.errors import ArgumentError
from shortlist.loader import Loader
from shortlist.train._next_item import NextItem
from shortlist.train._options import FitOptions
from shortlist.train._sampled_softmax import SampledSoftmax
from shortlist.train._sources import Data
from shortlist.train._task_losses import TaskLosses

__all__ = ["Objective", "Task", "Tempered", "default_objective"]


class Task(Protocol):
    """An objective bound to a model and its data: what the training loop drives."""

    @property
    def loader(self) -> Loader:
        """The training rows."""

    @property
    def metric(self) -> str | None:
        """Name of the validation metric; None without validation data."""

    @property
    def protocol(self) -> str | None:
        """How the metric is taken."""

    @property
    def module(self) -> nn.Module | None:
        """What the objective itself learns and remembers; None for nothing.

        Its parameters are optimized with the model's; checkpoints hold its parameters and buffers.
        """

    def loss(self, batch: Batch) -> Tensor:
        """Mean loss of a batch of training rows: a scalar with gradients."""

    def validate(self) -> float | None:
        """The metric, higher is better but for ``logloss`` and ``rmse``; None without validation data."""

    def finish(self) -> None:
        """Look at the trained model, and warn of what looks wrong."""

    def state_dict(self) -> dict[str, Any]:
        """What besides weights, optimizer and loader decides the next steps: plain data."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from where ``state_dict`` was taken."""


@runtime_checkable
class Tempered(Protocol):
    """A task that divides scores by a temperature, which may be learned or follow a schedule."""

    @property
    def temperature(self) -> float:
        """As it was in the last step."""


class Objective(Protocol):
    """What `fit` asks of an objective."""

    def prepare(self, model: Any, train: Data, valid: Data | None, options: FitOptions) -> Task:
        """Bind it to a model and its data."""


def default_objective(model: nn.Module) -> Objective:
    """Next items for sequence models, sampled softmax for other retrieval models, `TaskLosses` for rankers.

    Raises:
        ArgumentError: the model is of neither kind.
    """
    if hasattr(getattr(model, "query", None), "positions"):
        return NextItem()
    if hasattr(model, "encode_query"):
        return SampledSoftmax()
    if hasattr(model, "targets"):
        return TaskLosses()
    raise ArgumentError(
        "fit.model",
        received=type(model).__name__,
        expected="a retrieval model with encode_query and encode_item, or a ranking model with targets",
        remedy="sl.TwoTower(schema) or sl.DCN(schema)",
    )
