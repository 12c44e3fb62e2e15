"""tune finds the planted optimum, keeps to its seed, goes on where it was killed, and shows what it did."""

import logging
import sys
from collections.abc import Mapping
from math import inf, log10, nan
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest

import shortlist as sl
from shortlist.errors import ArgumentError, CheckpointError, MissingExtraError
from shortlist.recipes import Trial, TrialRecord, Tuning
from shortlist.recipes._importance import importance
from shortlist.recipes._space import describe, shown
from shortlist.train import Epoch

SPACE = {
    "lr": sl.Floats(1e-4, 1e-1, log=True),
    "depth": sl.Integers(0, 10),
    "loss": sl.Choice("bpr", "softmax", "hinge"),
    "idle": sl.Floats(0, 1),
}


def hill(values: Mapping[str, Any]) -> float:
    """Best at depth 3, lr 0.01, softmax; idle does nothing."""
    slope = {"bpr": 0.0, "softmax": 0.05, "hinge": -0.1}[values["loss"]]
    return slope - 0.02 * (values["depth"] - 3) ** 2 - 0.1 * (log10(values["lr"]) + 2) ** 2


def climbing(trial: Trial) -> float:
    """The same after five epochs, rising from below."""
    for epoch in range(1, 6):
        if trial.report(epoch, hill(trial) - 0.3 / epoch):
            return nan  # the score of a trial that is given up is not read
    return hill(trial) - 0.06


def course(tuning: Tuning) -> list[tuple[object, ...]]:
    return [
        (one.number, dict(one.values), one.score, one.state, one.reports, one.error) for one in tuning.trials
    ]


def test_finds_the_planted_optimum() -> None:
    tuning = sl.tune(hill, SPACE, trials=60, seed=1)
    assert tuning.best_values["loss"] == "softmax"
    assert abs(tuning.best_values["depth"] - 3) <= 1
    assert tuning.best_score == hill(tuning.best_values) > 0.0
    assert [one.state for one in tuning.trials] == ["done"] * 60
    assert [*tuning.importance][-1] == "idle"
    assert tuning.importance["idle"] < 0.05 < tuning.importance["depth"]


def test_minimizes_when_asked() -> None:
    def valley(trial: Trial) -> float:
        return -hill(trial)

    low = sl.tune(valley, SPACE, trials=25, seed=1, direction="minimize")
    high = sl.tune(hill, SPACE, trials=25, seed=1)
    assert low.best_score == -high.best_score
    assert low.best_values == high.best_values


def test_learning_beats_drawing() -> None:
    def mean(sampler: str) -> float:
        options = sl.TuneOptions(sampler=sampler)
        return float(
            np.mean([sl.tune(hill, SPACE, trials=40, seed=s, options=options).best_score for s in range(4)])
        )

    assert mean("tpe") > mean("random")


def test_the_same_seed_gives_the_same_search() -> None:
    once, again, other = (course(sl.tune(climbing, SPACE, trials=15, seed=seed)) for seed in (0, 0, 1))
    assert once == again != other


def test_no_global_random_state_is_touched() -> None:
    before = np.random.get_state()[1].tolist()  # noqa: NPY002 - the global state is what is looked at
    sl.tune(hill, SPACE, trials=12)
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002


def test_a_search_that_was_killed_goes_on_as_if_it_had_not_been(tmp_path: Path) -> None:
    whole = course(sl.tune(climbing, SPACE, trials=20, seed=3))
    options = sl.TuneOptions(folder=tmp_path / "search")
    runs = 0

    def killed(trial: Trial) -> float:
        nonlocal runs
        runs += 1
        if trial.number == 13:
            raise KeyboardInterrupt
        return climbing(trial)

    with pytest.raises(KeyboardInterrupt):
        sl.tune(killed, SPACE, trials=20, seed=3, options=options)
    assert runs == 14
    assert course(sl.tune(climbing, SPACE, trials=20, seed=3, options=options)) == whole
    assert course(sl.tune(killed, SPACE, trials=20, seed=3, options=options)) == whole  # nothing left to run
    assert runs == 14
    assert [path.name for path in tmp_path.rglob("*")] == ["search", "trials.log"]


