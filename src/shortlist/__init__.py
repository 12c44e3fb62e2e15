"""Shortlist: from an interaction log to a served recommendation.

``import shortlist as sl`` loads nothing heavy: each public name is imported from its room when first used.
"""

from importlib import import_module
from types import ModuleType
from typing import Any

__version__ = "0.1.0"

_ROOMS = {
    "shortlist.data": ("Batch", "Candidates", "Keys", "Ragged", "Requests"),
    "shortlist.evaluation": (
        "Budget",
        "Comparison",
        "Evaluation",
        "by_stage",
        "compare",
        "evaluate",
        "evaluate_ranker",
        "explain",
        "off_policy",
        "permutation_importance",
    ),
    "shortlist.export": ("read_text_tower", "save"),
    "shortlist.features": ("Workflow",),
    "shortlist.index": ("IndexOptions", "IndexTuneOptions", "LiveIndex", "PgVectorIndex", "tune_index"),
    "shortlist.io": (
        *("Dataset", "Layout", "Signals", "concat", "join_as_of", "read_parquet", "scan", "write_parquet"),
    ),
    "shortlist.models.classical": (
        *("BPRMF", "EASE", "IALS", "SLIM", "ItemKNN", "Popularity", "PureSVD", "RP3beta", "RecentPopularity"),
    ),
    "shortlist.models.ranking": (
        *("AITM", "BST", "CGC", "DCN", "DIN", "DLRM", "DNN", "ESMM", "FM", "LR", "PLE", "AutoInt"),
        *("BSTOptions", "CrossOptions", "DeepFM", "FinalMLP", "MMoE", "MaskNet", "MaskOptions", "NeuMF"),
        *("RankerOptions", "SharedBottom", "StreamOptions", "TaskOptions", "WideDeep", "XDeepFM"),
    ),
    "shortlist.models.retrieval": (
        *("HSTU", "MF", "BERT4Rec", "ESASRec", "GRU4Rec", "MultiHead", "SASRec", "SequenceOptions"),
        *("TableOptions", "TowerOptions", "TwoTower", "YouTubeDNN"),
    ),
    "shortlist.models.trees": ("LightGBM", "TreeOptions", "XGBoost"),
    "shortlist.pipeline": (
        *("AnswerLog", "Apply", "BatchOptions", "Boost", "Cache", "Calibrate", "Cap", "Diversify", "Drop"),
        *("Explore", "Fallback", "Learned", "Limit", "Listed", "LiveItems", "Lookup", "Match", "Merge"),
        *(
            "OutcomeLog",
            "Pin",
            "Pipeline",
            "Popular",
            "Repeats",
            "Retrieve",
            "Sample",
            "Score",
            "State",
            "Take",
        ),
        *("Thompson", "build_index", "calibrate", "downsample", "forget_user", "impression_examples"),
        *("join_log", "load", "load_store", "ranking_examples", "rebuild_items", "recommend_all"),
        *("similar_items", "undo_downsampling"),
    ),
    "shortlist.profiling": ("Profile", "profile"),
    "shortlist.recipes": (
        *("Choice", "Floats", "Integers", "SizeOptions", "TuneOptions", "size_tradeoff", "tune"),
    ),
    "shortlist.samplers": (
        *("Exposed", "Hardest", "InBatch", "LogUniform", "Mined", "Queue", "Streaming", "Unigram", "Uniform"),
    ),
    "shortlist.schedules": ("Linear",),
    "shortlist.schema": ("Column", "Domain", "Schema", "Shape", "Tags"),
    "shortlist.server": ("export_triton",),
    "shortlist.store": ("RedisOptions", "TimeToLive", "feast_store", "redis_store"),
    "shortlist.train": (
        "DWA",
        "BinaryCrossEntropy",
        "Checkpoints",
        "Contrast",
        "Distil",
        "FitOptions",
        "FullSoftmax",
        "GradNorm",
        "JointSoftmax",
        "Learnable",
        "NextItem",
        "Optimization",
        "ParameterGroup",
        "SampledSoftmax",
        "TaskLosses",
        "Uncertainty",
        "fit",
        "load_weights",
        "soft_targets",
        "warm_start",
        "with_unwanted",
    ),
}
_MODULES = {
    "datasets": "shortlist.datasets",
    "engine": "shortlist.features.engine",
    "errors": "shortlist.errors",
    "index": "shortlist.index",
    "losses": "shortlist.losses",
    "metrics": "shortlist.metrics",
    "nn": "shortlist.nn",
    "ops": "shortlist.features.ops",
    "recipes": "shortlist.recipes",
    "select": "shortlist.schema.select",
    "split": "shortlist.split",
    "tags": "shortlist.schema.tags",
}
_HOME = {name: room for room, names in _ROOMS.items() for name in names}

__all__ = sorted([*_HOME, *_MODULES])  # noqa: PLE0605 - the two tables are the one truth


def __getattr__(name: str) -> Any:
    """Import a public name from its room at first use."""
    if name in _MODULES:
        value: Any = _room(_MODULES[name], name)
    elif name in _HOME:
        value = getattr(_room(_HOME[name], name), name)
    else:
        raise AttributeError(
            f"module 'shortlist' has no attribute {name!r}; public names: {', '.join(__all__)}"
        )
    globals()[name] = value
    return value


def _room(path: str, name: str) -> ModuleType:
    """Import a room; say which extra is missing when a package that it needs is not installed."""
    try:
        return import_module(path)
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in ("", __name__):
            from shortlist.extras import need

            need(missing, use=f"{__name__}.{name}")
        raise


def __dir__() -> list[str]:
    return __all__
