import os
import threading

import numpy as np
import pytest

from shortlist.errors import ArgumentError
from shortlist.models.classical._threads import cores, spread


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("rows", [0, 1, 3, 1000])
def test_pieces_cover_all_rows_once(rows: int, threads: int) -> None:
    work = np.random.default_rng(0).integers(0, 50, rows)
    seen, lock = np.zeros(rows, dtype=int), threading.Lock()

    def call(first: int, last: int) -> None:
        with lock:
            seen[first:last] += 1

    spread(call, work, threads)
    assert (seen == 1).all()


def test_an_error_of_a_piece_is_raised() -> None:
    def call(first: int, last: int) -> None:
        raise KeyError(first)

    for threads in (1, 2):
        with pytest.raises(KeyError):
            spread(call, np.ones(10), threads)


def test_threads_are_all_cores_or_what_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    own = cores("fit", None)
    assert 1 <= own <= (os.cpu_count() or 1)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert cores("fit", None) == 1
    assert cores("fit", 7) == 7
    with pytest.raises(ArgumentError, match=r"fit.threads: expected a number >= 1, or None for all"):
        cores("fit", 0)
