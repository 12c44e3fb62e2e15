"""Two towers and their tables out of the columns of both sides."""

from collections.abc import Mapping

from shortlist.errors import SchemaError
from shortlist.models._inputs import table_of, table_rows
from shortlist.models._tables import Tables, build_tables
from shortlist.models.retrieval._options import TableOptions, TowerOptions
from shortlist.models.retrieval._tower import Tower
from shortlist.rng import derive
from shortlist.schema import Column, Schema

__all__ = ["build_towers", "check_sides"]

Sides = tuple[tuple[Schema, TowerOptions], tuple[Schema, TowerOptions]]


def build_towers(
    sides: Sides, options: TableOptions, *, dim: int, normalize: bool, seed: int
) -> tuple[Tables, Tower, Tower]:
    """The tables, the query tower and the item tower.

    Args:
        sides: columns and options of the query tower, and of the item tower.
        options: of the tables.
        dim: width D of the vectors.
        normalize: scale vectors to length 1.
        seed: of the initial weights.
    """
    (query, _), (item, _) = sides
    own = table_of(item.item)
    names = _own_histories(query, own) if options.own_histories else {}
    tables = build_tables(
        _rows(sides, names), dim, options.widths, sparse=options.sparse, seed=derive(seed, "tables")
    )
    towers = [
        Tower(
            inputs,
            tables,
            chosen,
            item=own,
            names=names,
            normalize=normalize,
            seed=derive(seed, side),
        )
        for side, (inputs, chosen) in zip(("query", "item"), sides, strict=True)
    ]
    return tables, towers[0], towers[1]


def check_sides(where: str, schema: Schema, query: Schema, item: Schema) -> None:
    """Refuse a schema without an item id or without anything to say of a query.

    Raises:
        SchemaError: it is such a schema.
    """
    if schema.item.name not in item or len(query) == 0:
        raise SchemaError(
            where,
            received=f"query columns {list(query.names)}, item columns {list(item.names)}",
            expected="an item id and at least one USER, SESSION or CONTEXT column",
            remedy="tag the columns with Schema.tag, or give the roles to sl.scan",
        )


def _own_histories(query: Schema, item: str) -> dict[str, str]:
    """Lists of items -> a table beside that of the item ids."""
    return {column.name: f"{item}_history" for column in query if column.is_list and table_of(column) == item}


def _rows(sides: Sides, names: Mapping[str, str]) -> dict[str, int]:
    """Rows of each table; columns of token codes with an encoder of their own have none."""
    columns = [column for inputs, chosen in sides for column in inputs if column.name not in chosen.text]
    apart: dict[str, int] = {}
    for column in columns:
        if column.name in names:
            apart[names[column.name]] = table_rows([column])[table_of(column)]
    shared: list[Column] = [column for column in columns if column.name not in names]
    return {**table_rows(shared), **apart}
