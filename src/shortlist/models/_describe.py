"""What a model's embedding tables cost."""

from torch import nn

from shortlist.nn import EmbeddingTables, MixedTables

__all__ = ["describe_tables", "parameters_beside"]

_BYTES = 4


def describe_tables(tables: EmbeddingTables | MixedTables | None, other_parameters: int) -> str:
    """One line for each table, largest first, with rows, width and memory in MB (10^6 bytes).

    >>> print(describe_tables(EmbeddingTables({"item": 500_000}, dim=64), 1000))
    item: 500,000 rows x 64, 128.0 MB
    tables: 128.0 MB; other parameters: 1,000
    """
    if tables is None:
        return f"no tables; other parameters: {other_parameters:,}"
    sizes = {name: rows * tables.widths[name] * _BYTES / 1e6 for name, rows in tables.rows.items()}
    lines = [
        f"{name}: {tables.rows[name]:,} rows x {tables.widths[name]}, {size:.1f} MB"
        for name, size in sorted(sizes.items(), key=lambda pair: (-pair[1], -tables.rows[pair[0]]))
    ]
    total = sum(sizes.values())
    return "\n".join([*lines, f"tables: {total:.1f} MB; other parameters: {other_parameters:,}"])


def parameters_beside(model: nn.Module) -> int:
    """Numbers that a model learns beside its embedding tables."""
    in_tables = sum(part.weight.numel() for part in model.modules() if isinstance(part, EmbeddingTables))
    return sum(part.numel() for part in model.parameters()) - in_tables
