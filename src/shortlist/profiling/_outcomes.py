"""Columns that tell the target, or the kind of event, or are filled only with it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from shortlist.profiling._scores import Labels, explained, separation
from shortlist.profiling._subject import Subject
from shortlist.profiling._suspect import Suspect

__all__ = ["Outcome", "given_away", "outcomes"]

_SURE, _GOOD = 0.99, 0.95
_ENOUGH = 20
_CHANCE = 1e-6
_CLASSES = 5


@dataclass(frozen=True, slots=True)
class Outcome:
    """Something that is to be predicted, as a yes or no.

    Attributes:
        column: where it stands.
        words: what a yes is, such as "click = 1".
        labels: 1 for yes, for every row of the sample.
    """

    column: str
    words: str
    labels: Labels


def outcomes(sample: pl.DataFrame, subject: Subject) -> tuple[Outcome, ...]:
    """What rows may turn out to be: for each target and for the kind of event, its most frequent values."""
    names = [*subject.targets, *([subject.roles["event"]] if "event" in subject.roles else [])]
    found = []
    for name in names:
        counts = sample[name].drop_nulls().value_counts(sort=True)
        values = counts[name].to_list()
        if len(values) == 2 and name in subject.targets:
            values = [max(values)]
        elif sample[name].dtype.is_numeric() and len(values) > _CLASSES:
            continue
        for value in values[:_CLASSES]:
            labels = (sample[name] == value).fill_null(value=False).to_numpy().astype(np.int64)
            found.append(Outcome(name, f"{name} = {value}", labels))
    return tuple(found)


def given_away(sample: pl.DataFrame, subject: Subject) -> Iterator[Suspect]:
    """Columns by which an outcome is known.

    Args:
        sample: rows.
        subject: what they are.
    """
    ids = {subject.roles.get(role) for role in ("user", "item", "time")} | {subject.weight}
    known = outcomes(sample, subject)
    features = [name for name in sample.columns if name not in ids and name not in subject.targets]
    for name in features:
        others = [one for one in known if one.column != name]
        suspect = _filled_with(sample[name], others) or _tells(sample[name], others)
        if suspect is None:
            suspect = _tells_number(sample, name, subject)
        if suspect is not None:
            yield suspect


def _filled_with(feature: pl.Series, known: Sequence[Outcome]) -> Suspect | None:
    """A column that has a value only in rows of one outcome: it was written after it."""
    filled = feature.is_not_null().to_numpy()
    if filled.sum() < _ENOUGH or filled.all():
        return None
    for outcome in known:
        share = float(outcome.labels.mean())
        among = float(outcome.labels[filled].mean())
        if among == 1.0 and share < 1.0 and filled.sum() * np.log(share) < np.log(_CHANCE):
            rate = float(filled[outcome.labels == 1].mean())
            return Suspect(
                feature.name,
                "leak",
                f"is filled only where {outcome.words}",
                f"{_percent(rate)} of those rows, none of the others",
                "leave it out: it is written after the event",
            )
    return None


def _tells(feature: pl.Series, known: Sequence[Outcome]) -> Suspect | None:
    """A column that separates the rows of an outcome from the others, or whose gaps do."""
    best, words, by_gaps = 0.5, "", False
    ways = [(feature, False)]
    if 0 < feature.null_count() < len(feature):
        ways.append((feature.is_null().cast(pl.Int8), True))
    for outcome in known:
        for column, gap in ways:
            score = separation(column, outcome.labels)
            if score > best:
                best, words, by_gaps = score, outcome.words, gap
    if best < _GOOD:
        return None
    sure = best >= _SURE
    how = " by being filled or not" if by_gaps else ""
    return Suspect(
        feature.name,
        "leak" if sure else "suspect",
        f"{'determines' if sure else 'nearly determines'} {words}{how}",
        f"AUC {best:.3f} by itself",
        "leave it out, unless it is known before the event",
    )


def _tells_number(sample: pl.DataFrame, name: str, subject: Subject) -> Suspect | None:
    """A column that explains a target of many values, or where there is none the value of the event."""
    numbers = [c for c in subject.targets if sample[c].dtype.is_numeric() and sample[c].n_unique() > 2]
    if not subject.targets and "value" in subject.roles:
        numbers = [subject.roles["value"]]
    for number in numbers:
        if number == name:
            continue
        values = sample[number].cast(pl.Float64).fill_null(float("nan")).to_numpy()
        share = explained(sample[name], values)
        if share >= _GOOD:
            sure = share >= _SURE
            return Suspect(
                name,
                "leak" if sure else "suspect",
                f"{'determines' if sure else 'nearly determines'} {number}",
                f"explains {_percent(share)} of it by itself",
                "leave it out, unless it is known before the event",
            )
    return None


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
