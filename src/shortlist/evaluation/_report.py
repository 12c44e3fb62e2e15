"""An evaluation as a page that stands alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from shortlist import metrics as m
from shortlist.errors import ArgumentError, near
from shortlist.evaluation._asked import Asked
from shortlist.evaluation._curves import by_cut, popularity_bias
from shortlist.evaluation._evaluation import Evaluation
from shortlist.evaluation._examples import example_blocks
from shortlist.io import atomic_write
from shortlist.report import (
    HtmlTable,
    Section,
    Table,
    html_page,
    interval_plot,
    legend,
    line_plot,
    preformatted,
    tiles,
)
from shortlist.train import FitReport

__all__ = ["Details", "html_table", "report"]


@dataclass(frozen=True)
class Details:
    """What a page shows beside the numbers.

    Attributes:
        title: its heading.
        model: whose examples are shown; the first recommender by default.
        fit: the course of its training, drawn as curves.
        by: columns to slice by, see `Evaluation.sliced`.
        category: item column for diversity and calibration, see `Evaluation.beyond`.
        users: raw ids of the users shown as examples; None for six of different luck.
        name: item column that names items; None for the one tagged "name", else the ids.
    """

    title: str = "Evaluation"
    model: str | None = None
    fit: FitReport | None = None
    by: Sequence[str] = ()
    category: str | None = None
    users: Sequence[Any] | None = None
    name: str | None = None


def report(evaluation: Evaluation, path: str | Path, details: Details | None = None, **more: Any) -> Path:
    """Write an evaluation as one HTML file: no scripts, nothing from the network, light and dark.

    The protocol stands at the top. Then the table with intervals, the metric by cut, what is found and shown
    by popularity, slices, beyond accuracy, the course of training if it is given, and some users by name.

    Args:
        evaluation: what `evaluate` made.
        path: the file; one that is there is replaced.
        details: what else to show.
        **more: fields of the details, by name.

    Returns:
        The path.

    Raises:
        ArgumentError: a detail is unknown, or the evaluation holds no questions and answers.
    """
    known = Details.__dataclass_fields__
    for name in more:
        if name not in known:
            raise ArgumentError(
                "report", received=name, expected=f"one of {', '.join(known)}", remedy=near(name, known)
            )
    chosen = Details(**{**({} if details is None else vars(details)), **more})
    if evaluation.asked is None:
        raise ArgumentError(
            "report", received="an evaluation without its questions", expected="one that evaluate made"
        )
    target = Path(path)
    atomic_write(target, html_page(chosen.title, _sections(evaluation, evaluation.asked, chosen)).encode())
    return target


def html_table(table: Table) -> str:
    """A plain table as one of a page: names to the left, numbers to the right."""
    cells = [["" if part == "-" else part for part in row] for row in table.cells()]
    kinds = ["n", *["r"] * (len(table.columns) - 1)]
    return str(HtmlTable(table.columns, [[escape(cell) for cell in row] for row in cells], kinds))


def _sections(evaluation: Evaluation, asked: Asked, details: Details) -> list[Section]:
    model = details.model or evaluation.models[0]
    if model not in evaluation.models:
        raise ArgumentError(
            "report(model)", received=model, expected="one evaluated", remedy=near(model, evaluation.models)
        )
    sections = [
        Section(
            "",
            [
                f"<h1>{escape(details.title)}</h1>",
                preformatted(str(evaluation.protocol), wrapped=True),
                _head(evaluation),
            ],
        ),
        Section("Quality", _quality(evaluation)),
        Section("By cut", _cuts(asked)),
        Section("By popularity", _popularity(asked)),
        Section("Slices", _slices(evaluation, details)),
        Section("Beyond accuracy", _beyond(evaluation, details)),
    ]
    if details.fit is not None:
        sections.append(Section("Training", _training(details.fit)))
    found = example_blocks(asked, model, min(asked.k, 10), users=details.users, count=6, name=details.name)
    told = f'<p class="soft">{escape(model)}; what the user took then is marked.</p>'
    return [*sections, Section("Some users", [told, *found])]


def _head(evaluation: Evaluation) -> str:
    metric, first = evaluation.metrics[0], evaluation.models[0]
    figures = [
        (f"{evaluation.protocol.count:,}", "queries"),
        (f"{evaluation.protocol.catalogue:,}", "items"),
        (f"{evaluation.of(first, metric):.4f}", f"{metric} of {first}"),
    ]
    others = [model for model in evaluation.models if model != first]
    if others:
        best = max(others, key=lambda model: evaluation.of(model, metric))
        gap = evaluation.difference(first, best, metric)
        figures.append((f"{gap.difference:+.4f}", f"against {best}, p {gap.p:.2g}"))
    return tiles(figures)


def _quality(evaluation: Evaluation) -> list[str | tuple[str, ...]]:
    metric = evaluation.metrics[0]
    rows = []
    for model in evaluation.models:
        interval = m.mean_interval(evaluation.values[model][metric], evaluation.seed)
        rows.append((model, interval.mean, interval.low, interval.high))
    told = '<p class="soft">"+-" and whiskers: 95 % bootstrap intervals over queries.</p>'
    return [html_table(evaluation.table()), told, interval_plot(rows, across=metric, width=820)]


def _cuts(asked: Asked) -> list[str | tuple[str, ...]]:
    cuts = sorted({*range(1, min(asked.k, 10) + 1), *np.linspace(1, asked.k, 12).astype(int).tolist()})
    drawn = [
        line_plot(by_cut(asked, metric, cuts), across="k", up=word)
        for metric, word in ((m.ndcg, "NDCG@k"), (m.recall, "recall@k"))
    ]
    return [legend([*asked.lists]), (drawn[0], drawn[1])]


def _popularity(asked: Asked) -> list[str | tuple[str, ...]]:
    bias = popularity_bias(asked, asked.k)
    told = (
        '<p class="soft">Items in tenths of all past events, the most popular to the left, each marked with '
        "its number of items; to the right the items without any event.</p>"
    )
    found = {model: [(float(x), float(y)) for x, y in enumerate(line)] for model, line in bias.found.items()}
    shown = {model: [(float(x), float(y)) for x, y in enumerate(line)] for model, line in bias.shown.items()}
    shown["what was taken"] = [(float(x), float(y)) for x, y in enumerate(bias.truth)]
    plots = (
        line_plot(found, across="items in the tenth", up=f"share found, first {asked.k}", labels=bias.labels),
        line_plot(
            shown,
            across="items in the tenth",
            up="share of what is shown",
            labels=bias.labels,
            dashed=("what was taken",),
        ),
    )
    return [told, legend([*shown], dashed=("what was taken",)), plots]


def _slices(evaluation: Evaluation, details: Details) -> list[str | tuple[str, ...]]:
    blocks: list[str | tuple[str, ...]] = [html_table(evaluation.sliced())] if evaluation.slices else []
    for column in details.by:
        blocks += [f"<p>by {escape(column)}</p>", html_table(evaluation.sliced(by=column))]
    return blocks


def _beyond(evaluation: Evaluation, details: Details) -> list[str | tuple[str, ...]]:
    told = (
        '<p class="soft">coverage: share of the catalogue shown to anybody; gini: 0 shows all alike; '
        "popularity: mean percentile of what is shown; novelty: bits; serendipity: share of ranks with a hit "
        "that is not among the most popular.</p>"
    )
    return [html_table(evaluation.beyond(by=details.category)), told]


def _training(fit: FitReport) -> list[str | tuple[str, ...]]:
    loss = {"loss": [(float(row.epoch), row.loss) for row in fit.epochs]}
    plots = [line_plot(loss, across="epoch", up="training loss")]
    if fit.metric is not None:
        rows = [(float(row.epoch), row.metric) for row in fit.epochs if row.metric is not None]
        plots.append(line_plot({fit.metric: rows}, across="epoch", up=f"validation {fit.metric}"))
    words = f"{fit.stopped}; the weights are those of epoch {fit.best}"
    return [f'<p class="soft">{escape(words)}</p>', tuple(plots)]