def test_first_values_go_on_too(tmp_path: Path) -> None:
    first = (
        {"lr": 0.05, "depth": 9, "loss": "hinge", "idle": 0.5},
        {"lr": 0.01, "depth": 3, "loss": "softmax", "idle": 0.0},
    )
    options = sl.TuneOptions(first=first, folder=tmp_path)

    def killed(trial: Trial) -> float:
        if trial.number == 1:
            raise KeyboardInterrupt
        return hill(trial)

    with pytest.raises(KeyboardInterrupt):
        sl.tune(killed, SPACE, trials=5, options=options)
    tuning = sl.tune(hill, SPACE, trials=5, options=options)
    assert tuple(one.values for one in tuning.trials[:2]) == first
    assert tuning.best.number == 1
    whole = sl.tune(hill, SPACE, trials=5, options=sl.TuneOptions(first=first))
    assert course(tuning) == course(whole)


@pytest.mark.parametrize(
    "changed",
    [{"seed": 4}, {"direction": "minimize"}, {"space": SPACE | {"idle": sl.Floats(0, 2)}}],
    ids=lambda changed: next(iter(changed)),
)
def test_a_folder_of_another_search_is_refused(tmp_path: Path, changed: dict[str, Any]) -> None:
    options = sl.TuneOptions(folder=tmp_path)
    arguments: dict[str, Any] = {"space": SPACE, "trials": 2, "seed": 3, "options": options}
    sl.tune(hill, **arguments)
    with pytest.raises(CheckpointError, match=r"received a search of .*Remedy: search in another folder"):
        sl.tune(hill, **arguments | changed)


def test_poor_trials_are_given_up() -> None:
    tuning = sl.tune(climbing, SPACE, trials=60, seed=1)
    pruned = [one for one in tuning.trials if one.state == "pruned"]
    assert len(pruned) >= 3
    assert all(one.number >= 10 for one in pruned)  # not before the start-up
    assert all(2 <= len(one.reports) <= 5 for one in pruned)  # nor in the warm-up
    assert all(one.score == one.reports[-1][1] for one in pruned)
    assert tuning.best.state == "done"
    assert all(one.state == "done" for one in tuning.ranked())
    never = sl.tune(climbing, SPACE, trials=60, seed=1, options=sl.TuneOptions(prune=False))
    assert {one.state for one in never.trials} == {"done"}
    patient = sl.tune(climbing, SPACE, trials=60, seed=1, options=sl.TuneOptions(warmup=3, startup=20))
    pruned = [one for one in patient.trials if one.state == "pruned"]
    assert pruned
    assert all(one.number >= 20 and len(one.reports) >= 4 for one in pruned)


def test_epochs_are_reported_by_a_callback() -> None:
    heard: list[bool] = []

    def fitted(trial: Trial) -> float:
        epochs = [Epoch(number, 10, 0.5, 0.1 * number, 0.1, 100, 1.0) for number in (1, 2)]
        heard.extend(trial.after_epoch(epoch) for epoch in epochs)
        return 0.2

    tuning = sl.tune(fitted, {"x": sl.Choice(1)}, trials=1)
    assert tuning.trials[0].reports == ((1, 0.1), (2, 0.2))
    assert heard == [False, False]
    without = Epoch(1, 10, 0.5, None, 0.1, 100, 1.0)
    with pytest.raises(
        ArgumentError, match=r"Trial\.after_epoch: expected a metric.*Remedy: pass valid= to sl\.fit"
    ):
        sl.tune(lambda trial: trial.after_epoch(without), {"x": sl.Choice(1)}, trials=1)


@pytest.mark.parametrize(("step", "value"), [(0, nan), (1, inf), (-1, 0.5), (5, 0.5), (4, 0.5)])
def test_reports_are_finite_and_rise(step: int, value: float) -> None:
    def odd(trial: Trial) -> float:
        if step == 4:
            trial.report(5, 0.5)
        trial.report(step, value)
        trial.report(5, 0.5)
        return 0.0

    with pytest.raises(ArgumentError, match=r"Trial\.report: expected a finite value, and steps that rise"):
        sl.tune(odd, {"x": sl.Choice(1)}, trials=1)


def test_a_trial_is_a_mapping() -> None:
    seen: list[object] = []

    def score(trial: Trial) -> float:
        seen.extend([dict(**trial), len(trial), list(trial), repr(trial)])
        return 0.0

    sl.tune(score, {"k": sl.Choice(5)}, trials=1)
    assert seen == [{"k": 5}, 1, ["k"], "Trial(0, {'k': 5})"]


