import polars as pl
import pytest
import torch

from shortlist.rng import generator
from shortlist.schema import LIST, Column, Domain, Schema

USERS, ITEMS, FIRST = 80, 40, 3


@pytest.fixture(autouse=True)
def one_thread():
    """Tiny steps on several threads take many times longer when another process uses the processor."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def schema():
    return Schema(
        [
            Column("user", "int64", ("user", "id", "categorical"), domain=Domain("user", FIRST + USERS)),
            Column("history", "int64", ("user", "sequence"), LIST, Domain("item", FIRST + ITEMS)),
            Column("item", "int64", ("item", "id", "categorical"), domain=Domain("item", FIRST + ITEMS)),
            Column("price", "float32", ("item", "continuous")),
        ]
    )


def planted(rows, seed):
    """Users of an even code take items of an even code, the others the others."""
    rng = generator(seed, "planted")
    user = rng.integers(0, USERS, rows)
    item = 2 * rng.integers(0, ITEMS // 2, rows) + user % 2
    earlier = [FIRST + 2 * rng.integers(0, ITEMS // 2, row % 3) + user[row] % 2 for row in range(rows)]
    return pl.DataFrame(
        {
            "user": user + FIRST,
            "history": pl.Series([row.tolist() for row in earlier], dtype=pl.List(pl.Int64)),
            "item": item + FIRST,
            "price": ((item % 7) / 7).astype("float32"),
        }
    )


@pytest.fixture(scope="session")
def train():
    return planted(1500, seed=0)


@pytest.fixture(scope="session")
def valid():
    return planted(300, seed=1)
