import subprocess
import sys
from itertools import combinations, pairwise

from hypothesis import given
from tests.unit.sdk.drawing.samples import (
    DIAMOND,
    EVERY_KIND,
    chain,
    define,
    definitions,
    fan_out,
    step,
)

from tasker.drawing.graph import Edge, Graph, Node
from tasker.drawing.layering import MOST_BENDS, make_layers
from tasker.drawing.layout import lay_out, runs_down
from tasker.drawing.measuring import measure
from tasker.drawing.ordering import order_rows
from tasker.drawing.templates import graph_template


def laid(definition):
    return lay_out(graph_template(definition), measure)


def sides(box):
    return (
        box.x - box.width / 2,
        box.x + box.width / 2,
        box.y - box.height / 2,
        box.y + box.height / 2,
    )


@given(definitions())
def test_no_box_stands_over_another_and_all_are_in_the_picture(definition):
    layout = laid(definition)
    for one, other in combinations(layout.boxes, 2):
        left, right, top, bottom = sides(one)
        its_left, its_right, its_top, its_bottom = sides(other)
        beside = right < its_left or its_right < left
        assert beside or bottom < its_top or its_bottom < top, (one, other)
    for left, right, top, bottom in map(sides, layout.boxes):
        assert left >= 0 and top >= 0
        assert right <= layout.width + 1e-6 and bottom <= layout.height + 1e-6


@given(definitions())
def test_an_edge_runs_from_its_start_to_its_end_and_through_no_other_box(definition):
    layout = laid(definition)
    assert layout.down
    boxes = {box.node.name: box for box in layout.boxes}
    for route in layout.routes:
        start, end = boxes[route.edge.start], boxes[route.edge.end]
        assert route.points[0] == (start.x, start.y + start.height / 2)
        assert route.points[-1] == (end.x, end.y - end.height / 2)
        for (x, y), (_, to_y) in list(pairwise(route.points))[1::2]:
            for left, right, top, bottom in (sides(box) for box in layout.boxes):
                assert not (left < x < right and y < bottom and top < to_y)


def test_a_chain_is_straight_and_a_diamond_even():
    assert len({box.x for box in laid(chain(40)).boxes}) == 1
    a, b, c, d = laid(DIAMOND).boxes
    assert a.x == d.x == (b.x + c.x) / 2 and b.x < c.x and b.y == c.y


def test_a_wide_graph_runs_from_left_to_right_and_keeps_the_order_of_its_steps():
    layout = laid(fan_out(50))
    assert not layout.down and layout.width < 500
    heights = [box.y for box in layout.boxes[1:-1]]
    assert heights == sorted(heights)
    assert runs_down(graph_template(fan_out(5)), measure)


def test_a_crossing_that_need_not_be_is_taken_out():
    layers = make_layers(4, [(0, 3), (1, 2)])
    above, below = order_rows(layers)
    assert [below.index(3), below.index(2)] == [above.index(0), above.index(1)]
    crossed = make_layers(6, [(0, 3), (0, 4), (0, 5), (1, 3), (1, 4), (2, 3)])
    assert order_rows(crossed)[1].index(3) > order_rows(crossed)[1].index(5)


def test_a_circle_is_drawn_with_one_edge_upwards():
    nodes = (Node("a"), Node("b"), Node("c"))
    layout = lay_out(Graph("", nodes, (Edge("a", "b"), Edge("b", "c"), Edge("c", "a"))), measure)
    heights = [box.y for box in layout.boxes]
    assert heights == sorted(set(heights))
    *_, back = layout.routes
    assert back.points[0][1] > back.points[-1][1]


def test_bends_are_bounded_however_many_long_edges_there_are():
    count = 2000
    last = step("last", *(f"s{n}" for n in range(count)))
    dense = define(*chain(count)["steps"], last)
    layers = make_layers(
        count + 1, [(n, n + 1) for n in range(count)] + [(n, count) for n in range(count - 1)]
    )
    assert len(layers.above) - count - 1 <= MOST_BENDS
    layout = laid(dense)
    assert len(layout.routes) == 2 * count - 1


def test_the_same_graph_gives_the_same_picture_in_every_process():
    program = (
        "from tests.unit.sdk.drawing.samples import EVERY_KIND\n"
        "from tasker.drawing.svg import to_svg\n"
        "from tasker.drawing.templates import graph_template\n"
        "print(to_svg(graph_template(EVERY_KIND)))"
    )
    pictures = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(pictures) == 1


def test_every_kind_of_edge_is_told_apart():
    kinds = {edge.kind for edge in graph_template(EVERY_KIND).edges}
    assert kinds == {"ordinary", "branch", "batch", "expansion", "convergence"}
