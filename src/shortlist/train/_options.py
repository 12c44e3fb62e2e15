"""Options of training, grouped by concern."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from shortlist.errors import ArgumentError
from shortlist.loader import Loading
from shortlist.nn import Precision
from shortlist.train._bounds import above, one_of
from shortlist.train._optimization import Optimization
from shortlist.train._report import Epoch
from shortlist.train._trackers import Tracker
from shortlist.train._warm_start import WarmStart

__all__ = ["Checkpoints", "FitOptions"]


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """Where a run can go on from."""

    folder: str | Path
    """Holds ``last/``, replaced as a whole each time; its parents are made."""
    every: int = 0
    """Steps between two checkpoints; 0 writes one after each epoch only."""
    resume: bool = True
    """Go on from the folder's checkpoint if it has one; otherwise start anew and replace it."""

    def __post_init__(self) -> None:
        if self.every < 0:
            raise ArgumentError("Checkpoints.every", received=self.every, expected="a number of steps >= 0")


@dataclass(frozen=True, slots=True)
class FitOptions:
    """How to train.

    >>> FitOptions(epochs=3, batch_size=8192, seed=0).lr
    0.003
    """

    epochs: int = 3
    """Times every training row is seen, unless stopped early; 0 trains nothing."""
    batch_size: int = 4096
    """Rows a step; in-batch negatives want thousands, small data sets want fewer."""
    lr: float = 3e-3
    """Step size of the embedding tables."""
    optimization: Optimization = field(default_factory=Optimization)
    """Optimizers, schedule, regularisation, clipping."""
    metric: str | None = None
    """What decides which epoch is best: ``"ndcg@10"`` and its like for retrieval, ``"auc"`` or ``"logloss"``
    for ranking, ``"rmse"`` for amounts, all of the first target, or of another as in ``"auc:buy"``; None is
    ``"ndcg@10"``, and for ranking the first of these that fits."""
    patience: int | None = None
    """Epochs without a better metric after which training stops; None never stops early."""
    filter_seen: bool = True
    """Whether what a user has in the training data is left out of lists and truth in validation."""
    queries: int = 10_000
    """Most validation queries scored after an epoch; a sample by seed when there are more."""
    seed: int = 0
    """Of the order of rows, the negatives and dropout; the same seed gives the same weights."""
    loading: Loading = field(default_factory=Loading)
    """How many training rows stay in memory, and where larger data is kept between epochs."""
    precision: Precision = "auto"
    """Of matrix products: ``"auto"`` is bfloat16 where the processor has it natively, else float32."""
    checkpoint: Checkpoints | None = None
    """Where to write checkpoints; None writes none."""
    start: WarmStart | None = None
    """What `warm_start` returned, to go on with the optimizers' state that it carried over; a checkpoint to
    resume from comes first."""
    log: str | Path | None = None
    """CSV file, one line an epoch; None writes ``log.csv`` beside the checkpoints, if there are any."""
    trackers: tuple[Tracker, ...] = ()
    """Other records of the run: `TensorBoard`, `MLflow`, or your own."""
    callbacks: tuple[Callable[[Epoch], object], ...] = ()
    """Called with each finished epoch; training stops when one returns True."""
    progress: bool | None = None
    """Draw progress on the standard error stream; None does if that is a terminal."""

    def __post_init__(self) -> None:
        if self.epochs < 0:
            raise ArgumentError("FitOptions.epochs", received=self.epochs, expected="an integer >= 0")
        for name in ("batch_size", "lr", "queries"):
            above(f"FitOptions.{name}", getattr(self, name), 0)
        if self.patience is not None:
            above("FitOptions.patience", self.patience, 0)
        one_of("FitOptions.precision", self.precision, ("auto", "float32", "bfloat16"))
