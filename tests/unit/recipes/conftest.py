"""Logs of few events that ask for special care."""

from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from shortlist.recipes import FitRecipe

START, DAY = 1_700_000_000, 86_400


@pytest.fixture
def quick() -> FitRecipe:
    return FitRecipe(epochs=1, dim=8, k=20, history=5)


@pytest.fixture
def once() -> pl.DataFrame:
    """Sixty users take sixty items, each once: nothing that is taken later is known before."""
    return pl.DataFrame({"user": range(60), "item": range(60), "time": [START + n * DAY for n in range(60)]})


@pytest.fixture
def again() -> pl.DataFrame:
    """Twenty users take each one item of five, over and over."""
    rows = [(f"u{user}", f"i{user % 5}", START + day * DAY) for user in range(20) for day in range(0, 60, 2)]
    return pl.DataFrame(rows, schema=["user", "item", "time"], orient="row")


@pytest.fixture
def untouched(tmp_path: Any) -> Callable[[], bool]:
    """Whether nothing was left in the temporary folder."""
    return lambda: not list(tmp_path.iterdir())
