"""What the training log says: its items with their features, their counts, and who has what."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from shortlist.data import Batch
from shortlist.errors import SchemaError
from shortlist.loader import Loader, Table
from shortlist.samplers import Population
from shortlist.schema import FIRST_UNKNOWN, Column, Schema, Tags

__all__ = ["Catalogue", "user_column"]

Codes = npt.NDArray[np.int64]


def user_column(schema: Schema) -> Column | None:
    """The encoded user id, if there is one."""
    ids = [
        column
        for column in schema.tagged(Tags.USER, Tags.ID)
        if not column.is_list and column.domain is not None and column.domain.size is not None
    ]
    return ids[0] if len(ids) == 1 else None


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The items of a training log and its counts.

    Attributes:
        items: the item columns, as in the last row of each item.
        codes: int64, item code of each row of ``items``, ascending.
        row_of: int64 [V], the row of each item code, -1 for none.
        population: counts, drawable items and known positives, as samplers read them.
    """

    items: Table
    codes: Codes
    row_of: Codes
    population: Population

    @classmethod
    def of(cls, loader: Loader, item_schema: Schema, user: Column | None) -> "Catalogue":
        """Read the loader's data once, in its own order."""
        item = item_schema.item
        users: list[npt.NDArray[Any]] = []
        items: list[npt.NDArray[Any]] = []
        latest: Table | None = None
        for table in loader.tables():
            codes = table[item.name]
            items.append(codes)
            users.append(np.zeros(len(codes), np.int32) if user is None else table[user.name])
            own = table.select(item_schema.names).take(_last_rows(codes))
            both = own if latest is None else Table.concat([latest, own])
            latest = both.take(_last_rows(both[item.name]))
        assert latest is not None
        found = latest[item.name].astype(np.int64)
        row_of = np.full(_size(item), -1, dtype=np.int64)
        row_of[found] = np.arange(len(found))
        # Null and unknown are no items that could be recommended, unless there is nothing else.
        drawable = found[found > FIRST_UNKNOWN] if (found > FIRST_UNKNOWN).any() else found
        population = Population.from_log(
            np.concatenate(users),
            np.concatenate(items),
            users_total=FIRST_UNKNOWN + 1 if user is None else _size(user),
            items_total=_size(item),
            catalogue=drawable,
        )
        return cls(latest, drawable, row_of, _without_strangers(population))

    def batch(self, codes: Codes, device: torch.device | str = "cpu") -> Batch:
        """The item columns of these codes, as tensors."""
        return self.items.take(self.row_of[codes]).batch(device)


def _last_rows(codes: npt.NDArray[Any]) -> Codes:
    """The last row of each code, by code ascending."""
    _, from_the_end = np.unique(codes[::-1], return_index=True)
    return len(codes) - 1 - from_the_end


def _size(column: Column) -> int:
    if column.domain is None or column.domain.size is None:
        raise SchemaError(f"column {column.name!r}", expected="a column of codes with the size of its domain")
    return column.domain.size


def _without_strangers(population: Population) -> Population:
    """Null and unknown users are many people: what one of them liked says nothing of another."""
    cut = min(FIRST_UNKNOWN + 1, len(population.known_starts) - 1)
    first = int(population.known_starts[cut])
    return replace(
        population,
        known_starts=np.maximum(population.known_starts - first, 0),
        known_items=population.known_items[first:],
    )
