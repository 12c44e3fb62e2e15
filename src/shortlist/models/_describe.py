"""What a model's embedding tables cost."""

from shortlist.nn import EmbeddingTables

__all__ = ["describe_tables"]


def describe_tables(tables: EmbeddingTables | None, other_parameters: int) -> str:
    """One line for each table, largest first, with rows, width and memory in MB (10^6 bytes).

    >>> print(describe_tables(EmbeddingTables({"item": 500_000}, dim=64), 1000))
    item: 500,000 rows x 64, 128.0 MB
    tables: 128.0 MB; other parameters: 1,000
    """
    if tables is None:
        return f"no tables; other parameters: {other_parameters:,}"
    width = tables.weight.element_size() * tables.dim / 1e6
    lines = [
        f"{name}: {rows:,} rows x {tables.dim}, {rows * width:.1f} MB"
        for name, rows in sorted(tables.rows.items(), key=lambda pair: -pair[1])
    ]
    total = sum(tables.rows.values()) * width
    return "\n".join([*lines, f"tables: {total:.1f} MB; other parameters: {other_parameters:,}"])
