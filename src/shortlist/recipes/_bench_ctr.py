"""The click benchmark: named rankers on files of labelled rows."""

import csv
import time
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np

from shortlist.data import Batch
from shortlist.errors import ArgumentError, near
from shortlist.features import Workflow, ops
from shortlist.io import Dataset, atomic_write
from shortlist.loader import Loader
from shortlist.metrics import auc, logloss, normalised_entropy
from shortlist.recipes._ctr_file import CtrFiles
from shortlist.recipes._ctr_models import (
    CTR_NETWORKS,
    CTR_TREES,
    CtrSettings,
    ctr_options,
    ctr_settings,
)
from shortlist.recipes._ctr_roles import role_tags, suits
from shortlist.recipes._plateau_end import PlateauEnd
from shortlist.report import Section, Table, html_page, preformatted
from shortlist.rng import derive
from shortlist.schema import Column, Schema
from shortlist.train import fit, tree_rows

__all__ = ["SMALL_CTR", "CtrBench", "CtrFigures", "bench_ctr", "ctr_flow"]

Say = Callable[[str], None]
Figures = dict[str, float]

SMALL_CTR = tuple(Path(__file__).with_name(f"planted_ctr_{part}.csv") for part in ("train", "valid", "test"))
"""A small data set that ships with the library: its three files, with the label ``click``."""
_ROWS = 65_536
_DIGITS = {"auc": 4, "logloss": 4, "entropy": 4}


@dataclass(frozen=True, slots=True)
class CtrBench:
    """What the benchmark runs.

    >>> CtrBench(models=("dcnv2",), seeds=3).models
    ('dcnv2',)
    """

    models: tuple[str, ...] = (*CTR_NETWORKS, *CTR_TREES)
    """Names of the models, in this order."""
    seeds: int = 1
    """Runs of each model, with the seeds 0, 1, ...; figures are their mean and deviation."""
    dim: int | None = None
    """Width of the embeddings; this and what follows suit the number of rows where they are None."""
    hidden: tuple[int, ...] | None = None
    """Widths of the hidden layers."""
    dropout: float | None = None
    """Share of hidden activations set to zero in training."""
    batch_size: int | None = None
    """Rows a step."""
    lr: float | None = None
    """Step size."""
    l2: float | None = None
    """Penalty of the table rows that a batch touches."""
    epochs: int | None = None
    """Most epochs."""
    table_epochs: int | None = None
    """Epochs after which the tables stand still."""
    patience: int | None = None
    """Epochs without a better AUC after which the step size falls to a tenth; the third time it ends."""
    min_count: int | None = None
    """Values of a category seen fewer times are one unknown value."""
    minutes: float | None = None
    """Most minutes of training one model, after which the best epoch so far counts; None for no limit."""

    def __post_init__(self) -> None:
        known = (*CTR_NETWORKS, *CTR_TREES)
        for name in self.models:
            if name not in known:
                raise ArgumentError(
                    "CtrBench.models",
                    received=name,
                    expected=f"some of {list(known)}",
                    remedy=near(name, known),
                )
        counts = ("seeds", "dim", "batch_size", "epochs", "table_epochs", "patience", "min_count")
        for name in (*counts, "lr", "minutes"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ArgumentError(f"CtrBench.{name}", received=value, expected="a number above 0")
        if len(self.models) == 0:
            raise ArgumentError("CtrBench.models", received="none", expected="one model or more")

    def settings(self, rows: int) -> CtrSettings:
        """What suits the rows, with what is given in place of it."""
        given = {name: getattr(self, name, None) for name in CtrSettings.__slots__}
        return replace(
            ctr_settings(rows), **{name: value for name, value in given.items() if value is not None}
        )


@dataclass(frozen=True, slots=True)
class CtrFigures:
    """What the benchmark found; printed as a table.

    Attributes:
        data: the files and their columns.
        settings: how networks were built and trained.
        runs: model -> figures of each seed: ``auc``, ``logloss`` and ``entropy`` on the test file,
            ``valid_auc``, ``rows_per_second`` of training, ``seconds`` in all, and ``epochs`` (trees).
    """

    data: str
    settings: CtrSettings
    runs: dict[str, list[Figures]]

    def mean(self, model: str, metric: str) -> float:
        """Mean over the seeds."""
        return float(np.mean([run[metric] for run in self.runs[model]]))

    def deviation(self, model: str, metric: str) -> float | None:
        """Sample standard deviation over the seeds; None for one."""
        values = [run[metric] for run in self.runs[model]]
        return float(np.std(values, ddof=1)) if len(values) > 1 else None

    def table(self) -> Table:
        """One row a model."""
        columns = ("model", "AUC", "logloss", "normalised entropy", "rows/s", "seconds", "epochs or trees")
        rows = [
            (
                name,
                *(self._cell(name, metric) for metric in ("auc", "logloss", "entropy")),
                f"{self.mean(name, 'rows_per_second'):,.0f}",
                f"{self.mean(name, 'seconds'):,.1f}",
                f"{self.mean(name, 'epochs'):,.0f}",
            )
            for name in self.runs
        ]
        seeds = max((len(runs) for runs in self.runs.values()), default=1)
        spread = "one seed" if seeds == 1 else f"mean and deviation of {seeds} seeds"
        said = ", ".join(f"{name} {value}" for name, value in asdict(self.settings).items())
        return Table(columns, rows, title=self.data, note=f"test file, {spread}\n{said}")

    def to_json(self) -> dict[str, Any]:
        """All figures as plain data."""
        return {"data": self.data, "settings": asdict(self.settings), "runs": self.runs}

    def write_csv(self, path: str | Path) -> None:
        """One line a model and seed."""
        text = StringIO()
        names = list(next(iter(self.runs.values()))[0])
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["model", "seed", *names])
        for model, runs in self.runs.items():
            writer.writerows([model, seed, *run.values()] for seed, run in enumerate(runs))
        atomic_write(Path(path), text.getvalue().encode())

    def write_html(self, path: str | Path) -> None:
        """A page that stands alone."""
        table = self.table()
        section = Section(
            "Rankers on labelled rows", [preformatted(self.data), table.html(), preformatted(table.note)]
        )
        atomic_write(Path(path), html_page("Rankers on labelled rows", [section]).encode())

    def __str__(self) -> str:
        return str(self.table())

    def _cell(self, name: str, metric: str) -> str:
        deviation = self.deviation(name, metric)
        mean = f"{self.mean(name, metric):.{_DIGITS[metric]}f}"
        return mean if deviation is None else f"{mean} ± {deviation:.4f}"


