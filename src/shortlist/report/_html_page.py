"""A page that stands alone: no scripts, no files beside it, nothing from the network."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

__all__ = ["HtmlTable", "Section", "badge", "html_page", "preformatted", "tiles"]

_STYLE = """
:root{--page:#fff;--ink:#1c2733;--soft:#5d6b7a;--line:#e3e8ee;--fill:#f5f7f9;--mark:#2f6db5;
--leak:#b83240;--warn:#a8690e;--note:#5d6b7a;color-scheme:light dark}
@media (prefers-color-scheme:dark){:root{--page:#14191f;--ink:#e4e9ef;--soft:#9aa7b4;--line:#2b343e;
--fill:#1c232b;--mark:#6ea8e8;--leak:#f0808a;--warn:#e0a84e;--note:#9aa7b4}}
*{box-sizing:border-box}body{margin:0;background:var(--page);color:var(--ink);
font:14px/1.5 ui-sans-serif,system-ui,"Segoe UI","DejaVu Sans",sans-serif}
main{max-width:1120px;margin:0 auto;padding:28px 20px 60px}h1{font-size:24px;margin:0 0 2px}
h2{font-size:17px;margin:38px 0 4px;padding-top:14px;border-top:1px solid var(--line)}p{margin:4px 0 10px}
.soft{color:var(--soft)}.tiles{display:flex;flex-wrap:wrap;gap:10px;margin:18px 0 6px}
.tile{background:var(--fill);border-radius:8px;padding:9px 14px;min-width:104px}
.tile b{display:block;font-size:19px;font-weight:600}.tile span{color:var(--soft);font-size:12px}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th{font-weight:600;font-size:12px;color:var(--soft);text-align:left;vertical-align:bottom}
th,td{padding:6px 12px 6px 0;border-bottom:1px solid var(--line)}td{vertical-align:top}
.r{text-align:right}.n{font-weight:600;overflow-wrap:break-word;min-width:120px}
.n .s{font-weight:400}.s{color:var(--soft);font-size:12px}
.v{font-size:12px;overflow-wrap:anywhere;min-width:210px;max-width:420px}
pre{background:var(--fill);border-radius:8px;padding:14px 16px;overflow-x:auto;font-size:12.5px}
.words{white-space:pre-wrap}
svg{display:block;max-width:100%;height:auto}svg text{fill:var(--soft);font-size:11px}
.bar{fill:var(--mark)}.axis{stroke:var(--line);fill:none}
.even{stroke:var(--soft);stroke-dasharray:3 4;fill:none}.curve{stroke:var(--mark);stroke-width:2;fill:none}
.side{display:flex;flex-wrap:wrap;gap:28px;align-items:flex-start}.side>*{flex:1 1 320px;min-width:0}
.l{stroke-width:2;fill:none;stroke:var(--c)}.d{fill:var(--c);stroke:none}.dash{stroke-dasharray:5 4}
.c0{--c:#2f6db5}.c1{--c:#c8553d}.c2{--c:#4f8f5b}.c3{--c:#8a5fb3}.c4{--c:#b8892b}.c5{--c:#3a9a9a}
.c6{--c:#c05a8a}.c7{--c:#7d8894}.hit{color:#2c8a4a;font-weight:600}
.whisker{stroke:var(--ink);stroke-width:1.2;fill:none}
.legend{display:flex;flex-wrap:wrap;gap:2px 14px;font-size:12px;color:var(--soft);margin:2px 0 8px}
.legend i{display:inline-block;width:14px;height:3px;background:var(--c);margin:0 5px 3px 0;
vertical-align:middle}ol.items{margin:2px 0 10px;padding-left:22px}ol.items li{margin:1px 0}
@media (prefers-color-scheme:dark){.c0{--c:#6ea8e8}.c1{--c:#e58a74}.c2{--c:#7fc08c}.c3{--c:#b596da}
.c4{--c:#dbb35f}.c5{--c:#6cc7c7}.c6{--c:#e394ba}.c7{--c:#a6b0ba}.hit{color:#6fcf8a}}
.badge{display:inline-block;border:1px solid;border-radius:20px;padding:0 9px;font-size:12px}
.leak{color:var(--leak)}.suspect{color:var(--warn)}.note{color:var(--note)}
"""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a page: a heading and blocks of HTML.

    Attributes:
        title: the heading, as text.
        blocks: HTML, one under the other; of a tuple of several, beside each other where there is room.
    """

    title: str
    blocks: Sequence[str | tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class HtmlTable:
    """A table whose cells are HTML already.

    Attributes:
        columns: heads, as text.
        rows: cells.
        kinds: class of each column's cells: "r" right, "n" name, "s" small, "v" small and long; or empty.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    kinds: Sequence[str]

    def __str__(self) -> str:
        right = ["r" if kind == "r" else "" for kind in self.kinds]
        head = "".join(
            _cell("th", escape(name), kind) for name, kind in zip(self.columns, right, strict=True)
        )
        lines = [
            "".join(_cell("td", cell, kind) for cell, kind in zip(row, self.kinds, strict=True))
            for row in self.rows
        ]
        body = "".join(f"<tr>{line}</tr>" for line in lines)
        return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def html_page(title: str, sections: Sequence[Section]) -> str:
    """The page.

    >>> html_page("T", [Section("A & B", ["<p>x</p>"])]).count("<h2>A &amp; B</h2>")
    1
    """
    parts = []
    for section in sections:
        parts.append(f"<section>{f'<h2>{escape(section.title)}</h2>' if section.title else ''}")
        parts += [_block(block) for block in section.blocks]
        parts.append("</section>")
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style>"
    )
    body = "\n".join(parts)
    return (
        f'<!doctype html>\n<html lang="en"><head>{head}</head><body><main>\n{body}\n</main></body></html>\n'
    )


def tiles(figures: Sequence[tuple[str, str]]) -> str:
    """Large figures and what they are, as text."""
    each = [
        f'<div class="tile"><b>{escape(figure)}</b><span>{escape(what)}</span></div>'
        for figure, what in figures
    ]
    return f'<div class="tiles">{"".join(each)}</div>'


def badge(word: str, kind: str) -> str:
    """A word in a coloured ring: kinds are "leak", "suspect", "note"."""
    return f'<span class="badge {escape(kind)}">{escape(word)}</span>'


def preformatted(text: str, *, wrapped: bool = False) -> str:
    """Text as it stands, such as a program; with ``wrapped`` long lines are broken."""
    return f"<pre{' class=words' * wrapped}>{escape(text)}</pre>"


def _cell(tag: str, content: str, kind: str) -> str:
    return f'<{tag} class="{kind}">{content}</{tag}>' if kind else f"<{tag}>{content}</{tag}>"


def _block(block: str | tuple[str, ...]) -> str:
    if isinstance(block, str):
        return block
    return f'<div class="side">{"".join(f"<div>{part}</div>" for part in block)}</div>'