def test_values_that_were_tried_are_not_run_again() -> None:
    calls: list[int] = []

    def score(trial: Trial) -> float:
        calls.append(trial["k"])
        return -abs(trial["k"] - 2)

    tuning = sl.tune(score, {"k": sl.Integers(1, 4)}, trials=20)
    assert sorted(calls) == sorted(set(calls))
    assert len(tuning.trials) == 20
    assert sum(one.seconds == 0.0 for one in tuning.trials) == 20 - len(calls)
    assert all(one.score == -abs(one.values["k"] - 2) for one in tuning.trials)
    calls.clear()
    sl.tune(score, {"k": sl.Integers(1, 4)}, trials=20, options=sl.TuneOptions(reuse=False))
    assert len(calls) == 20


def test_failures_end_the_search_or_are_counted() -> None:
    def score(trial: Trial) -> float:
        if trial["x"] > 0.5:
            raise ZeroDivisionError("too far")
        return nan if trial["x"] < 0.25 else float(trial["x"])

    with pytest.raises(ZeroDivisionError, match="too far"):
        sl.tune(score, {"x": sl.Floats(0, 1)}, trials=20)
    options = sl.TuneOptions(catch=(ZeroDivisionError,))
    tuning = sl.tune(score, {"x": sl.Floats(0, 1)}, trials=20, options=options)
    errors = {one.error for one in tuning.trials if one.state == "failed"}
    assert errors == {"ZeroDivisionError: too far", "a score of nan"}
    assert 0.25 <= tuning.best_score <= 0.5
    assert len(tuning.trials) == 20
    assert " failed" in str(tuning)


def test_nothing_found_is_an_error() -> None:
    options = sl.TuneOptions(catch=(ZeroDivisionError,))
    with pytest.raises(ArgumentError, match=r"no score from 3 trials.*the last error was: ZeroDivisionError"):
        sl.tune(lambda trial: 1 / 0, {"x": sl.Choice(1)}, trials=3, options=options)
    with pytest.raises(ArgumentError, match=r"no score from 0 trials.*allow more seconds"):
        sl.tune(hill, SPACE, trials=3, options=sl.TuneOptions(seconds=0.0))


def test_the_time_ends_the_search() -> None:
    assert len(sl.tune(hill, SPACE, trials=3, options=sl.TuneOptions(seconds=1e9)).trials) == 3


def test_choices_may_be_of_any_kind() -> None:
    space = {
        "loss": sl.Choice(sl.losses.bpr, sl.losses.hinge),
        "hidden": sl.Choice((), (64, 32)),
        "x": sl.Choice(None, 1),
    }
    tuning = sl.tune(lambda trial: len(trial["hidden"]) + (trial["x"] or 0), space, trials=12)
    assert tuning.best_values["hidden"] == (64, 32)
    assert tuning.best_score == 3
    assert tuning.best_values["loss"] in (sl.losses.bpr, sl.losses.hinge)


def test_whole_numbers_by_steps() -> None:
    seen = {
        one.values["dim"]
        for one in sl.tune(lambda t: t["dim"], {"dim": sl.Integers(16, 70, step=16)}, trials=30).trials
    }
    assert seen == {16, 32, 48, 64}


def test_progress_is_drawn_when_asked(capsys: pytest.CaptureFixture[str]) -> None:
    sl.tune(hill, SPACE, trials=2, options=sl.TuneOptions(progress=True))
    assert "trial 1 of 2" in capsys.readouterr().err
    sl.tune(hill, SPACE, trials=2)
    assert capsys.readouterr().err == ""


def test_logging_is_left_as_it_was() -> None:
    before = optuna.logging.get_verbosity()
    sl.tune(hill, SPACE, trials=1)
    assert optuna.logging.get_verbosity() == before == logging.INFO


def test_the_table_is_best_first() -> None:
    tuning = sl.tune(hill, SPACE, trials=30)
    rows = tuning.table(best=5).rows
    assert len(rows) == 5
    assert [row[-2] for row in rows] == sorted((one.score for one in tuning.trials), reverse=True)[:5]
    assert str(tuning).splitlines()[0].startswith("maximize: 30 trials, ")
    assert len(tuning.table(best=None).rows) == 30


def test_the_page_shows_course_importance_and_slices(tmp_path: Path) -> None:
    tuning = sl.tune(climbing, SPACE, trials=40, seed=1)
    path = tuning.to_html(tmp_path / "tuning.html")
    page = path.read_text(encoding="utf-8")
    pruned = sum(one.state == "pruned" for one in tuning.trials)
    assert page.count('fill="none" stroke=') - page.count("<polyline") == 5 * pruned  # course and four slices
    assert page.count("<polyline") == 1  # the best so far
    assert all(
        word in page
        for word in ("Course", "What mattered", "Slices", "Best trials", "0.0001 to 0.1 by magnitude")
    )
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "")
    assert "srcdoc" in tuning._repr_html_()


