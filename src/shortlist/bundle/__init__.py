"""Bundles: everything that serves, in one folder with checksums."""

from shortlist.bundle._reader import Reader
from shortlist.bundle._writer import FORMAT, Writer, refuse_other

__all__ = ["FORMAT", "Reader", "Writer", "refuse_other"]
