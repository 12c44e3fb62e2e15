"""How the rows of a data set are laid out in Parquet files."""

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

from shortlist.errors import ArgumentError, near

__all__ = ["Compression", "Layout", "PartFile"]

Compression: TypeAlias = Literal["snappy", "zstd", "lz4", "gzip", "brotli", "uncompressed"]


@dataclass(frozen=True, slots=True)
class Layout:
    """How the rows of a data set are laid out in Parquet files.

    Attributes:
        partition_by: columns whose values name the folders (``day=2024-01-01/``); the files do not hold them.
            Whole numbers, text, bools and times can name a folder.
        compression: snappy is quick; zstd makes files a sixth to a quarter smaller at one and a half to twice
            the processor time.
        row_group_rows: largest number of rows of a row group, the least that a reader reads at once.

    Raises:
        ArgumentError: a value is wrong.

    >>> Layout(partition_by=("day",)).compression
    'snappy'
    """

    partition_by: tuple[str, ...] = ()
    compression: Compression = "snappy"
    row_group_rows: int = 128_000

    def __post_init__(self) -> None:
        if isinstance(self.partition_by, str) or len(set(self.partition_by)) < len(self.partition_by):
            raise ArgumentError(
                "Layout.partition_by", received=self.partition_by, expected="a tuple of different columns"
            )
        for name in self.partition_by:
            if not name or name.startswith(".") or set(name) & set("/=%\\"):
                raise ArgumentError(
                    "Layout.partition_by",
                    received=name,
                    expected="names that can begin the name of a folder: without / = % \\ and a leading dot",
                    remedy="rename the column",
                )
        known = get_args(Compression)
        if self.compression not in known:
            raise ArgumentError(
                "Layout.compression",
                received=self.compression,
                expected="a known compression",
                remedy=near(str(self.compression), known),
            )
        if self.row_group_rows < 1:
            raise ArgumentError(
                "Layout.row_group_rows", received=self.row_group_rows, expected="an integer >= 1"
            )


@dataclass(frozen=True, slots=True)
class PartFile:
    """A file that holds rows of a partition.

    Attributes:
        name: its path below the folder of the data set, with ``/``.
        rows: number of rows.
        bytes: size.
        crc32: checksum of the bytes, in hexadecimal.
    """

    name: str
    rows: int
    bytes: int
    crc32: str

    def facts(self) -> dict[str, Any]:
        """What the manifest says of the file."""
        return {"bytes": self.bytes, "crc32": self.crc32, "rows": self.rows}
