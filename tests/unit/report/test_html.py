"""Pages that stand alone, and plots in them."""

from xml.etree import ElementTree as ET

from shortlist.report import (
    HtmlTable,
    Section,
    badge,
    bar_plot,
    curve_plot,
    html_page,
    preformatted,
    small_bars,
    sparkline,
    tiles,
)


def rects(svg: str) -> list[dict[str, str]]:
    return [node.attrib for node in ET.fromstring(svg).iter("rect")]


def test_a_page_needs_nothing_beside_it() -> None:
    page = html_page("A <b>", [Section("One", ["<p>x</p>", ("<i>l</i>", "<i>r</i>")]), Section("", ["y"])])
    assert page.startswith("<!doctype html>")
    assert "<title>A &lt;b&gt;</title>" in page
    assert '<div class="side"><div><i>l</i></div><div><i>r</i></div></div>' in page
    assert page.count("<h2>") == 1
    assert not [word for word in ("<script", "http:", "https:", "src=", "url(", "@import") if word in page]


def test_words_are_escaped() -> None:
    assert "&lt;x&gt;" in tiles([("<x>", "what")])
    assert badge("<x>", "leak") == '<span class="badge leak">&lt;x&gt;</span>'
    assert preformatted("a < b") == "<pre>a &lt; b</pre>"
    assert "<th>&lt;x&gt;</th>" in str(HtmlTable(("<x>",), [], ("",)))


def test_cells_take_the_class_of_their_column() -> None:
    table = str(HtmlTable(("name", "n"), [("<i>a</i>", "1")], ("n", "r")))
    assert '<td class="n"><i>a</i></td><td class="r">1</td>' in table
    assert '<th>name</th><th class="r">n</th>' in table


def test_bars_are_as_high_as_their_counts() -> None:
    bars = rects(bar_plot(["a", "b", "c"], [2, 0, 4], width=352, height=134))
    assert [bar["height"] for bar in bars] == ["50.0", "0.0", "100.0"]  # of 134 - 20 - 14
    assert [bar["x"] for bar in bars] == ["52.0", "152.0", "252.0"]
    assert "<title>c: 4</title>" in bar_plot(["a", "b", "c"], [2, 0, 4])
    assert bar_plot([], []) == '<p class="soft">nothing to plot</p>'


def test_a_bar_plot_shows_some_of_many_labels() -> None:
    plot = ET.fromstring(bar_plot([f"day {n}" for n in range(100)], [1] * 100, marks=5))
    words = [node.text for node in plot.iter("text")]
    assert [word for word in words if word and word.startswith("day")] == [
        "day 0",
        "day 20",
        "day 40",
        "day 60",
        "day 80",
    ]
    assert "1" in words


def test_a_curve_runs_from_corner_to_corner_and_marks_points() -> None:
    plot = ET.fromstring(
        curve_plot(
            [(0.0, 0.0), (0.5, 0.9), (1.0, 1.0)], across="items", up="events", marked=(0.25,), size=100
        )
    )
    (line,) = plot.iter("polyline")
    assert line.get("points") == "44.0,108.0 94.0,18.0 144.0,8.0"
    (point,) = plot.iter("circle")
    assert (point.get("cx"), point.get("cy")) == ("69.0", "63.0")  # 0.45 high: half way to 0.9
    assert "25 % items: 45.0 % events" in "".join(plot.itertext())


def test_small_bars() -> None:
    assert [bar["height"] for bar in rects(small_bars([1, 2], height=10))] == ["5.0", "10.0"]
    assert small_bars([0, 0]) == small_bars([]) == ""


def test_a_sparkline_has_a_letter_a_count() -> None:
    assert sparkline([0, 1, 8]) == " ▁█"
    assert sparkline([]) == ""
    assert sparkline([0, 0]) == "  "
    assert len(sparkline(range(1000), 80)) == 80
    assert sparkline([3, 3, 3, 3, 3], width=2) == "██"  # an odd number of counts is averaged, not summed
