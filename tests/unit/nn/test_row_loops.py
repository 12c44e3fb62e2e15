"""Compiled steps on rows give what torch gives, and are taken where they pay."""

import os

import numpy as np
import pytest
import torch

from shortlist.nn import EmbeddingTables, RowWiseAdagrad, RowWiseAdam
from shortlist.nn import _row_steps as steps

OPTIMIZERS = pytest.mark.parametrize("kind", [RowWiseAdagrad, RowWiseAdam])


def _trained(
    kind: type, monkeypatch: pytest.MonkeyPatch, *, least: int, **options: float
) -> list[torch.Tensor]:
    monkeypatch.setattr(steps, "_LEAST", least)
    tables = EmbeddingTables({"user": 40, "item": 60}, dim=5, seed=1, init_std=0.5)
    optimizer = kind(tables, lr=0.1, **options)
    chance = torch.Generator().manual_seed(0)
    for _ in range(12):
        codes = torch.randint(0, 40, (64, 2), generator=chance)
        vectors = tables.lookup_many(["user", "item"], codes)
        (vectors.square() * torch.arange(1.0, 6.0)).sum().backward()
        optimizer.step()
    return [tables.weight.detach(), *optimizer.state[tables.weight].values()]


@OPTIMIZERS
@pytest.mark.parametrize("options", [{}, {"l2": 0.3}, {"clip": 0.5, "l2": 0.3}])
def test_loops_step_as_torch_does(kind, options, monkeypatch) -> None:
    looped = _trained(kind, monkeypatch, least=0, **options)
    plain = _trained(kind, monkeypatch, least=1 << 40, **options)
    for one, other in zip(looped, plain, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)


def test_rows_beyond_the_known_corrections_compute_them(monkeypatch) -> None:
    monkeypatch.setattr(steps, "_MOST_BIASES", 3)
    steps.first_biases.cache_clear()
    looped = _trained(RowWiseAdam, monkeypatch, least=0)
    monkeypatch.undo()
    steps.first_biases.cache_clear()
    torch.testing.assert_close(looped[0], _trained(RowWiseAdam, monkeypatch, least=0)[0])


def test_corrections_reach_to_the_last_digit() -> None:
    known = steps.first_biases(0.9)
    assert known[2] == pytest.approx(1 - 0.9 * 0.9)
    assert np.float32(known[-1]) == 1.0
    assert len(steps.first_biases(0.0)) == 3


def test_small_and_other_tables_are_left_to_torch(monkeypatch) -> None:
    few, double = torch.zeros(9, 2), torch.zeros(1 << 20, 2, dtype=torch.float64)
    assert steps.row_loops(few) is steps.row_loops(double) is None
    assert steps.row_loops(torch.zeros(1 << 20, 2)) is not None
    monkeypatch.setitem(os.environ, "NUMBA_DISABLE_JIT", "1")
    steps._has_numba.cache_clear()
    assert steps.row_loops(torch.zeros(1 << 20, 2)) is None
    monkeypatch.undo()
    steps._has_numba.cache_clear()
