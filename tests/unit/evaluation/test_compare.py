"""Comparison beside tuned baselines, and the pages."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from shortlist import split
from shortlist.data import Requests
from shortlist.errors import ArgumentError
from shortlist.evaluation import Baseline, Budget, Comparison, baseline_spaces, compare, evaluate
from shortlist.evaluation._spaces import trials_of
from shortlist.io import Dataset, concat
from shortlist.pipeline import Drop, Pipeline, Popular, Repeats, State, Take
from shortlist.train import Epoch, FitReport

DAY_US = 86_400_000_000


class Window:
    """Popular items, how many of them is the setting."""

    asked: ClassVar[list[dict[str, Any]]] = []

    @classmethod
    def make(cls, seen: Any, k: int, settings: Any) -> Popular:
        cls.asked.append(dict(settings))
        return Popular(k, window=settings["window"])


@pytest.fixture
def parts(make_log: Callable[..., Dataset]) -> split.Split:
    """Item 1 was the fashion for long, item 2 is the fashion since."""
    rows = [(f"u{n % 9}", 1, n * DAY_US // 4) for n in range(80)]
    rows += [(f"u{n % 9}", 2 + n % 2, (20 + n) * DAY_US) for n in range(20)]
    return split.by_time(make_log(rows), valid="6d", test="6d")


@pytest.fixture
def known(parts: split.Split) -> State:
    assert parts.valid is not None
    return State(concat([parts.train, parts.valid]))


def test_baselines_are_tuned_on_the_validation_part(parts: split.Split, known: State) -> None:
    Window.asked = []
    space = {"windowed": Baseline(Window.make, {"window": (None, "1d", "7d")})}
    pipe = Pipeline([Repeats(5), Take(1)], state=known)
    found = compare({"mine": pipe}, parts, metrics=("recall@1",), budget=Budget(5, space))
    assert [settings["window"] for settings in Window.asked[:-1]] == [None, "1d", "7d"]
    tuned = found.tuned["windowed"]
    scores = {settings["window"]: score for settings, score in tuned.trials}
    assert scores["7d"] > scores[None]
    assert Window.asked[-1] == tuned.settings == {"window": max(scores, key=lambda name: scores[name])}
    # Measured with those settings, on the state that knows the validation part too.
    expected = evaluate(
        Pipeline([Popular(3, window=tuned.settings["window"]), Take(1)], state=known),
        parts.test,
        metrics=("recall@1",),
        baselines=False,
    )
    assert found.of("windowed", "recall@1") == expected.of("pipeline", "recall@1")
    assert "best of 3, validation recall@1" in str(found)
    assert "GTS/full/nofilter" in str(found)


def test_no_validation_no_tuning(make_log: Callable[..., Dataset], known: State, parts: split.Split) -> None:
    Window.asked = []
    space = {"windowed": Baseline(Window.make, {"window": (None, "1d", "7d")})}
    pipe = Pipeline([Repeats(5)], state=known)
    lone = split.Split(parts.train, None, parts.test, "by hand", (), parts.report)
    for made, budget in ((lone, Budget(5, space)), (parts, Budget(1, space))):
        found = compare({"mine": pipe}, made, metrics=("recall@1",), budget=budget)
        assert found.tuned["windowed"].trials == ()
        assert "window=None (not tuned)" in str(found)
    nothing = make_log([("u1", 1, 5, -1.0)])
    empty = split.Split(parts.train, nothing, parts.test, "by hand", (), parts.report)
    assert compare({"mine": pipe}, empty, metrics=("recall@1",), budget=Budget(2, space)).trials == 2


def test_runs_have_a_deviation_and_differences_a_mark(known: State, parts: split.Split) -> None:
    runs = [Pipeline([Popular(3, window=window), Take(1)], state=known) for window in (None, "1d", "7d")]
    found = compare(
        {"good": Pipeline([Popular(3, window="7d"), Take(3)], state=known), "runs": runs},
        parts,
        metrics=("recall@3", "ndcg@1"),
        budget=Budget(1, {"popular": baseline_spaces(3, drop_seen=False)["popular"]}),
    )
    each = [found.evaluation.of(f"runs {run}", "ndcg@1") for run in (1, 2, 3)]
    assert found.of("runs", "ndcg@1") == pytest.approx(np.mean(each))
    assert found.deviation("runs", "ndcg@1") == pytest.approx(np.std(each, ddof=1))
    assert np.isnan(found.deviation("good", "ndcg@1"))
    p = found.p_values("ndcg@1")
    assert p.keys() == {"runs", "popular"}
    row = next(row for row in found.table().rows if row[0] == "popular")
    assert str(row[2]).endswith(" **" if p["popular"] < 0.01 else " *" if p["popular"] < 0.05 else "0000")
    for call in (found.of, found.deviation):
        with pytest.raises(ArgumentError, match="Comparison: expected"):
            call("nobody", "ndcg@1")
    with pytest.raises(ArgumentError, match="a metric that was asked for"):
        found.of("good", "ndcg@9")


def test_the_first_comes_first_and_names_are_free(known: State, parts: split.Split) -> None:
    pipe = Pipeline([Popular(3)], state=known)
    with pytest.raises(ArgumentError, match="a recommender named 'EASE'"):
        compare({"EASE": pipe}, parts)
    with pytest.raises(ArgumentError, match="at least one, with a state"):
        compare({}, parts)
    with pytest.raises(ArgumentError, match=r"Budget\.trials: expected an integer >= 1; received 0"):
        Budget(0)
    with pytest.raises(ArgumentError, match="at least the default"):
        Baseline(Window.make, {"window": ()})


def test_every_baseline_learns_and_serves(known: State, parts: split.Split) -> None:
    names = ("popular", "item-kNN", "EASE", "iALS")
    for seen, expected in (("drop", names), ("keep", (*names, "own repeats"))):
        pipe = Pipeline([Popular(3), Drop(seen=True)], state=known)
        found = compare({"mine": pipe}, parts, metrics=("recall@2",), seen=seen, budget=Budget(2))  # type: ignore[arg-type]
        assert tuple(found.members) == ("mine", *expected)
        assert all(len(tuned.trials) == 2 for tuned in found.tuned.values())
    assert "EASE" not in baseline_spaces(10**6, drop_seen=True)


def test_trials_are_distinct_and_begin_with_the_defaults() -> None:
    space = Baseline(Window.make, {"a": (1, 2, 3), "b": (1, 2)})
    drawn = trials_of(space, 4, np.random.default_rng(0))
    assert len(drawn) == len({tuple(one.items()) for one in drawn}) == 4
    assert drawn[0] == {"a": 1, "b": 1}
    assert drawn != trials_of(space, 4, np.random.default_rng(1))
    assert len(trials_of(space, 99, np.random.default_rng(0))) == 6


def stands_alone(page: str) -> bool:
    return page.startswith("<!doctype html>") and not re.search(r"<script|https?://|src=", page)


def test_the_page_of_a_comparison(known: State, parts: split.Split, tmp_path: Path) -> None:
    pipe = Pipeline([Popular(3)], state=known)
    found: Comparison = compare({"a < b": pipe}, parts, metrics=("recall@2",), budget=Budget(2))
    page = found.report(tmp_path / "page.html", title="T & U").read_text()
    assert stands_alone(page)
    assert "<h1>T &amp; U</h1>" in page
    assert page.count("a &lt; b") >= 2
    assert "Settings tried" in page
    assert "a < b" not in page


def test_the_page_of_an_evaluation(known: State, parts: split.Split, tmp_path: Path) -> None:
    pipe = Pipeline([Repeats(3), Take(3)], state=known)
    found = evaluate({"mine": pipe}, parts.test, split=parts, metrics=("ndcg@3", "recall@3"))
    fit = FitReport(
        (Epoch(1, 5, 0.5, 0.1, 0.01, 10, 1.0), Epoch(2, 9, 0.4, 0.2, 0.01, 10, 1.0)),
        "ndcg@10",
        "p",
        2,
        "done",
    )
    page = found.report(tmp_path / "page.html", fit=fit, by=("weekday",), category="item").read_text()
    assert stands_alone(page)
    for part in ("Quality", "By cut", "By popularity", "Slices", "Beyond accuracy", "Training", "Some users"):
        assert f"<h2>{part}</h2>" in page
    assert page.index("GTS/full/nofilter") < page.index("<h2>")
    assert "by weekday" in page
    assert "diversity" in page
    assert page.count("<h3>user u") == 6
    assert "class=hit" in page
    lists = pipe.run(Requests(["u1"], k=3)).matrix(3)[0]
    plain = found.report(tmp_path / "page.html", users=["u1"]).read_text()
    assert "Training" not in plain
    assert plain.count("<h3>user u1</h3>") == 1
    assert all(f"{known.items.take(lists[lists >= 0])[0]}" in plain for _ in lists)
    with pytest.raises(ArgumentError, match=r"report\(users\).*'nobody'"):
        found.report(tmp_path / "page.html", users=["nobody"])
    with pytest.raises(ArgumentError, match=r"report\(name\).*an item column"):
        found.report(tmp_path / "page.html", name="nothing")
    with pytest.raises(ArgumentError, match=r"report\(model\)"):
        found.report(tmp_path / "page.html", model="nobody")
    with pytest.raises(ArgumentError, match="report: expected one of title"):
        found.report(tmp_path / "page.html", titel="x")
