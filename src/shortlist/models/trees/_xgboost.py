"""XGBoost."""

from typing import Any, final

from shortlist.extras import need
from shortlist.models.trees._options import TreeOptions
from shortlist.models.trees._rows import TreeRows
from shortlist.models.trees._tree_ranker import Grown, TreeRanker, TreeTask
from shortlist.scorers import XGBoostForest

__all__ = ["XGBoost"]

_GOALS = {"binary": "binary:logistic", "regression": "reg:squarederror", "lambdarank": "rank:ndcg"}


@final
class XGBoost(TreeRanker):
    """Boosted trees of XGBoost: pointwise, or LambdaMART over the candidates of each request.

    Arguments, errors and use are those of `LightGBM`. Weights of rows become the mean weight of a request in
    LambdaMART, where it weighs requests.

    Source: Chen and Guestrin, "XGBoost: a scalable tree boosting system", KDD 2016.

    >>> import numpy as np
    >>> from shortlist.data import Batch
    >>> from shortlist.schema import Column, Schema
    >>> schema = Schema([
    ...     Column("age", "float32", ("item", "continuous")), Column("click", "int8", ("target", "binary")),
    ... ])
    >>> batch = Batch({"age": np.arange(40.0)})
    >>> model = XGBoost(schema, options=TreeOptions(trees=20, lr=0.5, threads=1))
    >>> loss = model.fit(model.rows(batch, np.arange(40) >= 20))
    >>> low, high = model.score(batch)[[0, 39]]
    >>> bool(low < 0.2 and high > 0.8)
    True
    """

    def _grow(self, task: TreeTask) -> Grown:
        xgboost: Any = need("xgboost", use="XGBoost")
        train = _data(xgboost, task, task.train, self.options.threads)
        curve: list[float] = []
        extras: dict[str, Any] = {}
        if task.valid is not None:
            valid, metric = task.valid, task.metric

            def measured(predicted: Any, _: Any) -> tuple[str, float]:
                curve.append(metric.of(valid, predicted))
                return metric.name, curve[-1]

            extras = {
                "evals": [(_data(xgboost, task, valid, self.options.threads), "valid")],
                "custom_metric": measured,
                "maximize": metric.higher,
                "early_stopping_rounds": self.options.patience,
            }
        booster = xgboost.train(
            _parameters(self.options, task, self.seed),
            train,
            self.options.trees,
            verbose_eval=False,
            **extras,
        )
        if curve:
            sign = 1.0 if task.metric.higher else -1.0
            best = 1 + max(range(len(curve)), key=lambda place: sign * curve[place])
            booster = booster[:best]
        return Grown(XGBoostForest(bytes(booster.save_raw("json"))), tuple(curve))


def _data(xgboost: Any, task: TreeTask, rows: TreeRows, threads: int) -> Any:
    lambdarank = task.goal == "lambdarank"
    coded = set(task.coded)
    return xgboost.DMatrix(
        rows.matrix,
        rows.labels,
        weight=rows.group_weights if lambdarank else rows.weights,
        qid=rows.groups if lambdarank else None,
        feature_types=["c" if place in coded else "q" for place in range(rows.matrix.shape[1])],
        enable_categorical=True,
        nthread=threads or None,
    )


def _parameters(options: TreeOptions, task: TreeTask, seed: int) -> dict[str, Any]:
    parameters = {
        "objective": _GOALS[task.goal],
        "disable_default_eval_metric": 1,
        "eta": options.lr,
        "grow_policy": "lossguide",
        "max_leaves": options.leaves,
        "max_depth": 0 if options.depth is None else options.depth,
        "min_child_weight": options.min_hessian,
        "reg_lambda": options.l2,
        "subsample": options.row_share,
        "colsample_bytree": options.column_share,
        "tree_method": "hist",
        "nthread": options.threads,
        "seed": seed % 2**31,
        "verbosity": 0,
    }
    if task.goal == "lambdarank":
        parameters |= {"lambdarank_pair_method": "topk", "lambdarank_num_pair_per_sample": options.cut}
    return parameters
