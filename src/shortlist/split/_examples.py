"""As many training examples of every user."""

import numpy as np
import polars as pl

from shortlist.errors import ArgumentError
from shortlist.io import Dataset
from shortlist.rng import generator

__all__ = ["examples_per_user"]


def examples_per_user(events: Dataset, n: int, *, seed: int = 0) -> Dataset:
    """At most n events of each user, drawn at random, so that no few very active users decide the loss.

    What is left out is no example any more, but it still belongs to the log: draw after the histories are
    made of all of it, with ``examples_per_user(flow.transform(train), 50)``. The events are held in memory.

    Args:
        events: a log, raw or transformed.
        n: events of a user that are kept; users with fewer keep all.
        seed: of the draw.

    Raises:
        ArgumentError: ``n`` is below 1.

    Source: Covington, Adams, Sargin, "Deep neural networks for YouTube recommendations", RecSys 2016.

    >>> from shortlist.io import scan
    >>> log = scan(pl.DataFrame({"u": [1, 1, 1, 2], "i": [1, 2, 3, 4]}), roles={"user": "u", "item": "i"})
    >>> examples_per_user(log, 2).collect()["u"].to_list()
    [1, 1, 2]
    """
    if n < 1:
        raise ArgumentError("split.examples_per_user(n)", received=n, expected="an integer >= 1")
    frame = events.collect()
    keys = pl.Series("__key", generator(seed, "examples_per_user").random(frame.height))
    ranked = frame.select(events.schema.user.name).with_columns(keys)
    place = (
        ranked.select(pl.col("__key").rank("ordinal").over(events.schema.user.name)).to_series().to_numpy()
    )
    return Dataset.of(frame.filter(pl.Series(np.asarray(place) <= n)), events.schema)
