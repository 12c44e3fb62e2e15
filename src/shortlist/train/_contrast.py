"""Any loss of scores over sampled negatives."""

from dataclasses import dataclass, field

from torch import Tensor

from shortlist.samplers import AnySource, Streaming, Uniform
from shortlist.train._binding import Binding, RetrievalModel
from shortlist.train._comparison import Comparison, ScoreLoss, of_scores
from shortlist.train._options import FitOptions
from shortlist.train._own_negatives import own_columns
from shortlist.train._retrieval import Retrieval
from shortlist.train._sources import Data
from shortlist.train._temperature import Temperature, check_temperature

__all__ = ["Contrast"]


@dataclass(frozen=True, slots=True)
class Contrast:
    """Each query's taken item against sampled items, by any loss of their scores.

    The whole matrix of scores of a batch is made: some hundred negatives are cheap. For softmax over
    thousands, `SampledSoftmax` makes it piece by piece. Rows and weights as there.

    >>> from functools import partial
    >>> from shortlist import losses
    >>> objective = Contrast(partial(losses.hinge, margin=0.5), Uniform(64), temperature=0.2)
    >>> objective.logq
    True
    """

    loss: ScoreLoss
    """A function of `shortlist.losses` that takes scores: ``losses.bpr``, or
    ``partial(losses.hinge, margin=0.5)``, or one of your own with the same arguments."""
    negatives: AnySource = field(default_factory=lambda: Uniform(256))
    """Where negatives come from: ``InBatch()``, ``Uniform(n)``, ``Hardest(...)`` and others, or their sum."""
    temperature: Temperature = 1.0
    """Divides the scores; a schedule, or ``Learnable()``. Cosines want less than 1: 0.1 to 0.2."""
    logq: bool | Streaming = True
    """Whether a negative counts as the number of items it stands for, so that popular ones, which are drawn
    more often, weigh less; without, each draw counts alike, as ``losses.gbce`` and ``losses.warp`` want it.
    ``Streaming()`` estimates it from the batches."""
    mask_known: bool = True
    """Whether items that the user is known to have taken are never that user's negatives."""

    def __post_init__(self) -> None:
        check_temperature("Contrast.temperature", self.temperature)

    @property
    def correct_positive(self) -> bool:
        """A positive's score stays as it is."""
        return False

    def prepare(
        self, model: RetrievalModel, train: Data, valid: Data | None, options: FitOptions
    ) -> Retrieval:
        """Bind it to a retrieval model and its data."""
        binding = Binding(model, train, valid, options, columns=own_columns(self.negatives))
        return Retrieval(self, binding, options)

    def value(self, compared: Comparison) -> Tensor:
        """The loss of one batch: a scalar."""
        return of_scores(compared, self.loss)
