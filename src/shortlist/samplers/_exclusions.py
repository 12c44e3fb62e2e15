"""Which negatives are no negatives: the row's own item and its user's known positives."""

import numpy as np

from shortlist.samplers._population import Codes, Population

__all__ = ["Exclusions"]


class Exclusions:
    """Finds, for each row of a batch, the columns whose item the row's user is known to like.

    Holds one number per item code, so that a batch costs time in its own size and not in the catalogue's.
    NumPy, not torch: these are short passes over integers, which torch's threads only slow down.
    """

    def __init__(self, population: Population) -> None:
        self._population = population
        self._columns = np.full(len(population.counts), -1, np.int64)

    def find(self, codes: Codes, own: Codes, users: Codes | None) -> tuple[Codes, Codes]:
        """The pairs to leave out, ordered by row, each once.

        Args:
            codes: ``[M]`` item code of each column, distinct.
            own: ``[B]`` the column of each row's own item.
            users: ``[B]`` user code of each row; None leaves out only the row's own column.

        Returns:
            Row numbers ``[E]`` and column numbers ``[E]``.
        """
        rows, columns = (np.empty(0, np.int64),) * 2 if users is None else self._known(codes, users)
        lacking = np.ones(len(own), np.bool_)
        lacking[rows[columns == own[rows]]] = False
        if not lacking.any():
            return rows, columns
        rows = np.concatenate([rows, np.flatnonzero(lacking)])
        order = rows.argsort(kind="stable")
        return rows[order], np.concatenate([columns, own[lacking]])[order]

    def _known(self, codes: Codes, users: Codes) -> tuple[Codes, Codes]:
        starts = self._population.known_starts[users]
        lengths = self._population.known_starts[users + 1] - starts
        rows = np.repeat(np.arange(len(users)), lengths)
        before = lengths.cumsum() - lengths
        positions = np.arange(len(rows)) + np.repeat(starts - before, lengths)
        self._columns[codes] = np.arange(len(codes))
        columns = self._columns[self._population.known_items[positions]]
        self._columns[codes] = -1
        found = np.flatnonzero(columns >= 0)
        return rows[found], columns[found]
