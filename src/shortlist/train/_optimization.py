"""Options of how gradients become steps."""

from dataclasses import dataclass, field
from typing import Literal

from shortlist.errors import ArgumentError
from shortlist.train._bounds import above, one_of, within

__all__ = ["Optimization", "ParameterGroup", "Plateau"]


@dataclass(frozen=True, slots=True)
class Plateau:
    """How step sizes fall when the validation metric stands still."""

    factor: float = 0.1
    """What step sizes are multiplied by, in (0, 1)."""
    patience: int = 1
    """Epochs in a row without a better metric after which they are; the count begins anew."""

    def __post_init__(self) -> None:
        above("Plateau.factor", self.factor, 0.0)
        within("Plateau.factor", self.factor, 0.0, 1.0)
        above("Plateau.patience", self.patience, 0)


@dataclass(frozen=True, slots=True)
class ParameterGroup:
    """Parameters with a step size or a regularisation of their own.

    A parameter belongs to the first group whose pattern fits its name, as ``model.named_parameters()`` gives
    it.

    >>> ParameterGroup("query.body.*", lr=1e-4).lr
    0.0001

    Raises:
        ArgumentError: nothing is set, or a number is below 0.
    """

    pattern: str
    """A name with ``*`` for any text, as in file names: ``"query.*"``, ``"tables.weight"``."""
    lr: float | None = None
    """Step size before the schedule; 0 leaves the parameters as they are; None is that of their kind."""
    weight_decay: float | None = None
    """Instead of ``Optimization.weight_decay``, on those of the parameters that are not table rows."""
    l2: float | None = None
    """Instead of ``Optimization.l2``, on those of the parameters that are rows of sparse tables."""

    def __post_init__(self) -> None:
        given = {name: getattr(self, name) for name in ("lr", "weight_decay", "l2")}
        for name, value in given.items():
            if value is not None:
                within(f"ParameterGroup.{name}", value, 0.0, float("inf"))
        if all(value is None for value in given.values()):
            raise ArgumentError(
                f"ParameterGroup({self.pattern!r})",
                received="no lr, weight_decay or l2",
                expected="at least one of them",
            )


@dataclass(frozen=True, slots=True)
class Optimization:
    """How gradients become steps."""

    tables: Literal["adam", "adagrad"] = "adam"
    """Row-wise optimizer of sparse embedding tables; Adagrad keeps one number a row, Adam D + 2."""
    dense_lr: float | None = None
    """Step size of AdamW on all that is not a table; None is a third of ``lr``, at most 0.001."""
    weight_decay: float = 0.0
    """AdamW's decoupled decay, per unit of step size, of matrices; biases and norms are never decayed."""
    l2: float = 0.0
    """Strength of ``l2 / 2 * |w|^2`` on the table rows a batch touches."""
    groups: tuple[ParameterGroup, ...] = ()
    """Parameters with step sizes and regularisation of their own."""
    schedule: Literal["constant", "linear", "cosine", "plateau"] = "constant"
    """How step sizes fall after the warm-up: not, to zero at the end of the last epoch, or by ``plateau``."""
    warmup: float = 0.0
    """Share of all steps over which step sizes rise from zero, in [0, 1)."""
    plateau: Plateau = field(default_factory=Plateau)
    """What ``schedule="plateau"`` does; it needs validation data."""
    clip: float | None = None
    """Largest norm of the gradient of the parameters that are not tables, together; None does not clip."""
    clip_rows: float | None = None
    """Largest norm of the gradient of one table row; None does not clip."""
    accumulate: int = 1
    """Pieces that a batch is computed in, one after another, before its one step, to save memory."""
    ema: float | None = None
    """Decay a step, in [0, 1), of the moving average of the weights that is validated and kept; None keeps
    the weights themselves. Step t decays by ``min(ema, (1 + t) / (10 + t))``: early weights weigh little."""

    table_epochs: int | None = None
    """Epochs after which the embedding tables stand still, while all else goes on learning: many ids that are
    seen a few times each are learned by heart in the second epoch. None never stops them."""

    def __post_init__(self) -> None:
        one_of("Optimization.tables", self.tables, ("adam", "adagrad"))
        one_of("Optimization.schedule", self.schedule, ("constant", "linear", "cosine", "plateau"))
        within("Optimization.warmup", self.warmup, 0.0, 1.0)
        for name in ("weight_decay", "l2"):
            within(f"Optimization.{name}", getattr(self, name), 0.0, float("inf"))
        for name in ("dense_lr", "clip", "clip_rows", "accumulate", "table_epochs"):
            if getattr(self, name) is not None:
                above(f"Optimization.{name}", getattr(self, name), 0)
        if self.ema is not None:
            within("Optimization.ema", self.ema, 0.0, 1.0)
