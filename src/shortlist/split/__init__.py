"""Splits: by time, which is honest; within users, known from publications; of whole users or items."""

from shortlist.split._by_time import by_time
from shortlist.split._by_user import by_user_random, by_user_time, last_out, stratified
from shortlist.split._examples import examples_per_user
from shortlist.split._held_out import cold_items, strong_generalisation
from shortlist.split._leaks import LeakReport
from shortlist.split._split import Split

__all__ = [
    "LeakReport",
    "Split",
    "by_time",
    "by_user_random",
    "by_user_time",
    "cold_items",
    "examples_per_user",
    "last_out",
    "stratified",
    "strong_generalisation",
]
