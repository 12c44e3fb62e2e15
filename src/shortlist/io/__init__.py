"""Data in and out: reading logs and tables, cleaning them, and writing folders that appear whole."""

from shortlist.io._atomic import atomic_folder, atomic_write
from shortlist.io._concat import concat
from shortlist.io._dataset import Dataset
from shortlist.io._folder import read_parquet, write_parquet
from shortlist.io._handed import given_back, identity, is_same, need_dataset, taken
from shortlist.io._join_as_of import join_as_of
from shortlist.io._layout import Layout, PartFile
from shortlist.io._lock import holding, lock
from shortlist.io._manifest import checksum, read_manifest, write_manifest
from shortlist.io._positives import positive
from shortlist.io._profile_roles import suggest_roles
from shortlist.io._profile_schema import propose_schema
from shortlist.io._profile_source import RawSlice, RawTable, read_raw, tables_of, time_of
from shortlist.io._report import CleanReport
from shortlist.io._roles import guess_roles, roles_of
from shortlist.io._scan import scan
from shortlist.io._signals import Signals
from shortlist.io._sources import Source
from shortlist.io._tables import item_table, moment, user_table
from shortlist.io._versions import Shelf, Version, current, is_shelf, publish, roll_back, shelf_of, use
from shortlist.io._write import finish_parquet, write_part

__all__ = [
    "CleanReport",
    "Dataset",
    "Layout",
    "PartFile",
    "RawSlice",
    "RawTable",
    "Shelf",
    "Signals",
    "Source",
    "Version",
    "atomic_folder",
    "atomic_write",
    "checksum",
    "concat",
    "current",
    "finish_parquet",
    "given_back",
    "guess_roles",
    "holding",
    "identity",
    "is_same",
    "is_shelf",
    "item_table",
    "join_as_of",
    "lock",
    "moment",
    "need_dataset",
    "positive",
    "propose_schema",
    "publish",
    "read_manifest",
    "read_parquet",
    "read_raw",
    "roles_of",
    "roll_back",
    "scan",
    "shelf_of",
    "suggest_roles",
    "tables_of",
    "taken",
    "time_of",
    "use",
    "user_table",
    "write_manifest",
    "write_parquet",
    "write_part",
]
