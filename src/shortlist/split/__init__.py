"""Splits: by time, which is honest, and two within users, which are known from publications."""

from shortlist.split._by_time import by_time
from shortlist.split._by_user import by_user_random, last_out
from shortlist.split._examples import examples_per_user
from shortlist.split._leaks import LeakReport
from shortlist.split._split import Split

__all__ = ["LeakReport", "Split", "by_time", "by_user_random", "examples_per_user", "last_out"]
