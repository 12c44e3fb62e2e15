"""Which negatives are no negatives: the row's own item and its user's known positives."""

import numpy as np
import numpy.typing as npt

from shortlist.samplers._population import Codes, Population

__all__ = ["Exclusions", "known_items"]


class Exclusions:
    """Finds, for each row of a batch, the columns whose item the row's user is known to like.

    Holds one number per item code, so that a batch costs time in its own size and not in the catalogue's.
    NumPy, not torch: these are short passes over integers, which torch's threads only slow down.
    """

    def __init__(self, population: Population) -> None:
        self._population = population
        self._columns = np.full(len(population.counts), -1, np.int64)

    def find(
        self, codes: Codes, drawn: npt.NDArray[np.bool_], own: Codes, users: Codes | None
    ) -> tuple[Codes, Codes]:
        """The pairs to leave out, ordered by row, each once.

        Args:
            codes: ``[M]`` item code of each column, distinct.
            drawn: ``[M]`` whether the column is a negative of anyone: pairs with others need no mention.
            own: ``[B]`` the column of each row's own item.
            users: ``[B]`` user code of each row; None leaves out only the row's own column.

        Returns:
            Row numbers ``[E]`` and column numbers ``[E]``.
        """
        rows, columns = (np.empty(0, np.int64),) * 2 if users is None else self._known(codes, drawn, users)
        lacking = drawn[own]
        lacking[rows[columns == own[rows]]] = False
        if not lacking.any():
            return rows, columns
        rows = np.concatenate([rows, np.flatnonzero(lacking)])
        order = rows.argsort(kind="stable")
        return rows[order], np.concatenate([columns, own[lacking]])[order]

    def _known(self, codes: Codes, drawn: npt.NDArray[np.bool_], users: Codes) -> tuple[Codes, Codes]:
        # The rows of one user often follow one another, as the positions of a sequence do: one look-up.
        first = np.flatnonzero(
            np.concatenate([np.ones(min(len(users), 1), np.bool_), users[1:] != users[:-1]])
        )
        runs, items = known_items(self._population, users[first])
        columns = np.flatnonzero(drawn)
        self._columns[codes[columns]] = columns
        found = self._columns[items]
        self._columns[codes[columns]] = -1
        inside = found >= 0
        runs, found = runs[inside], found[inside]
        if len(first) == len(users):
            return runs, found
        run_of = np.repeat(np.arange(len(first)), np.diff(np.append(first, len(users))))
        sizes = np.bincount(runs, minlength=len(first))
        return _repeated(sizes.cumsum() - sizes, sizes, run_of, found)


def known_items(population: Population, users: Codes) -> tuple[Codes, Codes]:
    """Every known positive of some users: its place among ``users``, and its item code, by place."""
    starts = population.known_starts[users]
    lengths = population.known_starts[users + 1] - starts
    return _repeated(starts, lengths, np.arange(len(users)), population.known_items)


def _repeated(starts: Codes, lengths: Codes, of: Codes, values: Codes) -> tuple[Codes, Codes]:
    """For each row the run of values that ``of`` names: row numbers, and the values one after another."""
    starts, lengths = starts[of], lengths[of]
    rows = np.repeat(np.arange(len(of)), lengths)
    before = lengths.cumsum() - lengths
    return rows, values[np.arange(len(rows)) + np.repeat(starts - before, lengths)]
