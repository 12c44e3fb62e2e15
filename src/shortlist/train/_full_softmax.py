"""Softmax of each taken item against the whole catalogue."""

from dataclasses import dataclass

from torch import Tensor

from shortlist.samplers import Everything
from shortlist.train._binding import Binding, RetrievalModel
from shortlist.train._comparison import Comparison, over_all
from shortlist.train._options import FitOptions
from shortlist.train._retrieval import Retrieval
from shortlist.train._sources import Data
from shortlist.train._temperature import Temperature, check_temperature

__all__ = ["FullSoftmax"]


@dataclass(frozen=True, slots=True)
class FullSoftmax:
    """Each query's taken item against every item of the catalogue, by softmax: nothing is sampled.

    What `SampledSoftmax` estimates. Each step encodes the catalogue and multiplies it with the batch, so it
    is for catalogues of up to some ten thousand items. Rows and weights as in `SampledSoftmax`.

    >>> FullSoftmax(temperature=0.2).mask_known
    True
    """

    temperature: Temperature = 0.2
    """Divides the scores; as for `SampledSoftmax`. A schedule, or ``Learnable()``."""
    mask_known: bool = True
    """Whether items that the user is known to have taken are never that user's negatives."""
    label_smoothing: float = 0.0
    """Share of the target that is spread over all items alike, in [0, 1]."""

    def __post_init__(self) -> None:
        check_temperature("FullSoftmax.temperature", self.temperature)

    @property
    def negatives(self) -> Everything:
        """The catalogue."""
        return Everything()

    @property
    def logq(self) -> bool:
        """Every item is there once: there is nothing to correct."""
        return False

    @property
    def correct_positive(self) -> bool:
        """There is nothing to correct."""
        return False

    def prepare(
        self, model: RetrievalModel, train: Data, valid: Data | None, options: FitOptions
    ) -> Retrieval:
        """Bind it to a retrieval model and its data."""
        return Retrieval(self, Binding(model, train, valid, options), options)

    def value(self, compared: Comparison) -> Tensor:
        """The loss of one batch: a scalar."""
        return over_all(compared, self.label_smoothing)
