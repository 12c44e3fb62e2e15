"""Softmax of each taken item against sampled ones."""

from dataclasses import dataclass, field

from torch import Tensor

from shortlist.samplers import AnySource, InBatch, Streaming
from shortlist.train._binding import Binding, RetrievalModel
from shortlist.train._comparison import Comparison, softmax
from shortlist.train._options import FitOptions
from shortlist.train._own_negatives import own_columns
from shortlist.train._retrieval import Retrieval
from shortlist.train._sources import Data
from shortlist.train._temperature import Temperature, check_temperature

__all__ = ["SampledSoftmax"]


@dataclass(frozen=True, slots=True)
class SampledSoftmax:
    """Each query's taken item against sampled items, by softmax over scores divided by the temperature.

    Rows that are no positives (`shortlist.io.positive`: a weight of zero or below, or no weight and no BINARY
    target above 0) are left out; weights scale a row's loss.

    >>> SampledSoftmax(temperature=0.1).logq
    True
    """

    temperature: Temperature = 0.2
    """Divides the scores; lower looks harder at the closest negatives. For cosines: 0.2 was best on every
    catalogue of some thousand items tried; try 0.1 and 0.05 on large ones; 1 for inner products. A schedule
    such as ``Linear(0.3, 0.1)``, or ``Learnable()``."""
    negatives: AnySource = field(default_factory=InBatch)
    """Where negatives come from: ``InBatch()``, ``Uniform(n)``, ``Mined()`` and others, or their sum."""
    logq: bool | Streaming = True
    """Whether scores are corrected by the log of how likely each item was sampled; without, popular items
    are pushed down. ``Streaming()`` estimates it from the batches."""
    mask_known: bool = True
    """Whether items that the user is known to have taken are never that user's negatives."""
    correct_positive: bool = True
    """Whether the correction is applied to the positive too, as for in-batch negatives it should be."""

    def __post_init__(self) -> None:
        check_temperature("SampledSoftmax.temperature", self.temperature)

    def prepare(
        self, model: RetrievalModel, train: Data, valid: Data | None, options: FitOptions
    ) -> Retrieval:
        """Bind it to a retrieval model and its data."""
        binding = Binding(model, train, valid, options, columns=own_columns(self.negatives))
        return Retrieval(self, binding, options)

    def value(self, compared: Comparison) -> Tensor:
        """The loss of one batch: a scalar."""
        return softmax(compared)
