"""Which row of yesterday's embedding table is a row of today's."""

from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from shortlist.errors import SchemaError
from shortlist.features import Workflow

__all__ = ["CodeMap", "code_maps"]

Codes = npt.NDArray[np.int64]


@dataclass(frozen=True)
class CodeMap:
    """The codes of one domain before and after.

    Attributes:
        old: ``[V]`` for each new code its old one, -1 for a value that had none.
        first: first new code of a value; those below it are padding, null and unknown.
        size: number of old codes.
    """

    old: Codes
    first: int
    size: int


def code_maps(flow: Workflow, old_flow: Workflow) -> dict[str, CodeMap]:
    """Domain -> its map, by value, for the domains that both workflows have a vocabulary of."""
    before, now = _vocabularies(old_flow), _vocabularies(flow)
    return {domain: _by_value(now[domain], before[domain]) for domain in now if domain in before}


def _vocabularies(flow: Workflow) -> dict[str, tuple[pl.DataFrame, int]]:
    """Domain -> codes and values, and the first code of a value."""
    found: dict[str, tuple[pl.DataFrame, int]] = {}
    for column in flow.schema:
        domain = column.domain
        if domain is None or domain.size is None or domain.name in found:
            continue
        # A domain may have codes by a rule instead of a vocabulary: those are the same every day.
        with suppress(SchemaError):
            values = flow.vocabulary(column.name)
            found[domain.name] = (values, domain.size - values.height)
    return found


def _by_value(new: tuple[pl.DataFrame, int], old: tuple[pl.DataFrame, int]) -> CodeMap:
    (values, first), (old_values, old_first) = new, old
    codes = np.full(first + values.height, -1, dtype=np.int64)
    keys = [name for name in values.columns if name not in ("code", "count") and name in old_values.columns]
    cast = [pl.col(key).cast(values.schema[key], strict=False) for key in keys]
    before = old_values.select(pl.col("code").alias("before"), *cast)
    both = values.select("code", *keys).join(before, on=keys)
    codes[both["code"].to_numpy()] = both["before"].to_numpy()
    # Padding and null are 0 and 1; unknown values may have had another number of buckets.
    codes[:first] = np.minimum(np.arange(first), old_first - 1)
    return CodeMap(codes, first, old_first + old_values.height)
