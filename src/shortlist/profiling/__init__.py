"""Profiling: what a table holds, what to beware of in it, and a schema and workflow to begin with."""

from shortlist.profiling._column import ColumnProfile
from shortlist.profiling._curve import Curve
from shortlist.profiling._make import profile
from shortlist.profiling._profile import Profile, write_html
from shortlist.profiling._repeats import Repeats
from shortlist.profiling._subject import Subject
from shortlist.profiling._suspect import Suspect
from shortlist.profiling._times import Timing

__all__ = [
    "ColumnProfile",
    "Curve",
    "Profile",
    "Repeats",
    "Subject",
    "Suspect",
    "Timing",
    "profile",
    "write_html",
]
