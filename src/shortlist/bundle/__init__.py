"""Bundles: everything that serves, in one folder with checksums."""

from shortlist.bundle._reader import Reader
from shortlist.bundle._writer import FORMAT, Writer

__all__ = ["FORMAT", "Reader", "Writer"]
