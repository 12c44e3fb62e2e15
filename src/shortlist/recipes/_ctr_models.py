"""The named models of the click benchmark, with settings that suit the size of the data."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from shortlist.models import ranking
from shortlist.models.ranking import CrossOptions
from shortlist.models.trees import LightGBM, TreeOptions, XGBoost
from shortlist.schema import Schema
from shortlist.train import FitOptions, Optimization, Plateau

__all__ = [
    "CTR_NETWORKS",
    "CTR_TREES",
    "CtrSettings",
    "ctr_options",
    "ctr_settings",
]

_SMALL, _LARGE = 300_000, 3_000_000


@dataclass(frozen=True, slots=True)
class CtrSettings:
    """How networks are built and trained; see `ctr_settings` for what suits the number of rows."""

    dim: int = 16
    """Width of the embeddings."""
    hidden: tuple[int, ...] = (400, 400, 400)
    """Widths of the hidden layers."""
    dropout: float = 0.1
    """Share of hidden activations set to zero in training."""
    batch_size: int = 4096
    """Rows a step."""
    lr: float = 1e-3
    """Step size of Adam, of tables and of all else."""
    l2: float = 1e-5
    """Strength of ``l2 / 2 |w|^2`` on the table rows that a batch touches."""
    epochs: int = 100
    """Most epochs."""
    table_epochs: int | None = None
    """Epochs after which the tables stand still, while all else goes on learning: 1 where ids are learned by
    heart in the second; None never."""
    patience: int = 1
    """Epochs without a better AUC after which the step size falls to a tenth; the third time it ends."""
    min_count: int = 2
    """Values of a category seen fewer times in the training file are one unknown value."""


def ctr_settings(rows: int) -> CtrSettings:
    """Smaller networks with more dropout, and more patience, for fewer rows.

    >>> ctr_settings(80_000).batch_size, ctr_settings(36_000_000).min_count
    (2048, 10)
    """
    if rows < _SMALL:
        return CtrSettings(hidden=(256, 128), dropout=0.2, batch_size=2048, l2=1e-3, patience=4)
    if rows < _LARGE:
        return CtrSettings(l2=1e-4, patience=2)
    return CtrSettings(min_count=10)


def ctr_options(use: CtrSettings, name: str, seed: int, **others: Any) -> FitOptions:
    """Lazy Adam on touched rows and Adam on the rest, by the plateau of the validation AUC.

    The weights of a linear model are as large as its log odds: ten times the step brings them there.
    """
    lr = 10 * use.lr if name == "lr" else use.lr
    return FitOptions(
        epochs=use.epochs,
        batch_size=use.batch_size,
        lr=lr,
        optimization=Optimization(
            dense_lr=lr,
            l2=use.l2,
            table_epochs=use.table_epochs,
            schedule="plateau",
            plateau=Plateau(0.1, use.patience),
        ),
        metric="auc",
        seed=seed,
        progress=False,
        **others,
    )


Build = Callable[[Schema, CtrSettings, int], Any]


def _deep(kind: Any, schema: Schema, use: CtrSettings, seed: int, **others: Any) -> Any:
    return kind(schema, dim=use.dim, hidden=use.hidden, dropout=use.dropout, seed=seed, **others)


def _shallow(schema: Schema, use: CtrSettings, seed: int) -> Any:
    return ranking.FM(schema, dim=use.dim, seed=seed)


CTR_NETWORKS: Mapping[str, Build] = {
    "lr": lambda schema, _, seed: ranking.LR(schema, seed=seed),
    "fm": _shallow,
    "dnn": partial(_deep, ranking.DNN),
    "widedeep": partial(_deep, ranking.WideDeep),
    "deepfm": partial(_deep, ranking.DeepFM),
    "dcn": partial(_deep, ranking.DCN, cross=CrossOptions(kind="vector")),
    "dcnv2": partial(_deep, ranking.DCN),
    "dlrm": partial(_deep, ranking.DLRM),
    "xdeepfm": partial(_deep, ranking.XDeepFM),
    "autoint": partial(_deep, ranking.AutoInt),
    "masknet": partial(_deep, ranking.MaskNet),
    "finalmlp": partial(_deep, ranking.FinalMLP),
    "neumf": partial(_deep, ranking.NeuMF),
    "din": partial(_deep, ranking.DIN),
    "bst": partial(_deep, ranking.BST),
}
_TREES = TreeOptions(trees=1000, patience=50, lr=0.05, leaves=63)
CTR_TREES: Mapping[str, Build] = {
    "lightgbm": lambda schema, _, seed: LightGBM(schema, options=_TREES, seed=seed),
    "xgboost": lambda schema, _, seed: XGBoost(schema, options=_TREES, seed=seed),
}
