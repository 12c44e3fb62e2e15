"""Fitted models without torch: recommenders that are nothing but arrays, and trees that rank candidates.

Recommenders score histories with NumPy and SciPy alone.

The learners of `shortlist.models.classical` give them, bundles hold them, and servers ask them.

    model.scores(rows, users) -> float32 [Q, items]
    model.arrays() -> dict of arrays, and type(model).from_arrays(arrays) -> model

>>> import numpy as np
>>> from scipy.sparse import csr_array
>>> model = ItemWeights(np.array([[0, 1], [1, 0]], dtype=np.float32))
>>> model.scores(csr_array(np.array([[2, 0]])))
array([[0., 2.]], dtype=float32)
"""

from shortlist.scorers._calibrate import CalibrationMethod, calibration_of
from shortlist.scorers._calibration import Calibration, Isotonic, Platt, Sliced, read_calibration
from shortlist.scorers._forest import Forest, LightGBMForest, XGBoostForest, read_forest
from shortlist.scorers._item_factors import ItemFactors
from shortlist.scorers._item_neighbours import ItemNeighbours
from shortlist.scorers._item_popularity import ItemPopularity
from shortlist.scorers._item_projection import ItemProjection
from shortlist.scorers._item_weights import ItemWeights
from shortlist.scorers._least_squares import Penalty, batches, gathered, half_step
from shortlist.scorers._matrices import checked_histories, checked_matrix, usable
from shortlist.scorers._own_items import OwnItems
from shortlist.scorers._pair_factors import PairFactors
from shortlist.scorers._protocols import Arrays, Model, Scores, Users
from shortlist.scorers._recommend import recommend
from shortlist.scorers._sparse import SparseRows
from shortlist.scorers._tree_columns import Lists, Matrix, TreeColumns, TreeFeature
from shortlist.scorers._tree_scorer import TreeGoal, TreeScorer

__all__ = [
    "Arrays",
    "Calibration",
    "CalibrationMethod",
    "Forest",
    "Isotonic",
    "ItemFactors",
    "ItemNeighbours",
    "ItemPopularity",
    "ItemProjection",
    "ItemWeights",
    "LightGBMForest",
    "Lists",
    "Matrix",
    "Model",
    "OwnItems",
    "PairFactors",
    "Penalty",
    "Platt",
    "Scores",
    "Sliced",
    "SparseRows",
    "TreeColumns",
    "TreeFeature",
    "TreeGoal",
    "TreeScorer",
    "Users",
    "XGBoostForest",
    "batches",
    "calibration_of",
    "checked_histories",
    "checked_matrix",
    "gathered",
    "half_step",
    "read_calibration",
    "read_forest",
    "recommend",
    "usable",
]
