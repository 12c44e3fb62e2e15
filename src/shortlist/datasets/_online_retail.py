"""Online Retail: a year of invoice lines of a gift shop, returns and dirt included."""

from dataclasses import replace
from pathlib import Path

import polars as pl

from shortlist.errors import DataError
from shortlist.io import Dataset, Signals, scan
from shortlist.schema import Tags

__all__ = ["online_retail"]

_FILE = Path("data/online-retail/onlineretail.parquet")
_ROLES = {
    "user": "CustomerID",
    "item": "StockCode",
    "time": "InvoiceDate",
    "value": "Quantity",
}
_PRODUCT = r"^\d"


def online_retail(path: Path | str | None = None) -> Dataset:
    """The purchases of the UCI set Online Retail, by Daqing Chen (CC BY 4.0).

    Lines with a quantity below 0 take back earlier purchases. Codes that do not begin with a digit are no
    products (postage, fees, discounts, corrections); they are left out and counted. The price counts as a
    column of the item, and the description as its name (tag "name").

    Args:
        path: the Parquet file, a folder that holds it, or a clone of the repository; None for the current
            folder or, where the package runs from a clone, that clone. Installed packages do not carry it.

    Raises:
        DataError: the file is not there.
    """
    data = scan(_find(path), roles=_ROLES, signals=Signals(negative_value_cancels=True), name="Online Retail")
    data = data.tag("UnitPrice", Tags.ITEM, Tags.CONTINUOUS).tag("Description", Tags.ITEM, Tags.TEXT, "name")
    return _products(data)


def _products(data: Dataset) -> Dataset:
    product = pl.col("StockCode").str.contains(_PRODUCT)
    others = data.frame().filter(~product).select("StockCode", "Description", "InvoiceDate").collect()
    report = data.report
    assert report is not None
    reason = "not a product"
    shown = tuple(
        f"{code} {words}" for code, words, _ in others.unique("StockCode", maintain_order=True).head(3).rows()
    )
    report = replace(
        report,
        kept=report.kept - others.height,
        left_out={**report.left_out, reason: others.height},
        examples={**report.examples, reason: shown},
    )
    return replace(data.filter(product), report=report)


def _find(path: Path | str | None) -> Path:
    roots = [Path.cwd(), Path(__file__).parents[3]] if path is None else [Path(path)]
    for root in roots:
        for file in (root, root / _FILE.name, root / _FILE):
            if file.is_file():
                return file
    raise DataError(
        "datasets.online_retail",
        received=f"no {_FILE.name} under {', '.join(map(str, roots))}",
        expected=f"the file {_FILE} of the repository",
        remedy="pass the path of a clone, or of the file",
    )
