"""LightGBM."""

from typing import Any, final

from shortlist.extras import need
from shortlist.models.trees._options import TreeOptions
from shortlist.models.trees._rows import TreeRows
from shortlist.models.trees._tree_ranker import Grown, TreeRanker, TreeTask
from shortlist.scorers import LightGBMForest

__all__ = ["LightGBM"]


@final
class LightGBM(TreeRanker):
    """Boosted trees of LightGBM: pointwise, or LambdaMART over the candidates of each request.

    Reads the columns that networks read, with nulls as they are, and is trained by `shortlist.fit`, asked by
    `Score` and saved in bundles like a network. Serving needs the extra ``trees``, not torch.

    Args:
        schema: encoded columns with at least one TARGET; the first is learned.
        goal: ``"binary"``: log loss; ``"regression"``: squared error; ``"lambdarank"``: pairs of one request
            weighed by what their exchange changes in NDCG; None is by the tags of the target.
        options: how the trees grow.
        seed: of what is drawn.

    Raises:
        SchemaError: no target, no input, or a column that is not encoded.

    Source: Ke et al., "LightGBM: a highly efficient gradient boosting decision tree", NeurIPS 2017; Burges,
    "From RankNet to LambdaRank to LambdaMART", 2010.

    >>> import numpy as np
    >>> from shortlist.data import Batch
    >>> from shortlist.schema import Column, Schema
    >>> schema = Schema([
    ...     Column("age", "float32", ("item", "continuous")), Column("click", "int8", ("target", "binary")),
    ... ])
    >>> batch = Batch({"age": np.arange(40.0)})
    >>> model = LightGBM(schema, options=TreeOptions(trees=20, lr=0.5, threads=1))
    >>> loss = model.fit(model.rows(batch, np.arange(40) >= 20))
    >>> low, high = model.score(batch)[[0, 39]]
    >>> bool(low < 0.2 and high > 0.8)
    True
    """

    def _grow(self, task: TreeTask) -> Grown:
        lightgbm: Any = need("lightgbm", use="LightGBM")
        train = _data(lightgbm, task, task.train)
        curve: list[float] = []
        extras: dict[str, Any] = {}
        if task.valid is not None:
            valid, metric = task.valid, task.metric

            def measured(predicted: Any, _: Any) -> tuple[str, float, bool]:
                curve.append(metric.of(valid, predicted))
                return metric.name, curve[-1], metric.higher

            extras = {"valid_sets": [_data(lightgbm, task, valid, like=train)], "feval": measured}
            if self.options.patience is not None:
                extras["callbacks"] = [lightgbm.early_stopping(self.options.patience, verbose=False)]
        booster = lightgbm.train(
            _parameters(self.options, task, self.seed), train, self.options.trees, **extras
        )
        best = _best(curve, task) if task.valid is not None else booster.num_trees()
        return Grown(LightGBMForest(booster.model_to_string(num_iteration=best).encode()), tuple(curve))


def _best(curve: list[float], task: TreeTask) -> int:
    sign = 1.0 if task.metric.higher else -1.0
    return 1 + max(range(len(curve)), key=lambda place: sign * curve[place])


def _data(lightgbm: Any, task: TreeTask, rows: TreeRows, *, like: Any | None = None) -> Any:
    return lightgbm.Dataset(
        rows.matrix,
        rows.labels,
        weight=rows.weights,
        group=rows.sizes if task.goal == "lambdarank" else None,
        categorical_feature=list(task.coded),
        reference=like,
        params={"verbosity": -1},
    )


def _parameters(options: TreeOptions, task: TreeTask, seed: int) -> dict[str, Any]:
    return {
        "objective": task.goal,
        "metric": "None",
        "learning_rate": options.lr,
        "num_leaves": options.leaves,
        "max_depth": -1 if options.depth is None else options.depth,
        "min_data_in_leaf": 1,
        "min_sum_hessian_in_leaf": options.min_hessian,
        "lambda_l2": options.l2,
        "bagging_fraction": options.row_share,
        "bagging_freq": int(options.row_share < 1),
        "feature_fraction": options.column_share,
        "feature_pre_filter": False,
        "lambdarank_truncation_level": options.cut,
        "num_threads": options.threads,
        "seed": seed % 2**31,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    }
