"""A workflow drawn: what goes in, which ops it passes, what comes out."""

from shortlist.errors import ArgumentError, near
from shortlist.features._draw_mermaid import mermaid
from shortlist.features._draw_svg import svg
from shortlist.features._plan import Plan

__all__ = ["Drawing", "draw"]

_NOTATIONS = {"svg": svg, "mermaid": mermaid}
_KINDS = {"svg": "image/svg+xml", "mermaid": "text/vnd.mermaid"}


class Drawing(str):
    """The text of a drawing, which notebooks show as a picture."""

    __slots__ = ("_kind",)
    _kind: str

    @classmethod
    def of(cls, text: str, kind: str) -> "Drawing":
        """A text of a media type."""
        drawing = cls(text)
        drawing._kind = kind
        return drawing

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return {self._kind: str(self), "text/plain": str(self)}


def draw(plan: Plan, format: str = "svg") -> Drawing:  # noqa: A002 - the word that drawing tools use
    """The graph of a plan, one lane a branch, with each column's schema at every edge.

    An edge carries the column's name, type, shape, tags and, once fitted, its number of codes. Ops that learn
    are set off from those that do not; a dashed line leads from an op to one that takes over its vocabulary.

    Args:
        plan: branches applied to a schema, fitted or not.
        format: "svg" for a picture without scripts or links, "mermaid" for a flow chart as text.

    Raises:
        ArgumentError: the format is unknown.

    >>> from shortlist.features import Branch, ops
    >>> from shortlist.features._plan import plan
    >>> from shortlist.schema import Column, Schema
    >>> schema = Schema([Column("price", "float64", ("item", "continuous"))])
    >>> print(draw(plan([Branch.of("price", ops.LogOp())], schema), "mermaid").split("    classDef")[0])
    flowchart LR
        r0(["price<br/>float64 · continuous item"]):::column
        b0_1["LogOp"]:::op
        r0 --> b0_1
        b0_out0(["price<br/>float32 · continuous item"]):::column
        b0_1 --> b0_out0
    """
    if format not in _NOTATIONS:
        raise ArgumentError(
            "Workflow.draw",
            received=format,
            expected="'svg' or 'mermaid'",
            remedy=near(str(format), _NOTATIONS),
        )
    return Drawing.of(_NOTATIONS[format](plan), _KINDS[format])
