"""Training of sequence models: each item of a sequence told from the others."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from torch import Tensor

from shortlist.errors import ArgumentError
from shortlist.samplers import Source
from shortlist.train._options import FitOptions
from shortlist.train._sequence import SequenceTraining
from shortlist.train._sources import Data

__all__ = ["Masking", "NextItem"]

ScoreLoss = Callable[..., Tensor]


@dataclass(frozen=True, slots=True)
class Masking:
    """Which items are hidden in masked training.

    >>> Masking(share=0.5).last
    0.2
    """

    share: float = 0.2
    """Chance of each item of a sequence to be hidden, in (0, 1]; at least one of each sequence is."""
    last: float = 0.2
    """Share of the sequences of which the last item alone is hidden, as when a history is asked for what
    comes next, in [0, 1]."""
    detection: float = 1.0
    """Weight of telling replaced items from real ones, for ``head="replaced"``; hidden items weigh 1."""

    def __post_init__(self) -> None:
        if not 0.0 < self.share <= 1.0 or not 0.0 <= self.last <= 1.0 or not self.detection >= 0.0:
            raise ArgumentError(
                "Masking",
                received=(self.share, self.last, self.detection),
                expected="share in (0, 1], last in [0, 1] and detection >= 0",
            )


@dataclass(frozen=True, slots=True)
class NextItem:
    """Sequences, each item told from those before it, or hidden items from those around them.

    Rows are whole sequences in the model's history column, or events with a history: `fit` takes from these
    what holds each event once. A batch is of so many sequences (``FitOptions.batch_size``, 128 to 512 is
    usual), compared on all their positions. Sequences longer than the model reads are cut into several.

    >>> NextItem().head, NextItem(head="causal").positions
    (None, 'every')
    """

    negatives: Source | None = None
    """Where negatives come from, drawn once for all the positions of a batch: ``Uniform(512)``, ``InBatch()``
    or their sum; None compares with every item of the training data, which suits some 20,000 items."""
    loss: ScoreLoss | None = None
    """A loss of `shortlist.losses` on the scores of one positive and many negatives, with its options bound:
    ``partial(gbce, ...)``; None is the softmax, in chunks."""
    head: Literal["causal", "masked", "replaced"] | None = None
    """``"causal"``: each item from those before it. ``"masked"``: hidden items from those on both sides.
    ``"replaced"``: hidden items as well, then which of the items that the model guessed in their place are
    not the real ones. None is causal for models that look back only, else masked."""
    masking: Masking = field(default_factory=Masking)
    """Which items are hidden, for the heads ``"masked"`` and ``"replaced"``."""
    positions: Literal["every", "last"] = "every"
    """Whether every item of a row is told, or its last one alone: for events whose history is of other events
    than the training rows."""
    temperature: float = 1.0
    """Divides the scores: 1 for inner products, 0.05 to 0.2 for cosines."""
    logq: bool = True
    """Whether sampled negatives stand for the whole catalogue: each weighs by how rarely it is drawn.
    Without, each weighs as often as it was drawn."""
    mask_known: bool = False
    """Whether the other items of a sequence's user are never its negatives."""
    items: Data | None = None
    """Encoded item rows, for whole sequences and a model that reads more of an item than its id."""

    def __post_init__(self) -> None:
        if not self.temperature > 0:
            raise ArgumentError("NextItem.temperature", received=self.temperature, expected="a number > 0")
        for name, known in (
            ("head", ("causal", "masked", "replaced", None)),
            ("positions", ("every", "last")),
        ):
            if getattr(self, name) not in known:
                raise ArgumentError(
                    f"NextItem.{name}", received=getattr(self, name), expected=f"one of {list(known)}"
                )

    def prepare(self, model: Any, train: Data, valid: Data | None, options: FitOptions) -> SequenceTraining:
        """Bind it to a sequence model and its data."""
        return SequenceTraining(self, model, train, valid, options)
