import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import mermaidx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.sdk.drawing.samples import DIAMOND, EVERY_KIND, NASTY, chain, define, fan_out, step

from tasker.drawing.dot import to_dot
from tasker.drawing.graph import Graph, Node
from tasker.drawing.looks import clean
from tasker.drawing.mermaid import to_mermaid
from tasker.drawing.svg import to_svg
from tasker.drawing.templates import graph_template
from tasker.drawing.tree import to_tree

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = define(
    step(NASTY), step("end", NASTY), step('"]; n0 --> n1', "end", handler="x\ny"), name=NASTY
)


def titles(svg):
    return [title.text or "" for title in ElementTree.fromstring(svg).iter(f"{SVG}title")]


def squeeze(text):
    return "".join(text.split())


def run_dot(dot, form="json"):
    program = Path(sys.executable).parent / "graphviz-pure"
    ran = subprocess.run(
        [program, f"-T{form}"], input=dot.encode(), capture_output=True, check=True
    )
    return ran.stdout.decode()


@given(st.lists(st.text(), min_size=1, max_size=4, unique=True), st.text())
def test_any_name_makes_well_formed_svg_that_says_it_and_nothing_else(names, handler):
    nodes = tuple(Node(name, lines=(handler,)) for name in names)
    svg = to_svg(Graph(handler, nodes, ()))
    svg.encode()
    assert titles(svg) == [f"{clean(name)}\n{clean(handler)}" for name in names]
    tags = {element.tag.removeprefix(SVG) for element in ElementTree.fromstring(svg).iter()}
    assert tags <= {"svg", "style", "g", "title", "rect", "text"}


@pytest.mark.parametrize("definition", [DIAMOND, EVERY_KIND, HOSTILE, fan_out(50), chain(40)])
def test_svg_has_a_box_for_each_step_and_a_path_for_each_edge(definition):
    graph = graph_template(definition)
    root = ElementTree.fromstring(to_svg(graph))
    assert len(titles(to_svg(graph))) == len(graph.nodes)
    drawn = root.find(f"{SVG}g")
    assert drawn is not None and len(drawn.findall(f"{SVG}path")) == len(graph.edges)


def test_long_texts_are_cut_and_their_whole_is_in_the_title():
    svg = to_svg(graph_template(define(step("x" * 128))))
    shown = [text.text or "" for text in ElementTree.fromstring(svg).iter(f"{SVG}text")]
    assert any("…" in text and len(text) < 40 for text in shown)
    assert titles(svg)[0].startswith("x" * 128)


def test_a_legend_explains_the_edges_that_are_there():
    assert "for each item" in to_svg(graph_template(EVERY_KIND))
    assert "gathered by" not in to_svg(graph_template(DIAMOND))


@pytest.mark.parametrize("definition", [EVERY_KIND, HOSTILE])
def test_graphviz_reads_what_was_meant(definition):
    graph = graph_template(definition)
    read = json.loads(run_dot(to_dot(graph)))
    assert len(read["objects"]) == len(graph.nodes)
    assert len(read["edges"]) == len(graph.edges)
    said = squeeze("".join(ElementTree.fromstring(run_dot(to_dot(graph), "svg")).itertext()))
    for node in graph.nodes:
        assert squeeze(clean(node.name)) in said


@pytest.mark.parametrize("definition", [EVERY_KIND, HOSTILE])
def test_mermaid_reads_what_was_meant(definition):
    graph = graph_template(definition)
    svg = mermaidx.render(to_mermaid(graph)).svg()
    root = ElementTree.fromstring(svg)
    assert not list(root.iter(f"{SVG}script"))
    nodes = [g for g in root.iter(f"{SVG}g") if "node" in (g.get("class") or "").split()]
    assert len(nodes) == len(graph.nodes)
    said = squeeze("".join(root.itertext()))
    for node in graph.nodes:
        assert squeeze(clean(node.name)) in said


def lines(definition):
    return [
        (line.before + line.node.name, line.after) for line in to_tree(graph_template(definition))
    ]


def test_in_a_tree_branches_hang_and_what_joins_them_stands_in_line():
    assert lines(DIAMOND) == [("a", ()), ("├─ b", ()), ("╰─ c", ()), ("d", ("b", "c"))]


def test_a_chain_stays_straight_in_a_tree():
    assert lines(chain(40)) == [(f"s{n}", ()) for n in range(40)]


def test_a_tree_of_every_kind():
    assert [text for text, _ in lines(EVERY_KIND)] == [
        *("check", "choose", "├─ card", "╰─ invoice", "paid"),
        *("split", "pack", "packed", "ask", "poll", "end"),
    ]


def test_parts_that_do_not_touch_hang_beside_each_other():
    both = define(step("a"), step("b", "a"), step("c"), step("d", "c"))
    assert [text for text, _ in lines(both)] == ["├─ a", "│  b", "╰─ c", "   d"]
