"""What was found of sizes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path

from shortlist.errors import ArgumentError
from shortlist.io import atomic_write
from shortlist.recipes._size_options import SizeOptions
from shortlist.report import Axis, Section, Series, Table, html_page, scatter_plot, tiles

__all__ = ["SizeRow", "Sizes"]

_MB, _GB = 1e6, 1e9


@dataclass(frozen=True, slots=True)
class SizeRow:
    """One width at one precision."""

    dim: int
    """Width D that was asked for."""
    quantizer: str
    """How vectors are stored."""
    quality: Mapping[str, float]
    """Mean of each metric over the seeds."""
    deviation: Mapping[str, float | None]
    """Sample standard deviation between the seeds; None of one seed."""
    kept: float
    """Share of the float32 lists of the same vectors that the stored vectors give too."""
    ms: float
    """Median milliseconds of one query by itself on one thread, by an exact scan of the timed items."""
    bytes_per_item: int
    """Bytes of one vector."""
    bytes_here: int
    """Bytes of the catalogue that was measured, code book included."""
    bytes_at_1m: int
    """The same at a million items."""
    bytes_at_100m: int
    """The same at a hundred million items."""


@dataclass(frozen=True)
class Sizes:
    """Quality, latency and memory by width and precision; printed as a table."""

    rows: tuple[SizeRow, ...]
    """By width, then by precision."""
    items: int
    """Size N of the catalogue."""
    queries: int
    """Number of queries Q."""
    timed_items: int
    """Number of vectors that latency is measured over."""
    options: SizeOptions
    """How it was measured."""

    @property
    def metric(self) -> str:
        """The metric that decides."""
        return self.options.metrics[0]

    @property
    def protocol(self) -> str:
        """How quality was taken."""
        return (
            f"{self.queries:,} queries; full catalogue of {self.items:,} items, scanned as stored; "
            f"{len(self.options.seeds)} seed{'s' if len(self.options.seeds) > 1 else ''}"
        )

    def front(self) -> tuple[SizeRow, ...]:
        """The rows that no other beats: each is better than all that take at most as many bytes a vector.

        Qualities are compared as they are shown, by four digits.
        """
        chosen: list[SizeRow] = []
        for row in sorted(self.rows, key=lambda row: (row.bytes_per_item, -row.quality[self.metric])):
            if not chosen or self._shown(row) > self._shown(chosen[-1]):
                chosen.append(row)
        return tuple(chosen)

    def smallest(self, share: float = 0.99) -> SizeRow:
        """The fewest bytes a vector that reach so large a share of the best quality.

        Raises:
            ArgumentError: ``share`` is not in (0, 1].
        """
        if not 0.0 < share <= 1.0:
            raise ArgumentError("Sizes.smallest.share", received=share, expected="a share in (0, 1]")
        best = max(self._shown(row) for row in self.rows)
        return next(row for row in self.front() if self._shown(row) >= share * best)

    def table(self) -> Table:
        """All rows; ``*`` marks the front."""
        front, several = self.front(), len(self.options.seeds) > 1
        names = [part for name in self.options.metrics for part in ((name, "+-") if several else (name,))]
        lines = []
        for row in self.rows:
            figures = [
                part
                for name in self.options.metrics
                for part in ((row.quality[name], row.deviation[name]) if several else (row.quality[name],))
            ]
            sizes = (
                f"{row.bytes_here / _MB:.2f}",
                f"{row.bytes_at_1m / _MB:,.0f}",
                f"{row.bytes_at_100m / _GB:.2f}",
            )
            lines.append(
                (
                    *(row.dim, row.quantizer, *figures, row.kept, f"{row.ms:.3f}", row.bytes_per_item),
                    *(*sizes, "*" if row in front else ""),
                )
            )
        heads = ("dim", "stored as", *names, "kept", f"ms at {self.timed_items:,}", "bytes", "MB here")
        return Table((*heads, "MB at 1M", "GB at 100M", ""), lines, title=self.protocol)

    def plot(self, *, width: int = 720, height: int = 400) -> str:
        """Quality by bytes a vector, as an SVG; a line for each precision, a name for each of the front."""
        return self._by(lambda row: row.bytes_per_item, Axis("bytes a vector", log=True), width, height)

    def to_html(self, path: str | Path) -> Path:
        """Write a page that stands alone: quality by memory and by latency, and the table.

        Returns:
            The file.
        """
        place = Path(path)
        atomic_write(place, self._page().encode())
        return place

    def __str__(self) -> str:
        return str(self.table())

    def _shown(self, row: SizeRow) -> float:
        return round(row.quality[self.metric], 4)

    def _by(self, of: Callable[[SizeRow], float], across: Axis, width: int, height: int) -> str:
        series, front = [], self.front()
        for name in self.options.quantizers:
            own = sorted((row for row in self.rows if row.quantizer == name), key=lambda row: row.dim)
            points = [(of(row), row.quality[self.metric]) for row in own]
            tips = [f"dim {row.dim} {name}: {row.quality[self.metric]:.4f}" for row in own]
            labels = [f"{row.dim} {name}" if row in front else "" for row in own]
            series.append(Series(name, points, tips, line="straight", labels=labels))
        return scatter_plot(series, across, Axis(self.metric), width=width, height=height)

    def _page(self) -> str:
        small = self.smallest()
        figures = [
            (f"{max(row.quality[self.metric] for row in self.rows):.4f}", f"best {self.metric}"),
            (f"{small.dim} {small.quantizer}", "smallest with 99 % of it"),
            (f"{small.bytes_at_1m / _MB:,.0f} MB", "of it at a million items"),
            (f"{small.bytes_at_100m / _GB:,.1f} GB", "at a hundred million"),
        ]
        across = Axis(
            f"milliseconds a query, exact scan of {self.timed_items:,} vectors, one thread", log=True
        )
        formula = "Memory is N times the bytes of a vector, and the code book; the front is named."
        return html_page(
            "Sizes",
            [
                Section("", ["<h1>What the size of embeddings buys</h1>", tiles(figures)]),
                Section(f"{self.metric} by memory", [self.plot(), f'<p class="soft">{formula}</p>']),
                Section(f"{self.metric} by latency", [self._by(lambda row: row.ms, across, 720, 400)]),
                Section("All", [f'<p class="soft">{escape(self.protocol)}</p>', self.table().html()]),
            ],
        )

    def _repr_html_(self) -> str:
        return f'<iframe srcdoc="{escape(self._page())}" style="width:100%;height:900px;border:0"></iframe>'
