"""Rows of clicks: 13 numbers and 26 columns of codes."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from shortlist.rng import generator
from shortlist.schema import Column, Domain, Schema

DIM, HIDDEN, BOTTOM, CROSSES = 16, (256, 128), (64,), 3
NUMBERS, CODES, ROWS = 13, 26, 2_600_000
QUERY_NUMBERS, QUERY_CODES = 6, 13


@dataclass(frozen=True)
class Clicks:
    """Attributes: schema; columns by name, ``[N]`` each; labels ``[N]``."""

    schema: Schema
    columns: dict[str, Tensor]
    labels: Tensor

    def take(self, rows: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        """Columns and labels of some rows."""
        return {name: column[rows] for name, column in self.columns.items()}, self.labels[rows]


def schema_of(table_rows: int) -> Schema:
    """The first half of the columns are the user's, the others the item's."""
    numbers = [
        Column(f"n{place}", "float32", ("user" if place < QUERY_NUMBERS else "item", "continuous"))
        for place in range(NUMBERS)
    ]
    codes = [
        Column(
            f"c{place}",
            "int64",
            ("user" if place < QUERY_CODES else "item", "categorical"),
            domain=Domain(f"c{place}", table_rows),
        )
        for place in range(CODES)
    ]
    return Schema([*numbers, *codes, Column("click", "float32", ("target", "binary"))])


def make_clicks(count: int, table_rows: int, seed: int = 0) -> Clicks:
    """Codes whose chance falls as 1 / rank, and clicks that two of them and a number decide in part."""
    rng = generator(seed, "clicks")
    numbers = rng.normal(size=(count, NUMBERS)).astype(np.float32)
    ranks = np.exp(rng.random((count, CODES)) * np.log(table_rows)).astype(np.int64)
    codes = np.minimum(ranks, table_rows - 1)
    odds = numbers[:, 0] + (codes[:, 0] % 2) * (1 - 2 * (codes[:, 20] % 2))
    labels = (rng.random(count) < 1 / (1 + np.exp(-odds))).astype(np.float32)
    columns = {f"n{place}": torch.from_numpy(numbers[:, place].copy()) for place in range(NUMBERS)}
    columns |= {f"c{place}": torch.from_numpy(codes[:, place].copy()) for place in range(CODES)}
    return Clicks(schema_of(table_rows), columns, torch.from_numpy(labels))
