"""Options of training, grouped by concern."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from shortlist.errors import ArgumentError
from shortlist.nn import Precision
from shortlist.train._report import Epoch

__all__ = ["Checkpoints", "FitOptions", "Optimization"]


@dataclass(frozen=True, slots=True)
class Optimization:
    """How gradients become steps."""

    tables: Literal["adam", "adagrad"] = "adam"
    """Row-wise optimizer of sparse embedding tables; Adagrad keeps one number a row, Adam D + 2."""
    dense_lr: float | None = None
    """Step size of AdamW on all that is not a sparse table; None is a third of ``lr``, at most 0.001."""
    weight_decay: float = 0.0
    """AdamW's decoupled decay of the dense parameters, per unit of step size."""
    l2: float = 0.0
    """Strength of ``l2 / 2 * |w|^2`` on the table rows a batch touches."""
    schedule: Literal["constant", "linear", "cosine"] = "constant"
    """How step sizes fall after the warm-up: not, or to zero at the end of the last epoch."""
    warmup: float = 0.0
    """Share of all steps over which step sizes rise from zero, in [0, 1)."""
    clip: float | None = None
    """Largest norm of the gradient of the dense parameters; None does not clip."""

    def __post_init__(self) -> None:
        _one_of("Optimization.tables", self.tables, ("adam", "adagrad"))
        _one_of("Optimization.schedule", self.schedule, ("constant", "linear", "cosine"))
        _within("Optimization.warmup", self.warmup, 0.0, 1.0)
        for name in ("weight_decay", "l2"):
            _within(f"Optimization.{name}", getattr(self, name), 0.0, float("inf"))
        for name in ("dense_lr", "clip"):
            if getattr(self, name) is not None:
                _above(f"Optimization.{name}", getattr(self, name), 0)


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
    for ranking; None is ``"ndcg@10"`` or ``"auc"``."""
    patience: int | None = None
    """Epochs without a better metric after which training stops; None never stops early."""
    filter_seen: bool = True
    """Whether what a user has in the training data is left out of lists and truth in validation."""
    queries: int = 10_000
    """Most validation queries scored after an epoch; a sample by seed when there are more."""
    seed: int = 0
    """Of the order of rows, the negatives and dropout; the same seed gives the same weights."""
    precision: Precision = "auto"
    """Of matrix products: ``"auto"`` is bfloat16 where the processor has it natively, else float32."""
    checkpoint: Checkpoints | None = None
    """Where to write checkpoints; None writes none."""
    log: str | Path | None = None
    """CSV file, one line an epoch; None writes ``log.csv`` beside the checkpoints, if there are any."""
    callbacks: tuple[Callable[[Epoch], object], ...] = ()
    """Called with each finished epoch; training stops when one returns True."""
    progress: bool | None = None
    """Draw progress on the standard error stream; None does if that is a terminal."""

    def __post_init__(self) -> None:
        if self.epochs < 0:
            raise ArgumentError("FitOptions.epochs", received=self.epochs, expected="an integer >= 0")
        for name in ("batch_size", "lr", "queries"):
            _above(f"FitOptions.{name}", getattr(self, name), 0)
        if self.patience is not None:
            _above("FitOptions.patience", self.patience, 0)
        _one_of("FitOptions.precision", self.precision, ("auto", "float32", "bfloat16"))


def _one_of(where: str, received: object, known: tuple[str, ...]) -> None:
    if received not in known:
        raise ArgumentError(where, received=received, expected=f"one of {list(known)}")


def _above(where: str, received: float, low: float) -> None:
    if not received > low:
        raise ArgumentError(where, received=received, expected=f"a number > {low}")


def _within(where: str, received: float, low: float, high: float) -> None:
    if not low <= received < high:
        raise ArgumentError(where, received=received, expected=f"a number in [{low}, {high})")
