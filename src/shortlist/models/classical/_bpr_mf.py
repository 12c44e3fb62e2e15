"""BPR-MF: factors learned from pairs of a taken and an untaken item."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from shortlist.errors import ArgumentError
from shortlist.extras import need
from shortlist.models.classical._pair_steps import Rates, Seen, Tables, epoch
from shortlist.models.classical._protocols import Needs
from shortlist.models.classical._threads import cores
from shortlist.scorers import PairFactors, checked_matrix

__all__ = ["BPRMF"]


@dataclass(frozen=True)
class BPRMF:
    """Factorise so that what a user took scores above what the user did not take.

    Minimises ``-log sigmoid(s_ui - s_uj)`` over items i taken and j not taken by u, ``s_ui = w_u.h_i + b_i``,
    with ``l2 / 2`` times the squares of the rows touched, by stochastic gradient descent with one uniform j
    for every i (Rendle et al., "BPR: Bayesian personalized ranking from implicit feedback", 2009). An epoch
    has as many steps as ``X`` has entries: each once where all weigh alike, else drawn by weight. A user who
    was not there, or is not named, is folded in, see `PairFactors.factors`.

    Attributes:
        dim: width D of the factors, >= 1.
        lr: > 0, length of a step.
        l2: > 0, see above; 0.001 .. 0.1.
        epochs: >= 1.
        init_std: > 0, standard deviation of the first factors times the square root of dim.
        seed: of the first factors, the order and the negatives.

    Raises:
        ArgumentError: an option out of range.

    >>> X = csr_array(np.array([[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 1]]))
    >>> scores = BPRMF(dim=2, epochs=50).fit(X).scores(csr_array(np.array([[1, 0, 0, 0]])))
    >>> sorted(np.argsort(-scores[0]).tolist()[:2])
    [0, 1]
    """

    dim: int = 64
    lr: float = 0.02
    l2: float = 0.015
    epochs: int = 100
    init_std: float = 1.0
    seed: int = 0
    needs: ClassVar[Needs] = "matrix"

    def __post_init__(self) -> None:
        for name in ("dim", "epochs"):
            if getattr(self, name) < 1:
                raise ArgumentError(f"BPRMF.{name}", received=getattr(self, name), expected="an integer >= 1")
        for name in ("lr", "l2", "init_std"):
            if not getattr(self, name) > 0:
                raise ArgumentError(f"BPRMF.{name}", received=getattr(self, name), expected="a number > 0")

    def fit(self, X: csr_array, *, threads: int | None = None) -> PairFactors:
        """Take the steps over ``X`` [users, items].

        Args:
            X: weights >= 0.
            threads: that work at a time, None for all cores; they change no result.

        Raises:
            MissingExtraError: numba is not installed; the fitted model does without.
        """
        need("numba", use="BPRMF.fit")
        workers = cores("BPRMF.fit", threads)
        matrix = checked_matrix("BPRMF.fit", X)
        rng = np.random.default_rng(self.seed)
        std = self.init_std / np.sqrt(self.dim)
        users, items = (rng.normal(0, std, (size, self.dim)).astype(np.float32) for size in matrix.shape)
        if matrix.nnz == 0:
            items[:] = 0  # nothing is known of them
        tables = Tables(users, items, np.zeros(len(items), dtype=np.float32))
        seen = Seen(matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32))
        user = np.repeat(np.arange(len(users)), np.diff(matrix.indptr))
        for _ in range(self.epochs):
            drawn = _drawn(matrix.data, rng)
            pairs = user[drawn], seen.indices[drawn].astype(np.int64)
            epoch(tables, pairs, seen, Rates(self.lr, self.l2), rng, workers)
        return PairFactors.of(*tables, matrix)


def _drawn(weights: npt.NDArray[np.float64], rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Entries in random order: each once where all weigh alike, else by weight."""
    if len(weights) == 0 or weights.min() == weights.max():
        return rng.permutation(len(weights))
    bounds = np.cumsum(weights)
    drawn = np.searchsorted(bounds, rng.random(len(weights)) * bounds[-1], side="right")
    # A product may round up to the last bound.
    last: npt.NDArray[np.int64] = np.minimum(drawn, len(weights) - 1)
    return last
