"""The training task of every retrieval objective."""

import warnings
from typing import Any, Protocol

from torch import Tensor, nn

from shortlist.data import Batch
from shortlist.rng import derive
from shortlist.samplers import InBatch, Sampler, Source
from shortlist.train._binding import Binding, own_rows
from shortlist.train._comparison import Comparison
from shortlist.train._options import FitOptions
from shortlist.train._ranks import Ranks
from shortlist.train._temperature import Temperature, TemperatureCourse

__all__ = ["Contrasting", "Retrieval"]

_FEW_NEGATIVES = 64


class Contrasting(Protocol):
    """For type-checking only: an objective that compares each positive with sampled negatives."""

    @property
    def temperature(self) -> Temperature:
        """Divides the scores."""

    @property
    def negatives(self) -> Source:
        """Where negatives come from."""

    @property
    def logq(self) -> bool:
        """Whether scores are corrected for how likely each item was drawn."""

    @property
    def mask_known(self) -> bool:
        """Whether known positives of a row's user are left out."""

    @property
    def correct_positive(self) -> bool:
        """Whether the positive is corrected too."""

    def value(self, compared: Comparison) -> Tensor:
        """The loss: a scalar."""


class Retrieval:
    """A retrieval objective bound to a model and its data: draws, encodes and compares, batch by batch.

    Args:
        objective: what is compared, and by which loss.
        binding: the model and its rows.
        options: how to train.
    """

    def __init__(self, objective: Contrasting, binding: Binding, options: FitOptions) -> None:
        self._objective, self._binding = objective, binding
        self._sampler = Sampler(
            objective.negatives, binding.catalogue.population, seed=derive(options.seed, "negatives")
        )
        self._temperature = TemperatureCourse(objective.temperature)
        self.loader = binding.loader
        self.metric = None if binding.validation is None else binding.validation.metric
        self.protocol = None if binding.validation is None else binding.validation.protocol
        self.module: nn.Module = self._temperature.to(binding.device)
        self._warn_of_few_negatives(options.batch_size)

    def loss(self, batch: Batch) -> Tensor:
        """Weighted mean over the rows."""
        return self._objective.value(self.compare(batch))

    def compare(self, batch: Batch) -> Comparison:
        """Draw the negatives of a batch and encode both sides."""
        binding, objective = self._binding, self._objective
        users = binding.users(batch) if objective.mask_known else None
        edges = binding.ranks.edges(len(batch), binding.device)
        whole = self._sampler.sample(
            binding.ranks.gather(binding.items(batch)).cpu(),
            None if users is None else binding.ranks.gather(users).cpu(),
        )
        drawn = own_rows(whole, edges[binding.ranks.rank], edges[binding.ranks.rank + 1])
        log_weights, positive_log_weights = drawn.log_weights(
            log_q=objective.logq, correct_positive=objective.correct_positive
        )
        vectors, moved = binding.vectors(batch, whole, edges), drawn.to(binding.device)
        return Comparison(
            queries=binding.queries(batch),
            positives=vectors[moved.positives],
            negatives=vectors,
            log_weights=log_weights.to(binding.device),
            positive_log_weights=None
            if positive_log_weights is None
            else positive_log_weights.to(binding.device),
            exclude=moved.exclude,
            weights=binding.weights(batch),
            temperature=self._temperature(binding.progress),
        )

    def mass(self, batch: Batch) -> Tensor:
        """Sum of the weights of the rows."""
        weights = self._binding.weights(batch)
        return (
            self._binding.items(batch).new_tensor(len(batch)) if weights is None else weights.double().sum()
        )

    def bind(self, ranks: Ranks, pieces: int) -> None:
        """Compare the rows of all processes, and encode so many pieces of a batch apart."""
        self._binding.ranks, self._binding.pieces = ranks, pieces

    def validate(self) -> float | None:
        """The metric over the validation queries."""
        return None if self._binding.validation is None else self._binding.validation()

    def finish(self) -> None:
        """Warn if all items have nearly one vector."""
        self._binding.warn_if_collapsed()

    def state_dict(self) -> dict[str, Any]:
        """Where the sampler's draws stand."""
        return self._sampler.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from where ``state_dict`` was taken."""
        self._sampler.load_state_dict(state)

    def _warn_of_few_negatives(self, batch_size: int) -> None:
        rows = min(batch_size, self.loader.rows)
        if self._objective.negatives == InBatch() and rows < _FEW_NEGATIVES:
            warnings.warn(
                f"fit: a batch of {rows} rows gives at most {rows - 1} in-batch negatives; raise batch_size, "
                "or add Uniform(1024) to the negatives",
                stacklevel=4,
            )
