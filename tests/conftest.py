"""What all tests share: one thread for torch, and one small run of the standard recipe."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest


def pytest_runtest_setup() -> None:
    """Tests are small: threads cost them more than they bring. Torch is not loaded for those without it."""
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(1)


@dataclass(frozen=True)
class Shop:
    """A planted log, and what the recipe made of it.

    Attributes:
        data: the planted log, users and truth.
        items: the planted items, and one more, ``"novel"``, that no event mentions.
        options: of the recipe.
        fitted: what the recipe gave.
        bundle: its folder.
        live: the torch pipeline that was saved, over everything before the test window.
        said: what the recipe told.
    """

    data: Any
    items: Any
    options: Any
    fitted: Any
    bundle: Path
    live: Any
    said: tuple[str, ...]


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    import polars as pl
    import torch

    from shortlist.datasets import planted
    from shortlist.io import Dataset
    from shortlist.recipes import FitRecipe, _fit, fit

    torch.set_num_threads(1)
    data = planted(users=60, items=40, groups=4, events=2000, days=60, seed=1)
    novel = pl.DataFrame({"item_id": ["novel"], "category": ["g0"], "price": [5.0]})
    rows = data.items.collect()
    items = Dataset.of(pl.concat([rows, novel.cast(rows.schema)]), data.items.schema)
    options = FitRecipe(test="7d", epochs=1, dim=8, k=20, history=10)
    said: list[str] = []
    saved: list[Any] = []

    def save(pipe: Any, *args: Any, **kwargs: Any) -> Path:
        saved.append(pipe)
        return kept(pipe, *args, **kwargs)

    kept = _fit.save
    out = tmp_path_factory.mktemp("shop") / "bundle"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_fit, "save", save)
        fitted = fit(data.events, items=items, users=data.users, out=out, options=options, log=said.append)
    return Shop(data, items, options, fitted, out, saved[0], tuple(said))
