"""A log at the cardinalities of Ali-CCP, in NumPy alone, so that every contestant can read it."""

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

USER_TABLES = {
    "user_id": 240_000,
    "user_shops": 95_000,
    "user_profile": 98,
    "user_group": 14,
    "user_gender": 3,
    "user_age": 8,
    "user_consumption_1": 4,
    "user_consumption_2": 4,
    "user_geography": 5,
    "user_intentions": 27_500,
    "user_brands": 47_200,
    "user_categories": 4_950,
}
ITEM_TABLES = {
    "item_id": 380_000,
    "item_category": 8_581,
    "item_shop": 74_600,
    "item_brand": 25_700,
    "item_intention": 11_900,
}
DIM, HIDDEN, TEMPERATURE = 64, (128, 64), 0.1
SMALLEST = 3


def largest_mib() -> float:
    """Largest resident memory of this process; that of the resource module is inherited from the parent."""
    status = Path("/proc/self/status")
    if not status.exists():
        return float("nan")
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


@dataclass(frozen=True)
class Log:
    """Rows of (user, item) codes ``[N]``; the other features are columns of the user and item tables."""

    users: np.ndarray
    items: np.ndarray
    user_table: np.ndarray
    item_table: np.ndarray

    def save(self, path: Path) -> None:
        np.savez(path, **asdict(self))

    @classmethod
    def load(cls, path: Path) -> "Log":
        with np.load(path) as found:
            return cls(**found)

    @property
    def shares(self) -> np.ndarray:
        """``[V]``: share of the rows of each item."""
        counts = np.bincount(self.items, minlength=len(self.item_table))
        return (counts / len(self.items)).astype(np.float32)

    def sizes(self) -> list[list[int]]:
        """Rows of each table, of both sides."""
        return [(table.max(0) + 1).tolist() for table in (self.user_table, self.item_table)]

    def batches(self, size: int, count: int, seed: int) -> np.ndarray:
        """``[count, size]`` row numbers."""
        return np.random.default_rng(seed).integers(len(self.users), size=(count, size))

    def touched(self, batch: np.ndarray) -> tuple[int, int]:
        """Distinct table rows of a batch, and distinct items among them."""
        users, items = self.user_table[self.users[batch]], self.item_table[self.items[batch]]
        rows = sum(len(np.unique(column)) for table in (users, items) for column in table.T)
        return rows, len(np.unique(self.items[batch]))


def make_log(rows: int, scale: float, seed: int) -> Log:
    """Ids Zipf over the whole of their range; half of the events fall in the user's own one of 16 groups of
    items. ``scale`` multiplies the vocabularies."""
    rng = np.random.default_rng(seed)
    sizes = [
        [max(int(size * scale), SMALLEST) for size in side.values()] for side in (USER_TABLES, ITEM_TABLES)
    ]
    users, items = (_zipf(rng, side[0], rows) for side in sizes)
    grouped = np.minimum(items - items % 16 + users % 16, sizes[1][0] - 1)
    items = np.where(rng.random(rows) < 0.5, grouped, items)
    tables = []
    for side in sizes:
        columns = [_zipf(rng, size, side[0]) for size in side[1:]]
        for column, size in zip(columns, side[1:], strict=True):
            column[-1] = size - 1  # every table has its size, though nobody has drawn its last row
        tables.append(np.stack([np.arange(side[0]), *columns], 1))
    return Log(users, items, *tables)


def _zipf(rng: np.random.Generator, size: int, count: int) -> np.ndarray:
    """``count`` ranks below ``size`` whose probability falls as 1 / (rank + 1)."""
    shares = np.cumsum(1.0 / np.arange(1, size + 1))
    return np.searchsorted(shares, rng.random(count) * shares[-1]).astype(np.int64)
