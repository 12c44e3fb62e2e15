"""Classical learners: arrays in, arrays out, no gradient descent; strong, fast and honest baselines.

A learner is its options; ``fit`` returns the fitted model, a separate value that can only be used:

    learner.fit(X) -> model                X: SciPy sparse [users, items], weights >= 0
    learner.fit_events(events) -> model    for those that need times (`Events`)
    model.scores(rows, users) -> float32 [Q, items]
    model.arrays() -> dict of arrays, and type(model).from_arrays(arrays) -> model

``rows`` are the histories to recommend from, sparse [Q, items]: a user who was not there when the model was
fitted is scored like any other. ``learner.needs`` says what it is fitted on: ``"matrix"`` or ``"events"``.

>>> import numpy as np
>>> from scipy.sparse import csr_array
>>> X = csr_array(np.array([[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1]]))
>>> scores = EASE(l2=1.0).fit(X).scores(csr_array(np.array([[1, 0, 0, 0]])))
>>> int(scores.argmax())
1
"""

from shortlist.models.classical._bpr_mf import BPRMF
from shortlist.models.classical._ease import EASE
from shortlist.models.classical._ials import IALS
from shortlist.models.classical._interactions import Events
from shortlist.models.classical._item_knn import ItemKNN
from shortlist.models.classical._popularity import Popularity, RecentPopularity
from shortlist.models.classical._protocols import Needs
from shortlist.models.classical._pure_svd import PureSVD
from shortlist.models.classical._repeats import Repeats
from shortlist.models.classical._rp3beta import RP3beta
from shortlist.models.classical._slim import SLIM
from shortlist.models.classical._solvers import Cholesky, ConjugateGradient, Solver, Subspace
from shortlist.models.classical._weightings import BM25, TFIDF, Weighting
from shortlist.scorers import (
    ItemFactors,
    ItemNeighbours,
    ItemPopularity,
    ItemProjection,
    ItemWeights,
    Model,
    OwnItems,
    PairFactors,
    Penalty,
    half_step,
    recommend,
)

__all__ = [
    "BM25",
    "BPRMF",
    "EASE",
    "IALS",
    "SLIM",
    "TFIDF",
    "Cholesky",
    "ConjugateGradient",
    "Events",
    "ItemFactors",
    "ItemKNN",
    "ItemNeighbours",
    "ItemPopularity",
    "ItemProjection",
    "ItemWeights",
    "Model",
    "Needs",
    "OwnItems",
    "PairFactors",
    "Penalty",
    "Popularity",
    "PureSVD",
    "RP3beta",
    "RecentPopularity",
    "Repeats",
    "Solver",
    "Subspace",
    "Weighting",
    "half_step",
    "recommend",
]
