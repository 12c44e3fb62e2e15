"""What all rankers have in common."""

from collections.abc import Sequence
from dataclasses import dataclass

from shortlist.errors import ArgumentError
from shortlist.models._tables import Widths, check_widths
from shortlist.nn import MLP

__all__ = ["RankerOptions", "hidden_layers"]


@dataclass(frozen=True)
class RankerOptions:
    """Options of every ranker.

    >>> RankerOptions(batch_norm=True, widths={"city": 8}).sparse
    True

    Raises:
        ArgumentError: ``widths`` is no mapping and no known rule, or ``id_dropout`` is outside [0, 1).
    """

    batch_norm: bool = False
    """Whether hidden layers are normalised over the batch before their activation."""
    widths: Widths = None
    """Width of each table by the name of its domain; others, and with None all, are as wide as the model
    says. ``"by size"`` takes the least power of two that is at least ``1.6 V^0.56`` for V rows, from 4 up to
    that width. Narrower tables are projected; `describe` shows widths and memory."""
    sparse: bool = True
    """Whether gradients of tables are recorded by row, for a row-wise optimizer; without, every step touches
    every row."""
    id_dropout: float = 0.0
    """Share of training rows, in [0, 1), in which a column tagged ID reads the unknown code, each column by
    itself: what stands for users and items never met is then learned, and the other columns with it."""

    def __post_init__(self) -> None:
        check_widths("RankerOptions.widths", self.widths)
        if not 0.0 <= self.id_dropout < 1.0:
            raise ArgumentError(
                "RankerOptions.id_dropout", received=self.id_dropout, expected="a share in [0, 1)"
            )


def hidden_layers(
    width: int, hidden: Sequence[int], *, dropout: float, options: RankerOptions, seed: int
) -> MLP:
    """Hidden layers, each followed by its activation.

    >>> len(hidden_layers(4, (8,), dropout=0.5, options=RankerOptions(batch_norm=True), seed=0))
    4
    """
    return MLP(width, hidden, dropout=dropout, batch_norm=options.batch_norm, activate_last=True, seed=seed)