def bench_ctr(files: CtrFiles, options: CtrBench | None = None, *, log: Say = lambda _: None) -> CtrFigures:
    """Train rankers on a file, stop by a second, measure on a third.

    Categories become codes by the training file alone, rare values one unknown code; numbers are
    ``sign(x) log(1 + |x|)``, standardised, with a flag where the training file has nulls.

    Args:
        files: what `read_ctr` read.
        options: which models, and how; None is ``CtrBench()``.
        log: is told what goes on.

    Raises:
        ArgumentError: none of the models can read the files.

    >>> from shortlist.recipes import read_ctr
    >>> files = read_ctr(*SMALL_CTR, label="click")
    >>> figures = bench_ctr(files, CtrBench(models=("lightgbm",)))
    >>> figures.mean("lightgbm", "auc") > 0.6
    True
    """
    chosen = CtrBench() if options is None else options
    use = chosen.settings(len(files.train))
    started = time.perf_counter()
    parts, schema = _encoded(files, use)
    log(f"{files}\nencoded in {time.perf_counter() - started:,.1f} s")
    runs: dict[str, list[Figures]] = {}
    for name in dict.fromkeys(chosen.models):
        if not suits(name, schema):
            log(f"{name}: left out, the files have no columns for it: one user and one item, or a history")
            continue
        runs[name] = []
        for seed in range(chosen.seeds):
            run = _run(name, parts, schema, use, seed=seed, minutes=chosen.minutes, log=log)
            runs[name].append(run)
            log(
                f"{name} seed {seed}: AUC {run['auc']:.4f}, logloss {run['logloss']:.4f}, "
                f"{run['rows_per_second']:,.0f} rows/s, {run['seconds']:,.1f} s"
            )
    if not runs:
        raise ArgumentError(
            "bench_ctr",
            received=f"models {list(chosen.models)}",
            expected="a model that the files have columns for",
            remedy="neumf reads user_id and item_id, din and bst also a list: item_history beside item_id",
        )
    return CtrFigures(str(files), use, runs)


