"""A search as a page: its course, what mattered, and a slice of each name."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from shortlist.recipes._space import Choice, Range, describe, shown
from shortlist.recipes._trial import TrialRecord
from shortlist.report import Axis, HtmlTable, Section, Series, Table, html_page, scatter_plot, tiles

__all__ = ["tuning_page"]


def tuning_page(
    table: Table,
    trials: Sequence[TrialRecord],
    space: Mapping[str, Range],
    importance: Mapping[str, float],
    direction: str,
) -> str:
    """The page.

    Args:
        table: of the best trials.
        trials: all of them.
        space: what was searched.
        importance: of each name, the greatest first.
        direction: ``"maximize"`` or ``"minimize"``.
    """
    figures = [(str(len(trials)), "trials")]
    figures += [
        (str(count), state)
        for state in ("pruned", "failed")
        if (count := sum(trial.state == state for trial in trials))
    ]
    figures.append((f"{sum(trial.seconds for trial in trials):.0f} s", "in all"))
    slices = [_slice(trials, name, space[name]) for name in importance]
    pairs = [tuple(slices[place : place + 2]) for place in range(0, len(slices), 2)]
    return html_page(
        "Tuning",
        [
            Section("", ["<h1>Tuning</h1>", tiles(figures)]),
            Section("Course", [_course(trials, direction)]),
            Section("What mattered", [_bars(importance, space)]),
            Section("Slices", pairs),
            Section("Best trials", [f'<p class="soft">{escape(table.title)}</p>', table.html()]),
        ],
    )


def _course(trials: Sequence[TrialRecord], direction: str) -> str:
    """Each score, and the best so far."""
    better = max if direction == "maximize" else min
    done = _points([trial for trial in trials if trial.state == "done"])
    best, steps = None, []
    for number, score in done:
        best = score if best is None else better(best, score)
        steps.append((number, best))
    if steps:
        steps.append((float(trials[-1].number), steps[-1][1]))
    return scatter_plot(
        [
            Series("score", done, _tips(trials, "done")),
            Series("pruned, at its last report", _pruned(trials), _tips(trials, "pruned"), marks="hollow"),
            Series("best so far", steps, marks="none", line="steps"),
        ],
        Axis("trial"),
        Axis("score"),
        width=1080,
        height=300,
    )


def _bars(importance: Mapping[str, float], space: Mapping[str, Range]) -> str:
    note = (
        "Share of the ranks of scores that a value explains beside the others: the fall of adjusted R "
        "squared when it leaves a sum of step functions, over the trials that ran to their end."
    )
    bar = '<svg width="{0:.0f}" height="12"><rect class="bar" width="{0:.0f}" height="12"/></svg>'
    rows = [
        (escape(name), f"{100 * share:.0f} %", bar.format(max(400 * share, 1)), escape(describe(space[name])))
        for name, share in importance.items()
    ]
    return (
        f'<p class="soft">{note}</p>{HtmlTable(("value", "share", "", "range"), rows, ("n", "r", "", "v"))}'
    )


def _slice(trials: Sequence[TrialRecord], name: str, given: Range) -> str:
    """Scores by one value."""
    names = [shown(value) for value in given.values] if isinstance(given, Choice) else ()
    across = Axis(name, log=not isinstance(given, Choice) and given.log, names=names)

    def points(state: str) -> list[tuple[float, float]]:
        chosen = [trial for trial in trials if trial.state == state]
        return [
            (_place(given, trial.values[name]), trial.score) for trial in chosen if trial.score is not None
        ]

    return scatter_plot(
        [
            Series("", points("done"), _tips(trials, "done")),
            Series("", points("pruned"), _tips(trials, "pruned"), marks="hollow"),
        ],
        across,
        Axis("score"),
    )


def _place(given: Range, value: Any) -> float:
    if not isinstance(given, Choice):
        return float(value)
    return float(next(place for place, one in enumerate(given.values) if one is value or one == value))


def _pruned(trials: Sequence[TrialRecord]) -> list[tuple[float, float]]:
    return _points([trial for trial in trials if trial.state == "pruned"])


def _points(trials: Sequence[TrialRecord]) -> list[tuple[float, float]]:
    return [(float(trial.number), trial.score) for trial in trials if trial.score is not None]


def _tips(trials: Sequence[TrialRecord], state: str) -> list[str]:
    return [
        f"trial {trial.number}: {trial.score:.4f}; "
        + ", ".join(f"{name} {shown(value)}" for name, value in trial.values.items())
        for trial in trials
        if trial.state == state and trial.score is not None
    ]
