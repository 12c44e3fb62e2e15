"""Sequences in the plain format: a user and its items, oldest first, on each line."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from shortlist.data import Ragged
from shortlist.errors import DataError
from shortlist.io import atomic_write
from shortlist.rng import generator

__all__ = ["SequenceFile", "planted_sequences", "read_sequences", "write_sequences"]

_FOLLOWED = 0.8


@dataclass(frozen=True, slots=True, eq=False)
class SequenceFile:
    """Users with their items in the order of time.

    Attributes:
        users: one id a sequence, each once.
        items: ids of the items, in the order of their first appearance.
        sequences: places of items in ``items``, one row a user.
    """

    users: tuple[str, ...]
    items: tuple[str, ...]
    sequences: Ragged

    @property
    def events(self) -> int:
        """Items of all users, counted as often as they occur."""
        return len(self.sequences.values)

    def first(self, users: int) -> "SequenceFile":
        """The sequences of the first so many users, and the items in them."""
        kept = self.sequences.take(np.arange(min(users, len(self.users))))
        codes, places = np.unique(kept.values, return_inverse=True)
        names = tuple(self.items[code] for code in codes.tolist())
        return SequenceFile(self.users[:users], names, kept.with_values(places.astype(np.int64)))

    def __str__(self) -> str:
        return f"{len(self.users):,} users, {len(self.items):,} items, {self.events:,} events"


def read_sequences(path: str | Path) -> SequenceFile:
    r"""Read lines ``user item item item ...``: ids separated by spaces or tabs, oldest first.

    Empty lines are passed over. An item may occur more than once.

    Args:
        path: a text file in UTF-8.

    Raises:
        DataError: there is no such file, it is not text, it holds nothing, or a line has no item or a user of
            an earlier line; the line is named.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "log.txt").write_text("ann tea milk tea\nbob milk\n")
    ...     print(read_sequences(Path(folder) / "log.txt"))
    2 users, 2 items, 4 events
    """
    users: dict[str, int] = {}
    items: dict[str, int] = {}
    lists: list[list[int]] = []
    for number, line in enumerate(_lines(Path(path)), start=1):
        user, *own = line.split() or [""]
        if user == "":
            continue
        _check_line(f"{path}, line {number}", line, user, own, users)
        users[user] = number
        lists.append([items.setdefault(item, len(items)) for item in own])
    if not users:
        raise DataError(
            str(path), received="no sequences", expected="lines of a user and its items: 'u1 i7 i3 i9'"
        )
    return SequenceFile(tuple(users), tuple(items), Ragged.of(lists, np.int64))


def write_sequences(path: str | Path, sequences: Iterable[tuple[str, Iterable[str]]]) -> None:
    """Write users and their items in the format that `read_sequences` reads, whole or not at all."""
    text = "".join(f"{' '.join((user, *items))}\n" for user, items in sequences)
    atomic_write(Path(path), text.encode())


def planted_sequences(*, users: int, items: int, events: int, seed: int = 0) -> SequenceFile:
    """Sequences in which four of five items are followed by their successor, the same for everybody.

    The others are followed by an item drawn by popularity, which falls with the square root of the rank.
    Nobody can be right about these, so ten guesses reach a recall of about 0.8 and a little chance. Lengths
    are five and more, as skewed as those of shops.

    Args:
        users: sequences.
        items: items that may occur.
        events: about how many items all sequences have.
        seed: of everything random.

    >>> print(planted_sequences(users=10, items=20, events=80))
    10 users, 20 items, 87 events
    """
    rng = generator(seed, "planted sequences")
    successor = rng.permutation(items)
    mean = max(events / max(users, 1) - 5, 0.0)
    lengths = 5 + np.floor(rng.exponential(mean, users)).astype(np.int64)
    chances = 1 / np.sqrt(np.arange(1, items + 1))
    drawn = rng.choice(items, size=int(lengths.sum()), p=chances / chances.sum())
    follows = rng.random(len(drawn)) < _FOLLOWED
    starts = np.cumsum(lengths) - lengths
    follows[starts] = False
    codes = drawn.copy()
    for place in range(1, int(lengths.max(initial=0))):
        here = starts[lengths > place] + place
        here = here[follows[here]]
        codes[here] = successor[codes[here - 1]]
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
    names = tuple(f"i{code}" for code in range(items))
    return SequenceFile(tuple(f"u{user}" for user in range(users)), names, Ragged(codes, offsets))


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise DataError(
            str(path),
            received="no such file",
            expected="a text file of sequences",
            remedy="mend the path, or try --small",
        ) from None
    except (UnicodeDecodeError, OSError) as error:
        raise DataError(str(path), received=str(error), expected="a text file in UTF-8") from error


def _check_line(where: str, line: str, user: str, items: list[str], users: dict[str, int]) -> None:
    if len(items) == 0:
        mark = next((mark for mark in ",;|" if mark in line), None)
        raise DataError(
            where,
            received=f"{line.strip()[:60]!r}",
            expected="a user and at least one item, separated by spaces",
            remedy=f"replace {mark!r} by a space" if mark else "drop users without items",
        )
    if user in users:
        raise DataError(
            where,
            received=f"user {user!r} once more",
            expected="one line a user",
            remedy=f"join it with line {users[user]}",
        )
