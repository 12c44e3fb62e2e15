"""MovieLens 100k, from the three files in the format of RecBole."""

from pathlib import Path

import polars as pl

from shortlist.errors import DataError
from shortlist.io import Dataset, Signals, scan
from shortlist.schema import Tags

__all__ = ["movielens_100k"]


def movielens_100k(folder: Path | str, *, signals: Signals | None = None) -> Dataset:
    """The 100,000 ratings of MovieLens with what is known of users and movies beside each.

    The set may not be redistributed; it is read from a folder of the user's with ``ml-100k.inter``,
    ``ml-100k.user`` and ``ml-100k.item`` (tab-separated, with a header like ``user_id:token``).

    Args:
        folder: the folder.
        signals: what ratings mean: None takes all as positives, `Signals(min_value=4)` the good ones.

    Raises:
        DataError: one of the files is not there.
    """
    inter, user, item = (_table(Path(folder) / f"ml-100k.{kind}") for kind in ("inter", "user", "item"))
    item = item.with_columns(
        pl.col("class").str.split(" "), pl.col("release_year").cast(pl.Int64, strict=False)
    )
    roles = {"user": "user_id", "item": "item_id", "time": "timestamp", "value": "rating"}
    events = scan(inter, roles=roles, signals=signals, name="MovieLens 100k")
    users = scan(user, roles={"user": "user_id"}).tag("age", Tags.USER, Tags.CONTINUOUS)
    items = scan(item, roles={"item": "item_id"}).tag("movie_title", Tags.ITEM, Tags.TEXT, "name")
    return events.join_tables(items, users.tag("zip_code", Tags.USER, Tags.CATEGORICAL))


def _table(path: Path) -> pl.DataFrame:
    if not path.is_file():
        raise DataError(
            str(path),
            received="no such file",
            expected="ml-100k.inter, ml-100k.user and ml-100k.item in one folder",
            remedy="take them from the package recbole (recbole/dataset_example/ml-100k)",
        )
    types = {"float": pl.Float64, "token": pl.String, "token_seq": pl.String}
    header = pl.read_csv(path, separator="\t", n_rows=0, quote_char=None).columns
    kinds = {name: types[name.split(":")[1]] for name in header}
    table = pl.read_csv(path, separator="\t", quote_char=None, schema_overrides=kinds)
    table = table.rename({name: name.split(":")[0] for name in header})
    whole = [name for name in ("user_id", "item_id", "timestamp", "age") if name in table.columns]
    return table.with_columns(pl.col(whole).cast(pl.Int64))
