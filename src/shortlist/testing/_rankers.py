"""Every ranker, small, and schemas to build it from."""

from collections.abc import Callable
from typing import Any

from shortlist.models import ranking
from shortlist.models.ranking import (
    CrossOptions,
    MaskOptions,
    RankerOptions,
    RankingModel,
    StreamOptions,
    TaskOptions,
)
from shortlist.schema import LIST, Column, Domain, Schema, Shape

__all__ = ["CODES", "DENSE", "NUMBERS", "OF_HISTORIES", "OF_IDS", "RANKERS", "SMALL", "TASKS", "WIDE"]

WIDE = Schema(
    [
        Column("user", "int64", ("user", "id", "categorical"), domain=Domain("user", 12)),
        Column("age", "float32", ("user", "continuous")),
        Column("history", "int64", ("user", "sequence"), LIST, Domain("item", 20)),
        Column("item", "int64", ("item", "id", "categorical"), domain=Domain("item", 20)),
        Column("price", "float32", ("item", "continuous")),
        Column("pair_count", "float32", ("cross", "continuous")),
        Column("click", "float32", ("target", "binary")),
        Column("buy", "float32", ("target", "binary")),
    ]
)
NUMBERS = Schema(
    [
        Column("age", "float32", ("context", "continuous")),
        Column("score", "float32", ("cross", "continuous")),
        Column("click", "float32", ("target", "binary")),
    ]
)
CODES = Schema(
    [
        Column("user", "int64", ("user", "id"), domain=Domain("user", 12)),
        Column("tags", "int64", ("item", "categorical"), LIST, Domain("tag", 9)),
        Column("item", "int64", ("item", "id"), domain=Domain("item", 20)),
        Column("picture", "float32", ("item", "embedding"), Shape("vector", 3)),
        Column("price", "float32", ("item", "continuous")),
        Column("click", "float32", ("target", "binary")),
    ]
)
DENSE = RankerOptions(sparse=False)
SMALL: dict[str, Any] = {"dim": 4, "hidden": (16, 8), "options": DENSE}
FEW: dict[str, Any] = {
    "dim": 4,
    "hidden": (16,),
    "options": TaskOptions(towers=(12,), columns=DENSE),
}

Make = Callable[[Schema, int], RankingModel]


def _dcn(**options: Any) -> Make:
    return lambda schema, seed: ranking.DCN(schema, **SMALL, seed=seed, cross=CrossOptions(**options))


RANKERS: dict[str, Make] = {
    "LR": lambda schema, seed: ranking.LR(schema, seed=seed, options=DENSE),
    "FM": lambda schema, seed: ranking.FM(schema, dim=4, seed=seed, options=DENSE),
    "DNN": lambda schema, seed: ranking.DNN(schema, **SMALL, seed=seed),
    "WideDeep": lambda schema, seed: ranking.WideDeep(schema, **SMALL, seed=seed),
    "DeepFM": lambda schema, seed: ranking.DeepFM(schema, **SMALL, seed=seed),
    "DLRM": lambda schema, seed: ranking.DLRM(schema, **SMALL, seed=seed),
    "DCN": _dcn(),
    "DCN, stacked": _dcn(structure="stacked"),
    "DCN, low rank": _dcn(rank=3),
    "DCN, mixture": _dcn(rank=3, experts=2),
    "DCN, vectors": _dcn(kind="vector"),
    "XDeepFM": lambda schema, seed: ranking.XDeepFM(schema, **SMALL, seed=seed, interactions=(3, 2)),
    "AutoInt": lambda schema, seed: ranking.AutoInt(schema, **SMALL, seed=seed),
    "AutoInt, alone": lambda schema, seed: ranking.AutoInt(
        schema, dim=4, hidden=(), layers=1, seed=seed, options=DENSE
    ),
    "MaskNet": lambda schema, seed: ranking.MaskNet(
        schema, **SMALL, seed=seed, masks=MaskOptions(reduction=1.0)
    ),
    "MaskNet, parallel": lambda schema, seed: ranking.MaskNet(
        schema, **SMALL, seed=seed, masks=MaskOptions(structure="parallel", blocks=2, reduction=1.0)
    ),
    "FinalMLP": lambda schema, seed: ranking.FinalMLP(schema, **SMALL, seed=seed),
    "FinalMLP, gates": lambda schema, seed: ranking.FinalMLP(
        schema, **SMALL, seed=seed, streams=StreamOptions(second=(6,), gates=True, heads=2)
    ),
}
TASKS: dict[str, Make] = {
    "SharedBottom": lambda schema, seed: ranking.SharedBottom(schema, **FEW, seed=seed),
    "MMoE": lambda schema, seed: ranking.MMoE(schema, **FEW, seed=seed, experts=2),
    "MMoE, over DCN": lambda schema, seed: ranking.MMoE(
        schema, trunk=ranking.DCN(schema, **SMALL, seed=seed), hidden=(12,), seed=seed
    ),
    "CGC": lambda schema, seed: ranking.CGC(schema, **FEW, seed=seed),
    "PLE": lambda schema, seed: ranking.PLE(schema, **FEW, seed=seed),
    "ESMM": lambda schema, seed: ranking.ESMM(schema, **FEW, seed=seed),
    "ESMM, over DeepFM": lambda schema, seed: ranking.ESMM(
        schema, trunk=ranking.DeepFM(schema, **SMALL, seed=seed), hidden=(12,), seed=seed
    ),
    "AITM": lambda schema, seed: ranking.AITM(schema, **FEW, seed=seed),
}
# These read what not every schema has: ids of users and items, histories.
OF_IDS: dict[str, Make] = {
    "NeuMF": lambda schema, seed: ranking.NeuMF(schema, **SMALL, seed=seed),
}
OF_HISTORIES: dict[str, Make] = {
    "DIN": lambda schema, seed: ranking.DIN(schema, **SMALL, seed=seed, attention=(6,)),
    "BST": lambda schema, seed: ranking.BST(schema, **SMALL, seed=seed),
}
