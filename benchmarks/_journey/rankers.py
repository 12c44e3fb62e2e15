"""The rankers of the two-stage benchmark: small networks, and trees."""

from collections.abc import Callable
from typing import Any

import shortlist as sl
from shortlist.schema import Schema

Build = Callable[[Schema, int], Any]
NETWORKS = (
    *(sl.LR, sl.FM, sl.DNN, sl.WideDeep, sl.DeepFM, sl.XDeepFM, sl.DCN, sl.DLRM),
    *(sl.AutoInt, sl.MaskNet, sl.FinalMLP),
)
_PLAN = sl.Optimization(dense_lr=2e-3, schedule="cosine", warmup=0.1, weight_decay=1e-5)


def network(kind: Any) -> Build:
    """A network of its own kind with hidden layers of 64 and 32, where it has any."""

    def build(schema: Schema, seed: int) -> Any:
        if kind is sl.LR:
            return sl.LR(schema, seed=seed)
        if kind is sl.FM:
            return sl.FM(schema, dim=8, seed=seed)
        more = {"layers": 2} if kind is sl.DCN else {}
        return kind(schema, dim=8, hidden=(64, 32), dropout=0.1, seed=seed, **more)

    return build


def trees(kind: Any, **goal: Any) -> Build:
    """200 trees."""
    return lambda schema, seed: kind(schema, options=sl.TreeOptions(trees=200, threads=1), seed=seed, **goal)


RANKERS: dict[str, Build] = {
    "LambdaMART": trees(sl.LightGBM, goal="lambdarank"),
    "LightGBM": trees(sl.LightGBM),
    "XGBoost": trees(sl.XGBoost),
    **{"DCN-v2" if kind is sl.DCN else kind.__name__: network(kind) for kind in NETWORKS},
}


def trained(name: str, rows: sl.Dataset, schema: Schema, seed: int = 0) -> Any:
    """A ranker of that name, fitted."""
    model = RANKERS[name](schema, seed)
    lr = 2e-2 if name == "LR" else 2e-3
    options = sl.FitOptions(epochs=3, batch_size=1024, lr=lr, seed=seed, optimization=_PLAN, progress=False)
    sl.fit(model, rows, options=options)
    return model
