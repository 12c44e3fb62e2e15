"""The training task of every retrieval objective."""

import warnings
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from shortlist.data import Batch
from shortlist.losses import SharedQueries
from shortlist.rng import derive
from shortlist.samplers import (
    AnySource,
    DeviceSampler,
    InBatch,
    Mixed,
    Negatives,
    Nothing,
    Source,
    Streaming,
    own_sources,
    queue_of,
    sampler_for,
    shared_sources,
)
from shortlist.train._binding import Binding, own_rows
from shortlist.train._comparison import Comparison
from shortlist.train._course import Baseline
from shortlist.train._options import FitOptions
from shortlist.train._own_negatives import OwnNegatives
from shortlist.train._ranks import Ranks
from shortlist.train._temperature import Temperature, TemperatureCourse
from shortlist.train._vector_memory import VectorMemory

__all__ = ["Contrasting", "Retrieval"]

_FEW_NEGATIVES = 64


class Contrasting(Protocol):
    """For type-checking only: an objective that compares each positive with negatives."""

    @property
    def temperature(self) -> Temperature:
        """Divides the scores."""

    @property
    def negatives(self) -> AnySource:
        """Where negatives come from."""

    @property
    def logq(self) -> bool | Streaming:
        """Whether negatives weigh by how likely each was drawn, and how that is known."""

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
        self._shared = _shared(objective.negatives)
        population, seed = binding.catalogue.population, derive(options.seed, "negatives")
        self._sampler = sampler_for(
            self._shared,
            population,
            seed=seed,
            device=binding.device,
            streaming=objective.logq if isinstance(objective.logq, Streaming) else None,
        )
        self._temperature = TemperatureCourse(objective.temperature).to(binding.device)
        self._own = OwnNegatives(
            own_sources(objective.negatives), binding, mask_known=objective.mask_known, seed=seed
        )
        queue = queue_of(self._shared)
        self._memory = (
            None
            if queue is None or not queue.cached
            else VectorMemory(
                queue.batches, options.batch_size, items=len(population.counts), dim=binding.dim
            ).to(binding.device)
        )
        self.loader = binding.loader
        self.metric = None if binding.validation is None else binding.validation.metric
        self.protocol = None if binding.validation is None else binding.validation.protocol
        self.module: nn.Module = self._module()
        self._warn_of_few_negatives(options.batch_size)
        binding.warn_of_leaks()

    @property
    def temperature(self) -> float:
        """As it was in the last step."""
        with torch.no_grad():
            return round(float(self._temperature(max(self._binding.progress, 0.0))), 6)

    def loss(self, batch: Batch) -> Tensor:
        """Weighted mean over the rows."""
        return self._objective.value(self.compare(batch))

    def compare(self, batch: Batch) -> Comparison:
        """Draw the negatives of a batch and encode both sides."""
        binding, objective = self._binding, self._objective
        edges = binding.ranks.edges(len(batch), binding.device)
        low, high = edges[binding.ranks.rank], edges[binding.ranks.rank + 1]
        items = binding.ranks.gather(binding.items(batch))
        whole = self._sample(items, self._users(batch))
        drawn = own_rows(whole, low, high)
        log_weights, positive_log_weights = drawn.log_weights(
            log_q=bool(objective.logq), correct_positive=objective.correct_positive
        )
        columns, queries = binding.vectors(batch, whole, edges, self._memory), binding.queries(batch)
        if self._memory is not None:
            own = torch.unique(whole.positives)
            self._memory.write(drawn.codes[own], columns[own.to(columns.device)])
        moved, device = drawn.to(binding.device), binding.device
        shared = queries if isinstance(queries, SharedQueries) else None
        queries = queries.whole() if isinstance(queries, SharedQueries) else queries
        return Comparison(
            queries=queries,
            columns=columns,
            positives=moved.positives,
            log_weights=log_weights.to(device),
            positive_log_weights=None if positive_log_weights is None else positive_log_weights.to(device),
            exclude=moved.exclude,
            own=self._own(batch, queries, items, self._shared_weight(drawn)),
            weights=binding.weights(batch),
            temperature=self._temperature(binding.progress),
            shared=shared,
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
        """Warn of vectors that look wrong."""
        self._binding.warn_of_vectors()

    def baseline(self) -> Baseline | None:
        """The metric of the most popular items."""
        return None if self._binding.validation is None else self._binding.validation.popularity()

    def state_dict(self) -> dict[str, Any]:
        """Where the sampler's draws stand."""
        return self._sampler.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from where ``state_dict`` was taken."""
        self._sampler.load_state_dict(state)

    def _users(self, batch: Batch) -> Tensor | None:
        users = self._binding.users(batch) if self._objective.mask_known else None
        return None if users is None else self._binding.ranks.gather(users)

    def _sample(self, items: Tensor, users: Tensor | None) -> Negatives:
        if isinstance(self._sampler, DeviceSampler):
            return self._sampler.sample(items, users)
        return self._sampler.sample(items.cpu(), None if users is None else users.cpu())

    def _shared_weight(self, drawn: Negatives) -> float:
        """How many items the shared negatives of a row stand for together."""
        if isinstance(self._shared, Nothing):
            return 0.0
        return float(len(self._binding.catalogue.codes) if self._objective.logq else drawn.counts.sum())

    def _module(self) -> nn.ModuleDict:
        parts = {"temperature": self._temperature, "own": self._own, "queue": self._memory}
        return nn.ModuleDict({name: part for name, part in parts.items() if part is not None})

    def _warn_of_few_negatives(self, batch_size: int) -> None:
        rows = min(batch_size, self.loader.rows)
        if self._objective.negatives == InBatch() and rows < _FEW_NEGATIVES:
            warnings.warn(
                f"fit: a batch of {rows} rows gives at most {rows - 1} in-batch negatives; raise batch_size, "
                "or add Uniform(1024) to the negatives",
                stacklevel=4,
            )


def _shared(negatives: AnySource) -> Source:
    sources = shared_sources(negatives)
    if len(sources) == 0:
        return Nothing()
    return sources[0] if len(sources) == 1 else Mixed(sources)
