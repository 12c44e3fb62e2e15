"""Sequences with their last items held out, and the measure of what is told of them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.sparse import csr_array

from shortlist.data import Ragged
from shortlist.errors import DataError
from shortlist.recipes._sequence_file import SequenceFile
from shortlist.schema import FIRST_UNKNOWN, LIST, Column, Domain, Schema

__all__ = ["FIRST", "Held", "Metrics", "hold_out"]

FIRST = FIRST_UNKNOWN + 1  # code of the first item
K = 10
_NEVER = 2**62  # rank of what has no score
_SCORES = 2**24  # scores held at a time: 64 MB of float32

Codes = npt.NDArray[np.int64]
Metrics = dict[str, float]


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """The last item of each user is told from those before it; the last but one stops training.

    Attributes:
        schema: user, item and history.
        train: all but the last two items of each user that has two or more of them.
        valid: those, and the last but one.
        histories: all but the last item of each user that is asked about, places of items.
        targets: the last item of each.
        items: number of items.
        repeated: users that are not asked about, as they had their last item before and seen items are
            filtered.
        filtered: whether seen items are left out of lists.
    """

    schema: Schema
    train: pl.DataFrame
    valid: pl.DataFrame
    histories: Ragged
    targets: Codes
    items: int
    repeated: int
    filtered: bool

    @property
    def protocol(self) -> str:
        """How figures are taken, in words."""
        seen = "seen items filtered" if self.filtered else "seen items kept"
        left = f" ({self.repeated:,} left out: their last item is not new)" if self.repeated else ""
        return (
            f"LOO/full/{'filter' if self.filtered else 'nofilter'}: last item of {len(self.targets):,} users"
            f"{left}, last but one for stopping; full ranking of {self.items:,} items, {seen}; ties count "
            "against the model"
        )

    def matrix(self) -> csr_array:
        """What came before the last item: users times items, how often."""
        ones = np.ones(len(self.histories.values))
        shape = (len(self.targets), self.items)
        return csr_array((ones, self.histories.values, self.histories.offsets), shape=shape)

    def measure(self, scores: Callable[[Codes], npt.NDArray[np.float32]]) -> Metrics:
        """Recall@10 and NDCG@10 of rows of scores.

        Args:
            scores: row numbers ``[Q]`` of ``histories`` to scores of every item ``[Q, items]``.
        """
        step = max(1, _SCORES // max(self.items, 1))
        starts = range(0, len(self.targets), step)
        parts = [
            self._ranks(rows, scores(rows))
            for rows in (np.arange(start, min(start + step, len(self.targets))) for start in starts)
        ]
        ranks = np.concatenate(parts)
        hit = ranks < K
        gains = np.where(hit, 1 / np.log2(ranks + 2.0), 0.0)
        return {"R@10": float(hit.mean()), "NDCG@10": float(gains.mean())}

    def _ranks(self, rows: Codes, scores: npt.NDArray[np.float32]) -> Codes:
        """How many others are scored as high or higher as the target of each row."""
        scores = np.nan_to_num(scores, nan=-np.inf)
        targets = self.targets[rows]
        places = np.arange(len(rows))
        own = scores[places, targets]
        if self.filtered:
            seen = self.histories.take(rows)
            scores[seen.row_of, seen.values] = -np.inf
        better = scores >= own[:, None]
        better[places, targets] = False
        ranks: Codes = np.count_nonzero(better, axis=1)
        ranks[np.isneginf(own)] = _NEVER
        return ranks


def hold_out(file: SequenceFile, *, filter_seen: bool) -> Held:
    """Split each sequence into what is learned from, its last but one and its last item.

    Raises:
        DataError: no user has three items.
    """
    lengths = file.sequences.lengths
    kept = file.sequences.take(np.flatnonzero(lengths >= 3))
    if len(kept) == 0:
        raise DataError(
            "sequences",
            received=f"at most {lengths.max(initial=0)} items a user",
            expected="users with three items or more",
            remedy="give longer sequences: one item is learned from, one stops training, one is told",
        )
    histories, targets = _without_last(kept)
    early, middle = _without_last(histories)
    train = file.sequences.take(np.flatnonzero(lengths == 2))
    new = np.ones(len(kept), np.bool_)
    if filter_seen:
        new[histories.row_of[histories.values == targets[histories.row_of]]] = False
    return Held(
        schema=_schema(len(lengths), len(file.items)),
        train=pl.concat([_frame(early, 0), _frame(train, len(early))]),
        valid=_frame(early, 0).with_columns(pl.Series("item", middle + FIRST)),
        histories=histories.take(np.flatnonzero(new)),
        targets=targets[new],
        items=len(file.items),
        repeated=int((~new).sum()),
        filtered=filter_seen,
    )


def _without_last(sequences: Ragged) -> tuple[Ragged, Codes]:
    ends = sequences.offsets[1:] - 1
    mask = np.ones(len(sequences.values), np.bool_)
    mask[ends] = False
    return sequences.keep(mask), sequences.values[ends]


def _frame(sequences: Ragged, before: int) -> pl.DataFrame:
    users = np.arange(before + FIRST, before + FIRST + len(sequences))
    lists = pl.Series(
        "history", sequences.with_values(sequences.values + FIRST).to_lists(), pl.List(pl.Int64)
    )
    return pl.DataFrame({"user": users, "history": lists})


def _schema(users: int, items: int) -> Schema:
    domain = Domain("item", items + FIRST)
    return Schema(
        [
            Column("user", "int64", ("user", "id", "categorical"), domain=Domain("user", users + FIRST)),
            Column("item", "int64", ("item", "id", "categorical"), domain=domain),
            Column("history", "int64", ("user", "sequence"), LIST, domain),
        ]
    )