def ctr_flow(files: CtrFiles, use: CtrSettings) -> Workflow:
    """The workflow of a benchmark's files; fit it on the training rows."""
    branches: list[Any] = []
    columns = {column.name: column for column in files.columns}
    if scalars := files.names("category"):
        branches.append(scalars >> ops.Categorify(min_count=use.min_count))
    branches += [
        [name] >> ops.Categorify(min_count=use.min_count, like=columns[name].like)
        for name in files.names("list")
    ]
    for nulls in (False, True):
        names = [name for name in files.names("number") if columns[name].nulls is nulls]
        if names:
            branches.append(names >> ops.Normalize() >> ops.FillMissing(0.0, add_indicator=nulls))
    return Workflow(branches)


def _encoded(files: CtrFiles, use: CtrSettings) -> tuple[dict[str, Dataset], Schema]:
    raw = Schema(_raw(files))
    parts = {name: Dataset.of(getattr(files, name), raw) for name in ("train", "valid", "test")}
    flow = ctr_flow(files, use).fit(parts["train"])
    encoded = {name: Dataset.of(flow.transform(part).collect(), flow.schema) for name, part in parts.items()}
    return encoded, flow.schema


def _raw(files: CtrFiles) -> list[Column]:
    found = Dataset.of(files.train).schema
    columns = [found[name].tagged(*tags) for name, tags in role_tags(files.columns).items()]
    return [Column(files.label, "float32", ("target", "binary")), *columns]


def _run(
    name: str,
    parts: dict[str, Dataset],
    schema: Schema,
    use: CtrSettings,
    *,
    seed: int,
    minutes: float | None,
    log: Say,
) -> Figures:
    started = time.perf_counter()
    own = derive(seed, "bench ctr", name)
    if name in CTR_TREES:
        model = CTR_TREES[name](schema, use, own)
        report = fit(model, parts["train"], valid=parts["valid"])
        rows = tree_rows(model, parts["test"])
        labels, predicted = rows.labels, model.scorer.answers(rows.matrix)
        epochs = report.epochs[0].step
    else:
        model = CTR_NETWORKS[name](schema, use, own)
        until = None if minutes is None else started + 60 * minutes
        stop = PlateauEnd(lambda text: log(f"{name} seed {seed} {text}"), patience=use.patience, until=until)
        options = ctr_options(use, name, seed, callbacks=(stop,))
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            report = fit(model, parts["train"], valid=parts["valid"], options=options)
        for one in told:
            log(f"{name} seed {seed}: {one.message}")
        labels, predicted = _answers(model, parts["test"])
        epochs = len(report.epochs)
    return {
        "auc": auc(labels, predicted),
        "logloss": logloss(labels, predicted),
        "entropy": normalised_entropy(labels, predicted),
        "valid_auc": report.best_metric or float("nan"),
        "rows_per_second": report.rows_per_second,
        "seconds": time.perf_counter() - started,
        "epochs": float(epochs),
    }


def _answers(model: Any, data: Dataset) -> tuple[Any, Any]:
    target = model.targets[0]
    wanted = model.inputs.merge([model.schema[target]])
    labels, predicted = [], []
    for batch in Loader(data, wanted, batch_size=_ROWS, shuffle=False):
        assert isinstance(batch, Batch)
        labels.append(np.asarray(batch.array(target), dtype=np.float64))
        predicted.append(model.score(batch).astype(np.float64))
    return np.concatenate(labels), np.concatenate(predicted)
