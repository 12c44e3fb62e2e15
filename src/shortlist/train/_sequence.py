"""The training task of `NextItem`."""

import warnings
from typing import Any, Literal, NamedTuple, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from shortlist.data import Batch
from shortlist.errors import ArgumentError
from shortlist.loader import Loader
from shortlist.losses import sampled_softmax
from shortlist.rng import derive
from shortlist.samplers import DeviceSampler, Everything, Negatives, Source, sampler_for
from shortlist.schema import FIRST_UNKNOWN
from shortlist.train._course import Baseline
from shortlist.train._options import FitOptions
from shortlist.train._retrieval_validation import RetrievalValidation
from shortlist.train._sequence_batches import Rectangle, rectangles
from shortlist.train._sequence_heads import Told, causal, detection, joined, masked
from shortlist.train._sequence_rows import sequence_rows
from shortlist.train._sources import Data

__all__ = ["SequenceObjective", "SequenceTraining"]

_COLUMN_MULTIPLE = 128
_COLLAPSED = 0.98
_ITEMS_LOOKED_AT = 10_000


class SequenceObjective(Protocol):
    """For type-checking only: the options of `NextItem`."""

    @property
    def negatives(self) -> Source | None:
        """Where negatives come from."""

    @property
    def loss(self) -> Any:
        """The loss of scores, or None."""

    @property
    def head(self) -> Literal["causal", "masked", "replaced"] | None:
        """What is told from what."""

    @property
    def masking(self) -> Any:
        """Which items are hidden."""

    @property
    def positions(self) -> Literal["every", "last"]:
        """Which items are told."""

    @property
    def temperature(self) -> float:
        """Divides the scores."""

    @property
    def logq(self) -> bool:
        """Whether negatives stand for the catalogue."""

    @property
    def mask_known(self) -> bool:
        """Whether a user's items are left out."""

    @property
    def items(self) -> Data | None:
        """Encoded item rows."""


class _Compared(NamedTuple):
    """P items that are told, and the M negatives that were drawn for all of them."""

    queries: Tensor
    """``[P, D]``."""
    positives: Tensor
    """``[P, D]``."""
    negatives: Tensor
    """``[M, D]``."""
    log_weights: Tensor
    """``[M]``: log of how many items a negative stands for."""
    exclude: tuple[Tensor, Tensor]
    """Row and column numbers of the pairs that are no negatives."""
    weights: Tensor | None
    """``[P]``."""
    temperature: float
    """Divides the scores."""


