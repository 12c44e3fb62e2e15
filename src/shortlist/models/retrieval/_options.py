"""Options of towers, grouped by concern."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from torch import nn

from shortlist.errors import ArgumentError
from shortlist.models._tables import Widths, check_widths

__all__ = ["TableOptions", "TowerOptions"]


@dataclass(frozen=True, eq=False)
class TowerOptions:
    """How one tower makes a vector of its columns.

    The columns' vectors stand side by side, pass the cross layers, then the hidden layers or ``body``. The
    embeddings of item ids on this side are added to what comes out, so that deep layers correct what ids
    say instead of having to learn it anew.

    Modules are used as they are: a model of the same options shares them. Build new ones for each model.

    >>> TowerOptions(hidden=(256, 128), id_dropout=0.1).residual
    False

    Raises:
        ArgumentError: an option is out of range, or does not go with another.
    """

    hidden: Sequence[int] | None = None
    """Widths of the hidden layers; () maps linearly, and None takes what the model says for both towers."""
    residual: bool = False
    """Whether each hidden layer adds to a linear map of the columns, as a block, instead of replacing it."""
    cross: int = 0
    """Cross layers (DCN v2) before the hidden layers; they multiply columns with each other."""
    body: nn.Module | None = None
    """A ready module ``[B, width] -> [B, dim]`` in place of the hidden layers."""
    dropout: float = 0.0
    """Share of hidden activations set to zero in training, in [0, 1)."""
    id_dropout: float = 0.0
    """Share of training rows whose user id (query tower) or item id (item tower) is replaced by the unknown
    one, in [0, 1]: what stands for users and items never met is then learned with the other columns. With 1
    every id is unknown, when serving too: the tower goes by the other columns alone."""
    history: nn.Module | Mapping[str, nn.Module] | None = None
    """What makes one vector of a list: a module of ``shortlist.nn`` for the one column tagged SEQUENCE, or
    list column -> module; lists that are not named, or None, become the mean of their embeddings."""
    text: Mapping[str, nn.Module] = field(default_factory=dict)
    """List column of token codes, as ``ops.Tokenize`` gives it -> a text encoder, read by
    ``shortlist.export.read_text_tower``; others become the mean embedding of their tokens."""

    def __post_init__(self) -> None:
        _share("TowerOptions.dropout", self.dropout, below_one=True)
        _share("TowerOptions.id_dropout", self.id_dropout, below_one=False)
        if self.cross < 0:
            raise ArgumentError("TowerOptions.cross", received=self.cross, expected="an integer >= 0")
        if self.body is not None and (self.hidden is not None or self.residual or self.dropout > 0):
            raise ArgumentError(
                "TowerOptions.body",
                received="a module, and options of the hidden layers",
                expected="a module, or hidden, residual and dropout",
                remedy="leave hidden, residual and dropout to the module",
            )

    def with_hidden(self, hidden: Sequence[int]) -> "TowerOptions":
        """The same with these hidden layers, unless it says something of them itself.

        >>> TowerOptions().with_hidden((8,)).hidden, TowerOptions(hidden=()).with_hidden((8,)).hidden
        ((8,), ())
        """
        given = self.hidden is not None or self.body is not None
        return self if given else replace(self, hidden=tuple(hidden))


@dataclass(frozen=True)
class TableOptions:
    """The embedding tables of a model.

    >>> TableOptions(widths={"city": 8}).sparse
    True
    """

    widths: Widths = None
    """Width of each table by the name of its domain; others, and with None all, are as wide as the model's
    vectors. ``"by size"`` takes the least power of two that is at least ``1.6 V^0.56`` for V rows, from 4 up
    to the model's width. Narrower tables are projected; `describe` shows widths and memory."""
    own_histories: bool = False
    """Whether lists of items on the query side have a table of their own instead of the item ids' table:
    twice the memory, and a taken item may then say something else than a wanted one."""
    sparse: bool = True
    """Whether gradients are recorded by row, for a row-wise optimizer; without, every step touches every
    row."""

    def __post_init__(self) -> None:
        check_widths("TableOptions.widths", self.widths)


def _share(where: str, received: float, *, below_one: bool) -> None:
    if not (0.0 <= received < 1.0 or (received == 1.0 and not below_one)):
        raise ArgumentError(where, received=received, expected=f"a share in [0, 1{')' if below_one else ']'}")
