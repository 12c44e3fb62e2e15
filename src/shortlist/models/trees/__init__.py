"""Boosted trees as rankers: LightGBM and XGBoost on the columns that networks read."""

from shortlist.models.trees._lightgbm import LightGBM
from shortlist.models.trees._options import TreeOptions
from shortlist.models.trees._rows import TreeRows
from shortlist.models.trees._tree_ranker import TreeRanker
from shortlist.models.trees._xgboost import XGBoost

__all__ = ["LightGBM", "TreeOptions", "TreeRanker", "TreeRows", "XGBoost"]
