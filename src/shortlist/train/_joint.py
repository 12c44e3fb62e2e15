"""Several signals at once: a softmax a head over the same items."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from shortlist.data import Batch
from shortlist.errors import ArgumentError
from shortlist.models.retrieval import MultiHead
from shortlist.train._binding import Binding
from shortlist.train._comparison import Comparison, softmax
from shortlist.train._options import FitOptions
from shortlist.train._own_negatives import own_columns
from shortlist.train._ranks import Ranks
from shortlist.train._retrieval import Retrieval
from shortlist.train._sampled_softmax import SampledSoftmax
from shortlist.train._sources import Data

__all__ = ["JointSoftmax"]


@dataclass(frozen=True, slots=True)
class JointSoftmax:
    """Sampled softmax of each head of a `MultiHead`, over the rows where its target is above 0.

    With t_ih the target of head h in row i, w_i the row's weight and l_ih the softmax of the head's scores::

        loss = sum over h of c_h (sum over i of w_i t_ih l_ih) / (sum over i of w_i)

    so that a row which is a click and a purchase counts for both, and a purchase counts as many clicks as
    their c say. Items are drawn and encoded once for all heads. Rows without any positive target are left
    out; validation is of the blend that the model serves.

    With ``mask_known`` whatever a user took by any signal is left out of the negatives of all heads; without,
    what was only clicked on is a negative of purchases, and the heads grow further apart.

    >>> JointSoftmax({"click": 1.0, "purchase": 5.0}).softmax.logq
    True

    Raises:
        ArgumentError: there are no heads, or a weight is not above 0.
    """

    heads: Mapping[str, float]
    """BINARY target column, which names the head -> c, weight of its loss, above 0."""
    softmax: SampledSoftmax = field(default_factory=SampledSoftmax)
    """Temperature, negatives and corrections, the same for all heads."""

    def __post_init__(self) -> None:
        if len(self.heads) == 0 or not all(weight > 0 for weight in self.heads.values()):
            raise ArgumentError(
                "JointSoftmax.heads", received=dict(self.heads), expected="heads with weights above 0"
            )

    def prepare(self, model: MultiHead, train: Data, valid: Data | None, options: FitOptions) -> "Joint":
        """Bind it to a model with these heads and its data.

        Raises:
            ArgumentError: the model has no heads, or others.
        """
        found = tuple(getattr(model, "heads", ()))
        if sorted(found) != sorted(self.heads):
            raise ArgumentError(
                "JointSoftmax.heads",
                received=f"heads {sorted(self.heads)} for a {type(model).__name__} with {sorted(found)}",
                expected="a model with the same heads",
                remedy=f"sl.MultiHead(model, {tuple(self.heads)})",
            )
        columns = [*own_columns(self.softmax.negatives), *self.heads]
        binding = Binding(model, train, valid, options, columns=columns)
        # The comparison is of the towers' own vectors; heads are made of them, once a head.
        binding.model = model.model
        return Joint(self, model, Retrieval(self.softmax, binding, options))


class Joint:
    """`JointSoftmax` bound to a model and its data.

    Args:
        objective: heads and their weights.
        model: the model with heads.
        retrieval: draws and encodes.
    """

    def __init__(self, objective: JointSoftmax, model: MultiHead, retrieval: Retrieval) -> None:
        self._objective, self._model, self._retrieval = objective, model, retrieval
        self.loader = retrieval.loader
        self.metric, self.protocol = retrieval.metric, retrieval.protocol
        self.module: nn.Module = retrieval.module

    def loss(self, batch: Batch) -> Tensor:
        """Sum over the heads of their losses, in shares of the rows' weight."""
        compared = self._retrieval.compare(batch)
        weights = (
            torch.ones(len(batch), device=compared.queries.device)
            if compared.weights is None
            else compared.weights
        )
        mass = weights.sum()
        parts = [
            weight * self._of_head(compared, head, weights * _target(batch, head), mass)
            for head, weight in self._objective.heads.items()
        ]
        return torch.stack(parts).sum()

    def mass(self, batch: Batch) -> Tensor:
        """Sum of the weights of the rows."""
        return self._retrieval.mass(batch)

    def bind(self, ranks: Ranks, pieces: int) -> None:
        """Compare the rows of all processes, and encode so many pieces of a batch apart."""
        self._retrieval.bind(ranks, pieces)

    def validate(self) -> float | None:
        """The metric over the validation queries, of the blend."""
        return self._retrieval.validate()

    def finish(self) -> None:
        """Warn if all items have nearly one vector."""
        self._retrieval.finish()

    def state_dict(self) -> dict[str, Any]:
        """Where the draws stand."""
        return self._retrieval.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from where ``state_dict`` was taken."""
        self._retrieval.load_state_dict(state)

    def _of_head(self, compared: Comparison, head: str, weights: Tensor, mass: Tensor) -> Tensor:
        queries = self._model.of_head(compared.queries, head)
        share = weights.sum() / mass.clamp(min=torch.finfo(torch.float32).tiny)
        return share * softmax(compared._replace(queries=queries, shared=None, weights=weights))


def _target(batch: Batch, name: str) -> Tensor:
    column: Any = batch.array(name)
    return torch.as_tensor(column).float().clamp(min=0.0)
