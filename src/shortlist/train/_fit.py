"""The entry to training."""

from typing import Any

import torch

from shortlist.errors import ArgumentError
from shortlist.models.trees import TreeRanker
from shortlist.nn import keep_freed_memory
from shortlist.train._objectives import Objective, Task, default_objective
from shortlist.train._options import FitOptions
from shortlist.train._ranks import Ranks
from shortlist.train._report import FitReport
from shortlist.train._run import Run
from shortlist.train._sources import Data
from shortlist.train._trees import fit_trees

__all__ = ["fit"]


def fit(
    model: Any,
    train: Data,
    objective: Objective | None = None,
    valid: Data | None = None,
    options: FitOptions | None = None,
) -> FitReport:
    """Train a model in place.

    Each step takes a batch, asks the objective for its loss, and updates the rows of the embedding tables
    that the batch touched and the dense parameters. With validation data the metric is taken after every
    epoch, and the model ends with the weights of the best one. The result depends on the data, the options
    and the seed alone: a run that was killed and resumed from its checkpoint ends with the same weights.

    Args:
        model: a retrieval or ranking model (a ``torch.nn.Module`` built from a schema), on its device; or a
            `LightGBM` or `XGBoost`, which has its own goal and reads only ``metric`` and ``log`` of the
            options: its report has one epoch, whose step is the number of trees kept.
        train: encoded rows, as ``Workflow.transform`` gives them.
        objective: `SampledSoftmax`, `NextItem` or `TaskLosses`; None chooses by the kind of model.
        valid: rows to validate on.
        options: how to train; None is ``FitOptions()``.

    Returns:
        The course of training.

    Raises:
        SchemaError: a column of the model is missing from the data, or has nulls or codes out of range.
        DataError: there are no rows.
        ArgumentError: the model is of no known kind, a metric is unknown, or the loss stopped being finite.
        CheckpointError: the checkpoint to resume from is damaged or of another model, data or options.

    >>> import polars as pl
    >>> from shortlist.models.retrieval import TwoTower
    >>> from shortlist.schema import Column, Domain, Schema
    >>> schema = Schema([
    ...     Column("user", "int64", ("user", "id"), domain=Domain("user", 103)),
    ...     Column("item", "int64", ("item", "id"), domain=Domain("item", 103)),
    ... ])
    >>> rows = pl.DataFrame({"user": range(3, 103), "item": range(3, 103)})
    >>> report = fit(TwoTower(schema, dim=8), rows, options=FitOptions(epochs=2, batch_size=100))
    >>> len(report.epochs), report.epochs[1].loss < report.epochs[0].loss
    (2, True)
    """
    chosen = FitOptions() if options is None else options
    if isinstance(model, TreeRanker):
        return fit_trees(model, train, objective, valid, chosen)
    keep_freed_memory()
    device = next(model.parameters()).device
    ranks = Ranks.here(device)
    task = (default_objective(model) if objective is None else objective).prepare(model, train, valid, chosen)
    _check_plateau(chosen, task)
    run = Run(model, task, chosen, ranks)
    # Dropout draws from torch's global generators: they are seeded for each step and set back at the end.
    training = model.training
    with torch.random.fork_rng(_generators(device)):
        run.resume()
        report = run.finish()
    model.train(training)
    return report


def _generators(device: torch.device) -> list[int]:
    """The devices whose generators a run draws from, beside the CPU's."""
    if device.type != "cuda":
        return []
    return [torch.cuda.current_device() if device.index is None else device.index]


def _check_plateau(options: FitOptions, task: Task) -> None:
    if options.optimization.schedule == "plateau" and task.metric is None:
        raise ArgumentError(
            "fit.valid",
            received="no validation data",
            expected='rows whose metric schedule="plateau" can watch',
            remedy='pass valid=..., or choose schedule="cosine"',
        )
