"""All compiled loops: only `shortlist.features._compiled` imports this, where Numba is installed."""

from shortlist.features import _cell_loops, _key_loops

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
    "take_numbers",
]

add_by_cell = _cell_loops.add_by_cell
count_by_cell = _cell_loops.count_by_cell
mix_all = _cell_loops.mix_all
mix_in = _cell_loops.mix_in
moments = _cell_loops.moments
sum_by_cell = _cell_loops.sum_by_cell
take = _cell_loops.take
take_numbers = _cell_loops.take_numbers
find_integers = _key_loops.find_integers
find_texts = _key_loops.find_texts
number_integers = _key_loops.number_integers
number_texts = _key_loops.number_texts
place_integers = _key_loops.place_integers
place_texts = _key_loops.place_texts
