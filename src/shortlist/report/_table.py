"""A plain table and its renderings."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from shortlist.errors import ArgumentError

__all__ = ["Cell", "Table"]

Cell = str | int | float | None


@dataclass(frozen=True, slots=True)
class Table:
    """Named columns and rows of cells; floats are shown with ``digits`` decimals, None as a dash.

    >>> print(Table(("model", "ndcg@10"), [("EASE", 0.25), ("popular", None)], title="protocol"))
    protocol
    model    ndcg@10
    EASE       .2500
    popular        -
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    title: str = ""
    note: str = ""
    digits: int = 4

    def __post_init__(self) -> None:
        odd = [row for row in self.rows if len(row) != len(self.columns)]
        if odd:
            raise ArgumentError(
                "Table.rows",
                received=f"a row of {len(odd[0])} cells",
                expected=f"{len(self.columns)} cells, one for each column",
            )

    def __str__(self) -> str:
        lines = [list(self.columns), *self.cells()]
        widths = [max(len(line[place]) for line in lines) for place in range(len(self.columns))]
        text = ["  ".join(self._aligned(line, widths)).rstrip() for line in lines]
        return "\n".join(part for part in (self.title, *text, self.note) if part)

    def markdown(self) -> str:
        """The table in Markdown.

        >>> print(Table(("a", "b"), [("x", 1)]).markdown())
        | a | b |
        |---|---|
        | x | 1 |
        """
        rows = [self.columns, ["---"] * len(self.columns), *self.cells()]
        lines = ["| " + " | ".join(row) + " |" for row in rows]
        lines[1] = lines[1].replace(" ", "")
        return "\n".join([self.title, "", *lines] if self.title else lines)

    def html(self) -> str:
        """The table in HTML, every cell escaped.

        >>> Table(("a",), [("<b>",)]).html()
        '<table><thead><tr><th>a</th></tr></thead><tbody><tr><td>&lt;b&gt;</td></tr></tbody></table>'
        """
        head = "".join(f"<th>{escape(name)}</th>" for name in self.columns)
        body = "".join(
            "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in self.cells()
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    def cells(self) -> list[list[str]]:
        """The rows as text."""
        return [[self._shown(cell) for cell in row] for row in self.rows]

    def _shown(self, cell: Cell) -> str:
        if cell is None or cell != cell:  # noqa: PLR0124 - NaN is the value that differs from itself
            return "-"
        if isinstance(cell, float):
            text = f"{cell:.{self.digits}f}"
            return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text
        return str(cell)

    def _aligned(self, line: Sequence[str], widths: Sequence[int]) -> list[str]:
        numeric = [
            all(isinstance(row[place], int | float | None) for row in self.rows)
            for place in range(len(widths))
        ]
        cells = zip(line, widths, numeric, strict=True)
        return [cell.rjust(width) if number else cell.ljust(width) for cell, width, number in cells]
