"""All compiled loops: only `shortlist.features._compiled` imports this, where Numba is installed."""

from shortlist.features._cell_loops import (
    add_by_cell,
    count_by_cell,
    mix_all,
    mix_in,
    moments,
    sum_by_cell,
    take,
)
from shortlist.features._key_loops import (
    find_integers,
    find_texts,
    number_integers,
    number_texts,
    place_integers,
    place_texts,
)

__all__ = [
    "add_by_cell",
    "count_by_cell",
    "find_integers",
    "find_texts",
    "mix_all",
    "mix_in",
    "moments",
    "number_integers",
    "number_texts",
    "place_integers",
    "place_texts",
    "sum_by_cell",
    "take",
]
