"""Drawings of workflows, as SVG and as Mermaid."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from xml.etree import ElementTree as ET

import polars as pl
import pytest

from shortlist.errors import ArgumentError
from shortlist.features import Branch, ops
from shortlist.features._draw import Drawing, draw
from shortlist.features._plan import Plan, plan
from shortlist.features._workflow import Workflow
from shortlist.features.ops import Made, Step
from shortlist.io import Dataset
from shortlist.schema import Column, Schema, tags

SVG = "{http://www.w3.org/2000/svg}"
SCHEMA = Schema(
    [
        Column("user_id", "string", ("user", "id", "categorical")),
        Column("item_id", "int64", ("item", "id", "categorical")),
        Column("price", "float64", ("item", "continuous")),
        Column("click", "int64", ("target", "binary")),
        Column("time", "datetime", ("time",)),
    ]
)


@dataclass(frozen=True)
class LooksAtClicks(ops.Op):
    """An op that looks at the target in training."""

    def beside(self, raw: Schema) -> tuple[str, ...]:
        return ("click",)

    def make(self, inputs: tuple[Column, ...], state: object) -> Made:
        return Made((replace(inputs[0], dtype="float64"),))

    def transform(self, step: Step, state: object, columns: Mapping[str, pl.Expr]) -> Mapping[str, pl.Expr]:
        return columns

    def transform_batch(
        self, step: Step, state: object, columns: Mapping[str, object]
    ) -> Mapping[str, object]:
        return columns


def planned(*branches: Branch, schema: Schema = SCHEMA) -> Plan:
    return plan(branches, schema)


def whole() -> Plan:
    return planned(
        ops.Filter(pl.col("price") > 0).alone(),
        Branch.of(tags.any("id"), ops.Categorify(min_count=5)),
        Branch.of("price", ops.FillMissing(0.5, add_indicator=True), ops.LogOp(), ops.Normalize()),
        Branch((), (ops.Categorify(like="item_id"),), ops.History("item_id", max_length=20)),
        Branch.of([["user_id", "item_id"]], ops.Categorify(group="combo", name="both")),
        Branch.of(["price"], ops.Rename(suffix="_seen"), LooksAtClicks()),
    )


def texts(svg: str) -> list[str]:
    """The words that are seen: without those of tooltips."""
    nodes = ET.fromstring(svg).iter(f"{SVG}text")
    return [(node.text or "") + "".join(child.tail or "" for child in node) for node in nodes]


def rects(svg: str, kind: str) -> Iterator[tuple[float, float, float, float]]:
    for node in ET.fromstring(svg).iter(f"{SVG}rect"):
        if node.get("class") == kind:
            x, y, width, height = (float(node.get(name, "nan")) for name in ("x", "y", "width", "height"))
            yield x, y, x + width, y + height


def test_every_column_stands_with_type_shape_and_tags() -> None:
    words = texts(draw(whole()))
    for word in ("user_id", "price_filled", "item_id_history", "int64 list(20)", "both", "price_seen"):
        assert word in words
    assert {"categorical id user", "binary target", "categorical cross"} <= set(words)
    assert {"min_count=5", "add_indicator=True", "value=0.5", "max_length=20", "suffix='_seen'"} <= set(words)
    assert "in training" in words
    assert '[(col("price")) > 0]' in words


def test_a_dashed_line_leads_to_what_takes_a_vocabulary_over() -> None:
    (line,) = [
        node for node in ET.fromstring(draw(whole())).iter(f"{SVG}path") if node.get("class") == "like"
    ]
    assert "".join(line.itertext()) == "like item_id"


def test_codes_are_counted_once_fitted() -> None:
    rows = Dataset.of(pl.DataFrame({"color": ["red", "blue", "red"]}))
    flow = Workflow(["color" >> ops.Categorify()])
    assert "codes" not in draw(plan([Branch.of("color", ops.Categorify())], rows.schema), "mermaid")
    flow.fit(rows)
    assert "5 codes" in texts(flow.draw())  # padding, null, unknown, red, blue
    assert "int64 · categorical · 5 codes" in flow.draw("mermaid")


def test_an_op_that_learns_is_set_off() -> None:
    svg = draw(planned(Branch.of("price", ops.LogOp(), ops.Normalize())))
    (plain,), (learned, *legend) = list(rects(svg, "op"))[:1], list(rects(svg, "learned"))
    assert plain[0] < learned[0]
    assert len(legend) == 1


def test_chips_and_boxes_keep_apart_and_within_the_picture() -> None:
    svg = draw(whole())
    root = ET.fromstring(svg)
    width, height = float(root.get("width", "0")), float(root.get("height", "0"))
    placed = [box for kind in ("chip", "op", "learned", "rows") for box in rects(svg, kind)]
    for x, y, right, low in placed:
        assert 0 <= x < right <= width
        assert 0 <= y < low <= height
    for number, (x, y, right, low) in enumerate(placed):
        for left, top, end, bottom in placed[number + 1 :]:
            assert right <= left or end <= x or low <= top or bottom <= y


def test_mermaid_has_a_node_for_each_column_and_op() -> None:
    text = draw(planned(Branch.of(["price"], ops.Clip(0, 9), ops.LogOp())), "mermaid")
    assert text.splitlines()[:9] == [
        "flowchart LR",
        '    r2(["price<br/>float64 · continuous item"]):::column',
        '    r3(["click<br/>int64 · binary target"]):::column',
        '    r4(["time<br/>datetime · time"]):::column',
        '    b0_1["Clip<br/>low=0<br/>high=9"]:::op',
        '    b0_2["LogOp"]:::op',
        "    r2 --> b0_1",
        '    b0_1 -->|"price: float64 · continuous item"| b0_2',
        '    b0_out0(["price<br/>float32 · continuous item"]):::column',
    ]


def test_mermaid_names_histories_likes_and_what_training_looks_at() -> None:
    text = draw(whole(), "mermaid")
    assert '[("History<br/>max_length=20")]:::past' in text
    assert re.search(r'b0_1 -\. "like item_id" \.-> b2_1', text)
    assert re.search(r'r3 -\. "in training" \.-> b4_2', text)
    assert "[(col(#quot;price#quot;)) #gt; 0]" in text


def test_foreign_signs_do_no_harm() -> None:
    schema = Schema([Column('<b>"x"&\n', "string", ("mine<",))])
    flow = planned(Branch.of(['<b>"x"&\n'], ops.Categorify()), schema=schema)
    assert any(word.startswith('<b>"x"&') for word in texts(draw(flow)))
    assert '<b>"' not in draw(flow, "mermaid")


def test_a_long_name_is_cut_and_stands_whole_in_its_tooltip() -> None:
    name = f"a_{'very_' * 20}long_name"
    svg = draw(planned(Branch.of([name]), schema=Schema([Column(name, "float64")])))
    assert f"{name} · float64" in "".join(ET.fromstring(svg).itertext())
    assert any("…" in word for word in texts(svg))


def test_nothing_but_shapes_and_words() -> None:
    svg = draw(whole())
    assert {node.tag.removeprefix(SVG) for node in ET.fromstring(svg).iter()} <= {
        *("svg", "style", "rect", "path", "circle", "text", "title"),
    }
    assert "http" not in svg.replace("http://www.w3.org/2000/svg", "")


def test_an_empty_workflow_is_a_picture_too() -> None:
    empty = planned(schema=Schema([]))
    assert texts(draw(empty))[:2] == ["raw columns", "outputs"]
    assert draw(empty, "mermaid").startswith("flowchart LR\n")


def test_options_by_default_are_left_out_and_long_ones_shortened() -> None:
    words = texts(
        draw(planned(Branch.of("item_id", ops.Categorify(vocabularies={"item_id": list(range(99))}))))
    )
    assert [word for word in words if word.startswith("vocabularies=")]
    assert not [word for word in words if word.startswith("buckets=")]


def test_a_notebook_shows_the_picture() -> None:
    drawing = draw(whole())
    assert isinstance(drawing, Drawing)
    assert drawing._repr_mimebundle_()["image/svg+xml"] == str(drawing)
    assert "text/vnd.mermaid" in draw(whole(), "mermaid")._repr_mimebundle_()


def test_the_format_is_known() -> None:
    with pytest.raises(ArgumentError, match=r"expected 'svg' or 'mermaid'.*did you mean 'svg'"):
        draw(whole(), "svgz")
