"""Training of two towers by sampled softmax."""

import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from shortlist.data import Batch
from shortlist.errors import ArgumentError
from shortlist.io import positive
from shortlist.loader import Loader, take
from shortlist.losses import sampled_softmax
from shortlist.models.retrieval import TwoTower
from shortlist.rng import derive
from shortlist.samplers import InBatch, Negatives, Sampler, Source
from shortlist.schema import Column, Schema
from shortlist.train._catalogue import Catalogue, user_column
from shortlist.train._options import FitOptions
from shortlist.train._retrieval_validation import RetrievalValidation
from shortlist.train._sources import Data, not_empty, schema_of, weight_column

__all__ = ["Retrieval", "SampledSoftmax"]

_FEW_NEGATIVES = 64
_COLLAPSED = 0.98
_ITEMS_LOOKED_AT = 10_000


@dataclass(frozen=True, slots=True)
class SampledSoftmax:
    """Each query's taken item against sampled items, by softmax over scores divided by the temperature.

    Rows that are no positives (`shortlist.io.positive`: a weight of zero or below, or no weight and no BINARY
    target above 0) are left out; weights scale a row's loss.

    >>> SampledSoftmax(temperature=0.1).logq
    True
    """

    temperature: float = 0.05
    """Divides the scores; lower looks harder at the closest negatives. For cosines, 0.05 to 0.2."""
    negatives: Source = field(default_factory=InBatch)
    """Where negatives come from: ``InBatch()``, ``Uniform(n)``, or their sum."""
    logq: bool = True
    """Whether scores are corrected by the log of how likely each item was sampled; without, popular items
    are pushed down."""
    mask_known: bool = True
    """Whether items that the user is known to have taken are never that user's negatives."""
    correct_positive: bool = True
    """Whether the correction is applied to the positive too, as for in-batch negatives it should be."""

    def __post_init__(self) -> None:
        if not self.temperature > 0:
            raise ArgumentError(
                "SampledSoftmax.temperature", received=self.temperature, expected="a number > 0"
            )

    def prepare(self, model: TwoTower, train: Data, valid: Data | None, options: FitOptions) -> "Retrieval":
        """Bind it to a retrieval model and its data."""
        return Retrieval(self, model, train, valid, options)


class Retrieval:
    """`SampledSoftmax` bound to a model and its data."""

    def __init__(
        self, objective: SampledSoftmax, model: TwoTower, train: Data, valid: Data | None, options: FitOptions
    ) -> None:
        self._objective, self._model = objective, model
        self._device = model.tables.weight.device
        schema = schema_of(train, model.schema)
        self._user, self._weight = user_column(schema), weight_column(schema)
        self._item = model.item_schema.item.name
        self.loader = Loader(
            train,
            self._columns(model.query_schema.merge(model.item_schema)),
            batch_size=options.batch_size,
            seed=options.seed,
            where=positive(schema),
            device=self._device,
        )
        not_empty(self.loader, "fit.train", "check the filters, and that some rows have a weight above 0")
        self._catalogue = Catalogue.of(self.loader, model.item_schema, self._user)
        self._sampler = Sampler(
            objective.negatives, self._catalogue.population, seed=derive(options.seed, "negatives")
        )
        self._validation = (
            None if valid is None else RetrievalValidation(model, valid, self._catalogue, self._user, options)
        )
        self.metric = None if self._validation is None else self._validation.metric
        self.protocol = None if self._validation is None else self._validation.protocol
        self._warn_of_few_negatives(options.batch_size)

    def loss(self, batch: Batch) -> Tensor:
        """Weighted mean over the rows."""
        drawn = self._sampler.sample(_tensor(batch, self._item).cpu(), self._users(batch))
        log_weights, positive_log_weights = drawn.log_weights(
            log_q=self._objective.logq, correct_positive=self._objective.correct_positive
        )
        items, exclude = self._item_vectors(batch, drawn), drawn.to(self._device).exclude
        return sampled_softmax(
            self._model.encode_query(batch),
            items[drawn.positives.to(self._device)],
            items,
            temperature=self._objective.temperature,
            log_weights=log_weights.to(self._device),
            positive_log_weights=None
            if positive_log_weights is None
            else positive_log_weights.to(self._device),
            exclude=exclude,
            weights=None if self._weight is None else _tensor(batch, self._weight.name),
        )

    def validate(self) -> float | None:
        """The metric over the validation queries."""
        return None if self._validation is None else self._validation()

    def finish(self) -> None:
        """Warn if all items have nearly one vector."""
        codes = self._catalogue.codes[:_ITEMS_LOOKED_AT]
        with torch.no_grad():
            vectors = torch.nn.functional.normalize(
                self._model.encode_item(self._catalogue.batch(codes, self._device))
            )
        # The squared length of the mean of unit vectors is their mean cosine, self-pairs included.
        cosine = float(vectors.mean(0).square().sum())
        if len(codes) >= 10 and cosine > _COLLAPSED:
            warnings.warn(
                f"fit: the item vectors have collapsed: their mean cosine is {cosine:.3f}. Lower lr, raise "
                "the temperature, or check that the rows are not all of one item",
                stacklevel=3,
            )

    def state_dict(self) -> dict[str, Any]:
        """Where the sampler's draws stand."""
        return self._sampler.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from where ``state_dict`` was taken."""
        self._sampler.load_state_dict(state)

    def _columns(self, inputs: Schema) -> Schema:
        more: list[Column] = [column for column in (self._user, self._weight) if column is not None]
        return inputs.merge(column for column in more if column.name not in inputs)

    def _users(self, batch: Batch) -> Tensor | None:
        known = self._objective.mask_known and self._user is not None
        return _tensor(batch, self._user.name).cpu() if known and self._user is not None else None

    def _item_vectors(self, batch: Batch, drawn: Negatives) -> Tensor:
        """Vectors of the drawn items: with the features of a row of the batch, or of the catalogue."""
        rows = drawn.rows().numpy()
        own = rows >= 0
        vectors: Tensor = self._model.encode_item(take(batch, self._model.item_schema.names, rows[own]))
        if own.all():
            return vectors
        others = self._catalogue.batch(drawn.codes.numpy()[~own], self._device)
        place = np.argsort(np.concatenate([np.flatnonzero(own), np.flatnonzero(~own)]))
        both = torch.cat([vectors, self._model.encode_item(others)])
        return both[torch.from_numpy(place).to(self._device)]

    def _warn_of_few_negatives(self, batch_size: int) -> None:
        rows = min(batch_size, self.loader.rows)
        if self._objective.negatives == InBatch() and rows < _FEW_NEGATIVES:
            warnings.warn(
                f"fit: a batch of {rows} rows gives at most {rows - 1} in-batch negatives; raise batch_size, "
                "or add Uniform(1024) to the negatives",
                stacklevel=4,
            )


def _tensor(batch: Batch, name: str) -> Tensor:
    column: Any = batch.array(name)
    assert isinstance(column, Tensor)
    return column
