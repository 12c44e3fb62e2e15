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

from shortlist.models.classical._ease import EASE, ItemWeights
from shortlist.models.classical._ials import IALS, ItemFactors
from shortlist.models.classical._interactions import Events
from shortlist.models.classical._item_knn import ItemKNN, ItemNeighbours
from shortlist.models.classical._least_squares import Penalty, half_step
from shortlist.models.classical._popularity import ItemPopularity, Popularity, RecentPopularity
from shortlist.models.classical._protocols import Model, Needs
from shortlist.models.classical._repeats import OwnItems, Repeats

__all__ = [
    "EASE",
    "IALS",
    "Events",
    "ItemFactors",
    "ItemKNN",
    "ItemNeighbours",
    "ItemPopularity",
    "ItemWeights",
    "Model",
    "Needs",
    "OwnItems",
    "Penalty",
    "Popularity",
    "RecentPopularity",
    "Repeats",
    "half_step",
]