class SequenceTraining:
    """`NextItem` bound to a sequence model and its data.

    Args:
        objective: what is told from what, and by which loss.
        model: a sequence model, on its device.
        train: encoded rows: whole sequences, or events with histories.
        valid: encoded rows with a history and an item.
        options: how to train.

    Raises:
        ArgumentError: the head does not suit the model.
        DataError: no sequence has two items.
        SchemaError: a column is missing.
    """

    module: nn.Module | None = None

    def __init__(
        self, objective: SequenceObjective, model: Any, train: Data, valid: Data | None, options: FitOptions
    ) -> None:
        self._objective, self._model = objective, model
        self._head = _head(objective.head, model)
        self._device = next(iter(model.parameters())).device
        length = model.options.max_length + (1 if self._head == "causal" else 0)
        rows = sequence_rows(
            model, train, objective.items, length=max(length, 2), positions=objective.positions
        )
        self._user = None if rows.user is None else rows.user.name
        self._weight = None if rows.weight is None else rows.weight.name
        self._history, *ages = model.query_schema.names
        self._ages = ages[0] if ages else None
        self._catalogue = rows.catalogue
        self.loader = Loader(
            rows.frame,
            rows.schema,
            batch_size=options.batch_size,
            seed=options.seed,
            device=self._device,
            loading=options.loading,
        )
        self._sampler = sampler_for(
            objective.negatives or Everything(),
            rows.catalogue.population,
            seed=derive(options.seed, "negatives"),
            device=self._device,
        )
        self._validation = (
            None if valid is None else RetrievalValidation(model, valid, rows.catalogue, rows.user, options)
        )
        self.metric = None if self._validation is None else self._validation.metric
        self.protocol = None if self._validation is None else self._validation.protocol

    def loss(self, batch: Batch) -> Tensor:
        """Weighted mean over all the items that are told."""
        parts = list(rectangles(batch, self._history, self._ages))
        values: Any = batch.ragged(self._history).values
        # One look-up for all, and a row of zeros for padding.
        vectors = functional.pad(self._model.query.embed(values), (0, 0, 0, 1))
        told = [self._tell(part, functional.embedding(part.places, vectors)) for part in parts]
        compared, codes = self._compare(joined(told), batch)
        loss = self._value(compared)
        if self._head == "replaced":
            guesses = torch.split(codes[_guesses(compared)], [len(one.codes) for one in told])
            loss = loss + self._objective.masking.detection * self._detection(parts, told, guesses)
        return loss

    def mass(self, batch: Batch) -> Tensor:
        """Weight of what is told: items of the rows, or one a row; of masked heads its expectation."""
        codes: Any = batch.ragged(self._history)
        offsets = codes.offsets
        if self._objective.positions == "last":
            told = torch.ones(len(batch), dtype=torch.float64, device=self._device)
        else:
            known = functional.pad((codes.values > FIRST_UNKNOWN).double().cumsum(0), (1, 0))
            told = known[offsets[1:]] - known[offsets[:-1] + (1 if self._head == "causal" else 0)]
        return told.sum() if self._weight is None else told @ _column(batch, self._weight).double()

    def validate(self) -> float | None:
        """The metric over the validation queries."""
        return None if self._validation is None else self._validation()

    def baseline(self) -> Baseline | None:
        """The metric of the most popular items."""
        return None if self._validation is None else self._validation.popularity()

    def finish(self) -> None:
        """Warn if all items have nearly one vector."""
        codes = torch.from_numpy(self._catalogue.codes[:_ITEMS_LOOKED_AT])
        with torch.no_grad():
            vectors = nn.functional.normalize(self._vectors(codes))
        cosine = float(vectors.mean(0).square().sum())
        if len(codes) >= 10 and cosine > _COLLAPSED:
            warnings.warn(
                f"fit: the item vectors have collapsed: their mean cosine is {cosine:.3f}. Lower lr, or "
                "check that the sequences are not all of one item",
                stacklevel=3,
            )

    def state_dict(self) -> dict[str, Any]:
        """Where the sampler's draws stand."""
        return self._sampler.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from where ``state_dict`` was taken."""
        self._sampler.load_state_dict(state)

    def _tell(self, part: Rectangle, vectors: Tensor) -> Told:
        if self._head == "causal":
            return causal(self._model.query, part, vectors, self._objective.positions)
        last = 1.0 if self._objective.positions == "last" else self._objective.masking.last
        return masked(self._model.query, part, vectors, share=self._objective.masking.share, last=last)

    def _compare(self, told: Told, batch: Batch) -> tuple[_Compared, Tensor]:
        """The items that are told beside those that were drawn, and the codes of these."""
        users = None
        if self._objective.mask_known and self._user is not None:
            users = _column(batch, self._user)[told.rows]
        drawn = self._draw(told.codes, users)
        vectors = self._vectors(drawn.codes)
        columns, log_weights, exclude = _only_drawn(drawn, log_q=self._objective.logq)
        compared = _Compared(
            queries=told.queries,
            positives=vectors[drawn.positives.to(self._device)],
            negatives=vectors[columns.to(self._device)],
            log_weights=log_weights.to(self._device),
            exclude=(exclude[0].to(self._device), exclude[1].to(self._device)),
            weights=None if self._weight is None else _column(batch, self._weight)[told.rows],
            temperature=self._objective.temperature,
        )
        return compared, drawn.codes[columns].to(self._device)

    def _draw(self, codes: Tensor, users: Tensor | None) -> Negatives:
        if isinstance(self._sampler, DeviceSampler):
            return self._sampler.sample(codes, users)
        return self._sampler.sample(codes.cpu(), None if users is None else users.cpu())

    def _value(self, compared: _Compared) -> Tensor:
        if self._objective.loss is None:
            return sampled_softmax(**compared._asdict())
        scores = _scores(compared)
        exclude = torch.zeros(scores.shape, dtype=torch.bool, device=scores.device)
        exclude[compared.exclude] = True
        own = (compared.queries * compared.positives).sum(1) / compared.temperature
        loss: Tensor = self._objective.loss(
            own,
            scores,
            log_weights=compared.log_weights,
            exclude=exclude,
            weights=compared.weights,
        )
        return loss

    def _detection(self, parts: list[Rectangle], told: list[Told], guesses: tuple[Tensor, ...]) -> Tensor:
        """Mean over all items of how badly guesses are told from real ones."""
        found = [
            detection(self._model, part, one, guess)
            for part, one, guess in zip(parts, told, guesses, strict=True)
        ]
        return torch.stack([total for total, _ in found]).sum() / max(sum(count for _, count in found), 1)

    def _vectors(self, codes: Tensor) -> Tensor:
        vectors: Tensor = self._model.encode_item(self._catalogue.batch(codes.cpu().numpy(), self._device))
        return vectors


def _only_drawn(drawn: Negatives, *, log_q: bool) -> tuple[Tensor, Tensor, tuple[Tensor, Tensor]]:
    """Columns that were drawn, filled up to a multiple of 128, their log weights, and the pairs among them.

    A column that is only somebody's positive would cost as much as a negative and weigh nothing.
    """
    kept = (drawn.counts > 0).nonzero().squeeze(1)
    filling = kept.new_zeros(-len(kept) % _COLUMN_MULTIPLE)
    log_weights = drawn.log_weights(log_q=log_q, correct_positive=False)[0][kept]
    place = torch.full_like(drawn.codes, -1)
    place[kept] = torch.arange(len(kept), device=kept.device)
    rows, columns = drawn.exclude
    columns = place[columns]
    inside = columns >= 0
    nothing = log_weights.new_full((len(filling),), -torch.inf)
    return torch.cat([kept, filling]), torch.cat([log_weights, nothing]), (rows[inside], columns[inside])


def _guesses(compared: _Compared) -> Tensor:
    """What the model takes hidden items for: columns drawn by its own softmax over the negatives ``[P]``."""
    with torch.no_grad():
        scores = _scores(compared).float() + compared.log_weights
        noise = -torch.empty_like(scores).exponential_().log()
        return (scores + noise).argmax(1)


def _scores(compared: _Compared) -> Tensor:
    return compared.queries @ compared.negatives.T / compared.temperature


def _column(batch: Batch, name: str) -> Tensor:
    column: Any = batch.array(name)
    assert isinstance(column, Tensor)
    return column


def _head(asked: Literal["causal", "masked", "replaced"] | None, model: Any) -> str:
    tower: Any = getattr(model, "query", None)
    if not hasattr(tower, "positions"):
        raise ArgumentError(
            "NextItem",
            received=type(model).__name__,
            expected="a sequence model",
            remedy="sl.SASRec(schema), or sl.SampledSoftmax() for other retrieval models",
        )
    suits = {
        "causal": tower.causal,
        "masked": tower.blank is not None,
        "replaced": tower.blank is not None and getattr(model, "detector", None) is not None,
    }
    head = asked or ("causal" if tower.causal else "masked")
    if not suits[head]:
        raise ArgumentError(
            "NextItem.head",
            received=f"{head!r} for a {type(model).__name__}",
            expected=f"one of {[name for name, fits in suits.items() if fits]}",
            remedy="causal: SASRec and its like; masked: BERT4Rec; replaced: BERT4Rec(detector=True)",
        )
    return head
