"""Tuning: the best values of a declared space by some number of trials."""

from collections.abc import Callable, Mapping
from typing import Literal

from shortlist.errors import ArgumentError
from shortlist.recipes._space import Range, check_space, check_values
from shortlist.recipes._study import Study
from shortlist.recipes._trial import Trial
from shortlist.recipes._tune_options import TuneOptions
from shortlist.recipes._tuning import Tuning

__all__ = ["tune"]


def tune(
    score: Callable[[Trial], float],
    space: Mapping[str, Range],
    *,
    trials: int = 50,
    seed: int = 0,
    direction: Literal["maximize", "minimize"] = "maximize",
    options: TuneOptions | None = None,
) -> Tuning:
    """Find the values of a space that make a score best.

    The score is any function: a fit and an evaluation on validation data, of a classical learner as of a
    network. Learners that are to be compared get the same number of trials. A function that reports after
    each epoch (`Trial.after_epoch` is a callback of `FitOptions`) can be told to stop early.

    The search is a function of space, seed, options and scores: each trial has a seed of its own, so one
    that was killed and goes on from its folder tries the same values. A trial that was under way when it was
    killed is run anew. Needs the extra ``tune``.

    Args:
        score: takes the values as a mapping and returns the score.
        space: `Floats`, `Integers` or `Choice` of each name.
        trials: number of them, counting those in the folder, pruned, failed and repeated ones.
        seed: of the search; give the score's own seeds in its own code.
        direction: whether the score is to be high or low.
        options: how to search; None is ``TuneOptions()``.

    Returns:
        All trials, the best values, and plots of the search.

    Raises:
        ArgumentError: the space or an option is wrong, or no trial has a score.
        CheckpointError: the folder holds a search of another space, seed or direction.
        MissingExtraError: Optuna is not installed.

    >>> from shortlist.recipes import Floats
    >>> tuning = tune(lambda trial: -((trial["x"] - 2) ** 2), {"x": Floats(0, 5)}, trials=30)
    >>> abs(tuning.best_values["x"] - 2) < 0.3
    True
    """
    chosen = TuneOptions() if options is None else options
    check_space(space)
    for values in chosen.first:
        check_values("TuneOptions.first", values, space)
    if trials < 1:
        raise ArgumentError("tune.trials", received=trials, expected="an integer >= 1")
    if direction not in ("maximize", "minimize"):
        raise ArgumentError("tune.direction", received=direction, expected='"maximize" or "minimize"')
    study = Study(space, chosen, seed=seed, direction=direction)
    study.run(score, trials)
    return study.tuning()