def test_a_page_of_failures_too(tmp_path: Path) -> None:
    records = (
        TrialRecord(0, {"x": 1}, 0.5, "done", (), 1.0),
        TrialRecord(1, {"x": 1}, None, "failed", (), 1.0, "ValueError: no"),
    )
    tuning = Tuning(records, {"x": sl.Choice(1)}, "maximize")
    assert "failed" in tuning.to_html(tmp_path / "a.html").read_text()
    assert tuning.importance == {"x": 0.0}


def test_importance_needs_trials_and_differences() -> None:
    assert importance([], SPACE) == dict.fromkeys(SPACE, 0.0)
    same = [TrialRecord(n, {"x": n}, 0.5, "done", (), 1.0) for n in range(9)]
    assert importance(same, {"x": sl.Integers(0, 8)}) == {"x": 0.0}


def test_importance_is_the_fall_of_adjusted_r_squared() -> None:
    records = [
        TrialRecord(n, {"a": a, "b": b}, 2.0 * a + b, "done", (), 1.0)
        for n, (a, b) in enumerate((a, b) for a in (0, 1) for b in (0, 1) for _ in range(2))
    ]
    # Ranks 1.5, 3.5, 5.5, 7.5, twice each: 42 minus its mean is 10 * 4; a makes 32 of it and b makes 8.
    found = importance(records, {"a": sl.Choice(0, 1), "b": sl.Choice(0, 1)})
    assert found == pytest.approx({"a": 32 / 40 * 7 / 6, "b": 8 / 40 * 7 / 6})


def test_texts_of_ranges_and_values() -> None:
    assert describe(sl.Choice(len, 1.5, (1, 2))) == "one of len, 1.5, (1, 2)"
    assert describe(sl.Integers(1, 8, log=True)) == "1 to 8 by magnitude"
    assert shown("a") == "'a'"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: sl.Floats(1, 1), r"Floats: expected low < high; received 1 to 1"),
        (lambda: sl.Floats(0, 1, log=True), r"Floats: expected low < high, and low > 0 with log=True"),
        (lambda: sl.Integers(3, 2), r"Integers: expected low < high"),
        (lambda: sl.Integers(1, 9, step=0), r"Integers\.step: expected an integer >= 1"),
        (lambda: sl.Integers(1, 9, step=2, log=True), r"Integers\.step: .* and 1 with log=True; received 2"),
        (sl.Choice, r"Choice: expected at least one value"),
        (lambda: sl.TuneOptions(sampler="grid"), r'TuneOptions\.sampler: expected "tpe" or "random"'),
        (lambda: sl.TuneOptions(startup=0), r"TuneOptions\.startup: expected an integer >= 1"),
        (lambda: sl.TuneOptions(warmup=-1), r"TuneOptions\.warmup: expected an integer >= 0"),
        (lambda: sl.tune(hill, {}), r"tune\.space: expected a range for each name"),
        (
            lambda: sl.tune(hill, {"x": (0, 1)}),
            r"tune\.space\['x'\]: expected Floats, Integers or Choice; received \(0, 1\)",
        ),
        (lambda: sl.tune(hill, SPACE, trials=0), r"tune\.trials: expected an integer >= 1"),
        (lambda: sl.tune(hill, SPACE, direction="up"), r'tune\.direction: expected "maximize" or "minimize"'),
        (
            lambda: sl.tune(lambda _: "good", {"x": sl.Choice(1)}),
            r"tune: trial 0: expected a number as the score; received 'good'",
        ),
    ],
)
def test_wrong_arguments_are_named(make: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        make()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"k": 3, "kk": 4},
            r"TuneOptions\.first: expected a name of the space; received 'kk'.*did you mean 'k'",
        ),
        ({}, r"TuneOptions\.first: expected k in 1 to 9 by 2; received no k"),
        ({"k": 4}, r"received k = 4"),
        ({"k": 11}, r"received k = 11"),
        ({"k": "3"}, r"received k = '3'"),
    ],
)
def test_first_values_must_be_in_the_space(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        sl.tune(hill, {"k": sl.Integers(1, 9, step=2)}, options=sl.TuneOptions(first=(values,)))


def test_the_extra_is_named_when_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(MissingExtraError, match=r"sl\.tune: .*pip install 'shortlist\[tune\]'"):
        sl.tune(hill, SPACE)
