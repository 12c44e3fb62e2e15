"""Encoded columns of the rows of a table, each row encoded once."""

from collections.abc import Callable, Sequence
from typing import final

import numpy as np
import numpy.typing as npt

from shortlist.data import Array, Batch, Ragged

__all__ = ["KeptRows", "columns_of"]

Positions = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Encode = Callable[[Positions], Batch]


@final
class KeptRows:
    """Single values that a workflow made of the rows of a table, kept from the first time they are asked for.

    Columns that a model reads side by side stand so: a row of them is read at once. Threads may ask at the
    same time; then both may encode a row, to the same values.

    Args:
        names: of the encoded columns of each matrix; codes are int32 in it, numbers float32.
        blocks: the matrices, one a tuple of names, [rows, columns] each.
        known: bool [rows], which rows have been encoded; None for all of them.
    """

    def __init__(
        self, names: Sequence[tuple[str, ...]], blocks: Sequence[Array], known: Mask | None = None
    ) -> None:
        self.names, self.blocks, self.known = tuple(names), tuple(blocks), known
        self._rows = len(blocks[0]) if blocks else 0

    @classmethod
    def empty(cls, rows: int, batch: Batch, packs: Sequence[tuple[str, ...]]) -> "KeptRows":
        """Room for so many rows of the columns of a batch, those of a pack side by side, others alone."""
        together = [names for names in packs if all(name in batch for name in names)]
        taken = {name for names in together for name in names}
        names = [*together, *((name,) for name in batch if name not in taken)]
        kinds = [_kind(batch.array(own[0]), together=own in together) for own in names]
        blocks = [np.zeros((rows, len(own)), kind) for own, kind in zip(names, kinds, strict=True)]
        return cls(names, blocks, np.zeros(rows, np.bool_))

    def take(self, positions: Positions, encode: Encode, odd: Mask | None = None) -> list[Array]:
        """The matrices at some rows.

        Args:
            positions: int64 [N].
            encode: makes columns of rows that are not known yet, by position.
            odd: bool [N], rows that are not the table's, or not as they were; None for none. They are left
                as they come, for the caller to fill in.
        """
        if odd is not None:
            positions = np.where(odd, 0, positions)
        if self.known is not None:
            new = ~self.known[positions] if odd is None else ~self.known[positions] & ~odd
            if new.any():
                self._learn(np.unique(positions[new]), encode)
        return [block[positions] for block in self.blocks]

    def put(self, taken: Sequence[Array], rows: Positions, batch: Batch) -> None:
        """Write columns of a batch into rows of matrices that were taken."""
        for block, names in zip(taken, self.names, strict=True):
            for place, name in enumerate(names):
                block[rows, place] = batch[name]

    def learn_all(self, encode: Encode, *, chunk: int = 8192) -> None:
        """Encode every row that is not known yet."""
        if self.known is None:
            return
        for start in range(0, self._rows, chunk):
            rows = start + np.flatnonzero(~self.known[start : start + chunk])
            if len(rows) > 0:
                self._learn(rows, encode)

    def _learn(self, rows: Positions, encode: Encode) -> None:
        assert self.known is not None
        self.put(self.blocks, rows, encode(rows))
        self.known[rows] = True


def columns_of(names: Sequence[tuple[str, ...]], blocks: Sequence[Array]) -> dict[str, Array | Ragged]:
    """The columns of matrices by name."""
    return {
        name: block[:, place]
        for own, block in zip(names, blocks, strict=True)
        for place, name in enumerate(own)
    }


def _kind(column: Array, *, together: bool) -> npt.DTypeLike:
    if not together:
        return column.dtype
    return np.int32 if column.dtype.kind in "iu" else np.float32
