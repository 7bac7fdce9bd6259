"""A graph as a tree of lines in the terminal's colours."""

from rich.console import Group, RenderableType
from rich.text import Text

from tasker.cli.tables import make_heading, make_table
from tasker.drawing.graph import Graph
from tasker.drawing.looks import STATES
from tasker.drawing.tree import to_tree


def draw_tree(graph: Graph) -> RenderableType:
    """Draw a graph's tree, each step with what is to be said of it, and with what it comes after."""
    table = make_table("STEP", "", "AFTER")
    for line in to_tree(graph):
        look = STATES.get(line.node.state or "")
        table.add_row(
            Text(line.before, style="dim")
            + Text(line.node.name, style=look.style if look else "bold"),
            Text(", ".join(line.node.lines), style=look.style if look else "dim"),
            Text(", ".join(line.after), style="dim"),
        )
    notes = [Text(note, style="dim") for note in graph.notes]
    return Group(make_heading(graph.title, graph.subtitle), Text(), table, *notes)
