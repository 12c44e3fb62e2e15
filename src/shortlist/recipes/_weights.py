"""How much each event counts in training."""

import polars as pl

from shortlist.data import duration_us
from shortlist.io import Dataset, positive
from shortlist.schema import Column

__all__ = ["weighted"]

_MOST_PER_USER = 100.0


def weighted(events: Dataset, half_life: str | None) -> Dataset:
    """The positives with weights that fall with age and let no user count for more than 100 events.

    ``weight * 0.5 ** (age / half_life)``, age to the newest event; then the weights of a user whose sum is
    above 100 are scaled to that sum.
    """
    schema = events.schema
    time, user = pl.col(schema.time.name), schema.user.name
    names = schema.tagged("weight").names
    name = names[0] if names else "event_weight"
    weight = pl.col(name).cast(pl.Float64) if names else pl.lit(1.0)
    span = events.times()
    if half_life is not None and span is not None:
        age = (pl.lit(span[1]) - time.to_physical()).cast(pl.Float64)
        weight *= 0.5 ** (age / duration_us(half_life, where="FitRecipe.half_life"))
    total = pl.col(name).sum().over(user)
    frame = events.filter(positive(schema)).frame().with_columns(weight.alias(name))
    frame = frame.with_columns(
        (pl.col(name) * (_MOST_PER_USER / total).clip(upper_bound=1.0)).cast(pl.Float32)
    )
    return Dataset.of(frame, schema.merge([Column(name, "float32", ("weight",))]))
