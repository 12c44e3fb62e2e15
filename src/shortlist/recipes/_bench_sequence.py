"""The sequence benchmark: named models on sequences of the plain format."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from shortlist.data import Batch
from shortlist.errors import ArgumentError, near
from shortlist.recipes._sequence_file import SequenceFile, read_sequences
from shortlist.recipes._sequence_models import BASELINES, NEURAL, USUAL, Settings, settings_for
from shortlist.recipes._sequence_split import FIRST, Held, Metrics, hold_out
from shortlist.report import Table
from shortlist.rng import derive
from shortlist.train import FitOptions, Optimization, fit

__all__ = ["SMALL_SEQUENCES", "SequenceBench", "SequenceFigures", "bench_sequence"]

Say = Callable[[str], None]

SMALL_SEQUENCES = Path(__file__).with_name("planted_sequences.txt")
_MINUTES = 36.0
_EVENTS = 300_000
_now = time.perf_counter


@dataclass(frozen=True, slots=True)
class SequenceBench:
    """What the benchmark runs.

    >>> SequenceBench(models=("sasrec",), seeds=3).filter_seen
    True
    """

    models: tuple[str, ...] = USUAL
    """Names of the models, in this order."""
    seeds: int = 1
    """Runs of each neural model, with the seeds 0, 1, ...; figures are their mean and deviation."""
    filter_seen: bool = True
    """Whether items that a user had before are left out of lists, and users whose last item is one."""
    users: int | None = None
    """Only the first so many lines of the file; None is all."""
    dim: int | None = None
    """Width of the vectors of the neural models; None is 64."""
    dropout: float | None = None
    """Share of the neural models' numbers set to zero in training; None suits the length of the sequences."""
    epochs: int | None = None
    """Most epochs of a neural model; None is 200."""
    patience: int | None = None
    """Epochs without a better validation figure after which training stops; None is 10."""
    minutes: float | None = None
    """Most minutes of training one model: no epoch begins that would pass them, and the best one counts; None
    is an equal part of what is left of 36 minutes for all models together; of more in proportion for more
    than 300,000 events and for several seeds."""

    def __post_init__(self) -> None:
        known = (*BASELINES, *NEURAL)
        for name in self.models:
            if name not in known:
                raise ArgumentError(
                    "SequenceBench.models",
                    received=name,
                    expected=f"some of {list(known)}",
                    remedy=near(name, known),
                )
        for name in ("seeds", "users", "dim", "epochs", "patience", "minutes"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ArgumentError(f"SequenceBench.{name}", received=value, expected="a number above 0")
        if len(self.models) == 0:
            raise ArgumentError("SequenceBench.models", received="none", expected="one model or more")


@dataclass(frozen=True, slots=True)
class SequenceFigures:
    """What the benchmark found; printed as a table with its protocol.

    Attributes:
        data: size of the data.
        protocol: how figures are taken.
        runs: model -> figures of each seed, with ``epoch`` (the best), ``epochs`` (run) and ``seconds``.
    """

    data: str
    protocol: str
    runs: dict[str, list[Metrics]]

    def mean(self, model: str, metric: str) -> float:
        """Mean over the seeds."""
        return float(np.mean([run[metric] for run in self.runs[model]]))

    def deviation(self, model: str, metric: str) -> float | None:
        """Sample standard deviation over the seeds; None for one."""
        values = [run[metric] for run in self.runs[model]]
        return float(np.std(values, ddof=1)) if len(values) > 1 else None

    def __str__(self) -> str:
        rows = [
            (
                name,
                *(self._cell(name, metric) for metric in ("R@10", "NDCG@10")),
                f"{self.mean(name, 'epoch'):.0f}" if name in NEURAL else "",
                f"{self.mean(name, 'seconds'):,.1f}",
            )
            for name in self.runs
        ]
        seeds = max(len(runs) for runs in self.runs.values())
        note = f"{self.protocol}\n{'one seed' if seeds == 1 else f'mean and deviation of {seeds} seeds'}"
        columns = ("model", "R@10", "NDCG@10", "best epoch", "seconds")
        return str(Table(columns, rows, title=self.data, note=note))

    def to_json(self) -> dict[str, Any]:
        """All figures as plain data."""
        return {"data": self.data, "protocol": self.protocol, "runs": self.runs}

    def _cell(self, name: str, metric: str) -> str:
        deviation = self.deviation(name, metric)
        mean = f"{self.mean(name, metric):.4f}".removeprefix("0")
        return mean if deviation is None else f"{mean} ± {deviation:.4f}".replace("± 0", "± ")


def bench_sequence(
    sequences: SequenceFile | str | Path, options: SequenceBench | None = None, *, log: Say = lambda _: None
) -> SequenceFigures:
    """Train and measure models that tell what comes next, beside popularity and item-kNN.

    The last item of each user is told from all before it; the last but one stops training and is not
    trained on. The baselines learn from everything before the last item.

    Args:
        sequences: a file of lines ``user item item ...``, oldest first, or what `read_sequences` made of one.
        options: which models, and how; None is ``SequenceBench()``.
        log: is told what goes on.

    Raises:
        DataError: the file cannot be read, or no user has three items.

    >>> figures = bench_sequence(SMALL_SEQUENCES, SequenceBench(models=("popular", "item-knn")))
    >>> figures.mean("item-knn", "R@10") > figures.mean("popular", "R@10")
    True
    """
    chosen = SequenceBench() if options is None else options
    file = sequences if isinstance(sequences, SequenceFile) else read_sequences(sequences)
    file = file if chosen.users is None else file.first(chosen.users)
    held = hold_out(file, filter_seen=chosen.filter_seen)
    log(f"{file}\n{held.protocol}")
    runs: dict[str, list[Metrics]] = {}
    names, use = tuple(dict.fromkeys(chosen.models)), _settings(file, chosen)
    time_left = _TimeLeft(chosen, file.events, chosen.seeds * sum(name in NEURAL for name in names))
    for name in names:
        runs[name] = []
        for run in _runs(name, held, use, time_left, log):
            runs[name].append(run)
            log(f"{name}: R@10 {run['R@10']:.4f}, NDCG@10 {run['NDCG@10']:.4f}, {run['seconds']:,.1f} s")
    return SequenceFigures(str(file), held.protocol, runs)


class _TimeLeft:
    """Seconds that the next run may train for, of what all runs share or of its own.

    Args:
        chosen: with the minutes of each run, or None.
        events: of the file.
        runs: of neural models, yet to come.

    Attributes:
        seeds: runs of each model.
    """

    def __init__(self, chosen: SequenceBench, events: int, runs: int) -> None:
        self.seeds, self._own, self._runs = chosen.seeds, chosen.minutes, runs
        self._shared = 60 * _MINUTES * chosen.seeds * max(1.0, events / _EVENTS)

    def next(self) -> float:
        """Of the next run."""
        return 60 * self._own if self._own is not None else max(self._shared, 0.0) / max(self._runs, 1)

    def spend(self, seconds: float) -> None:
        """A run has taken so long."""
        self._shared, self._runs = self._shared - seconds, self._runs - 1


def _runs(name: str, held: Held, use: Settings, time_left: _TimeLeft, log: Say) -> Iterator[Metrics]:
    if name in BASELINES:
        yield _counted(name, held)
        return
    for seed in range(time_left.seeds):
        run = _trained(name, held, use, limit_s=time_left.next(), seed=seed, log=log)
        time_left.spend(run["seconds"])
        yield run


def _settings(file: SequenceFile, chosen: SequenceBench) -> Settings:
    use = settings_for(events=file.events, users=len(file.users), items=len(file.items))
    given = {name: getattr(chosen, name) for name in ("dim", "dropout", "epochs", "patience")}
    return replace(use, **{name: value for name, value in given.items() if value is not None})


def _counted(name: str, held: Held) -> Metrics:
    started = _now()
    matrix = held.matrix()
    model = BASELINES[name].fit(matrix)
    metrics = held.measure(lambda rows: model.scores(matrix[rows]))
    return {**metrics, "seconds": _now() - started}


def _trained(
    name: str, held: Held, use: Settings, *, limit_s: float, seed: int, log: Say
) -> dict[str, float]:
    started = _now()
    model, objective = NEURAL[name](held.schema, use, derive(seed, "bench", name))

    def late(epoch: Any) -> bool:
        spent = _now() - started
        log(
            f"{name} seed {seed} epoch {epoch.epoch}: loss {epoch.loss:.4f}, "
            f"valid NDCG@10 {epoch.metric:.4f}, {spent:,.0f} s"
        )
        another: float = spent / epoch.epoch
        return spent + another > limit_s

    options = FitOptions(
        epochs=use.epochs,
        batch_size=use.batch_size,
        lr=use.lr,
        optimization=Optimization(dense_lr=use.dense_lr, ema=use.ema),
        patience=use.patience,
        filter_seen=held.filtered,
        seed=seed,
        precision="float32",  # products of this width gain nothing from less on most processors
        callbacks=(late,),
        progress=False,
    )
    report = fit(model, held.train, objective, held.valid, options)
    metrics = held.measure(_scores(model, held))
    return {
        **metrics,
        "epoch": float(report.best),
        "epochs": float(len(report.epochs)),
        "seconds": _now() - started,
    }


def _scores(model: Any, held: Held) -> Callable[[Any], Any]:
    items = model.encode_item(Batch({"item": np.arange(FIRST, FIRST + held.items)})).T

    def scores(rows: Any) -> Any:
        own = held.histories.take(rows)
        history = own.with_values(own.values + FIRST)
        return model.encode_query(Batch({"history": history})) @ items

    return scores
