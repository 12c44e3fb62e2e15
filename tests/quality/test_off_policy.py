"""Open Bandit, small: what the random policy's log says of Thompson sampling, and what that earned itself.

Needs the folder of obp's ``obd`` (``random`` and ``bts`` with a campaign each): ``pytest -m own_data`` with
``SHORTLIST_OPEN_BANDIT``. The policy to judge is how often its log shows each item at each position. Run with
``-rP`` to see the figures.
"""

import os
from pathlib import Path

import polars as pl
import pytest

import shortlist as sl

pytestmark = pytest.mark.own_data


@pytest.mark.parametrize("campaign", ["all", "men", "women"])
def test_what_the_other_policy_earned_is_inside_the_intervals(campaign: str) -> None:
    root = Path(os.environ["SHORTLIST_OPEN_BANDIT"])
    chance, wanted = (
        pl.read_csv(root / policy / campaign / f"{campaign}.csv") for policy in ("random", "bts")
    )
    shares = wanted.group_by("item_id", "position").len()
    shares = shares.with_columns(target=pl.col("len") / pl.col("len").sum().over("position"))
    mean = float(chance["click"].to_numpy().mean())
    rates = chance.group_by("item_id").agg(rate=(pl.col("click").sum() + 1) / (pl.len() + 1 / mean))
    known = shares.join(rates, on="item_id", how="left").with_columns(pl.col("rate").fill_null(mean))
    expected = known.group_by("position").agg(expected=(pl.col("target") * pl.col("rate")).sum())
    rows = chance
    for table, on in ((shares, ["item_id", "position"]), (rates, ["item_id"]), (expected, ["position"])):
        rows = rows.join(table.drop("len", strict=False), on=on, how="left", maintain_order="left")
    rows = rows.with_columns(pl.col("target").fill_null(0.0))
    clicks, target, logged, rate, value = (
        rows[name].to_numpy().astype(float)
        for name in ("click", "target", "propensity_score", "rate", "expected")
    )
    found = sl.off_policy(clicks, target, logged, predicted=rate, expected=value)
    earned = float(wanted["click"].to_numpy().mean())
    print(campaign, "earned", earned)
    print(found)
    for name, _, low, high, _ in found.rows[1:]:
        assert low < earned < high, name
