"""Pictures of templates and tasks on the command line: which there are, and where they go."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tasker.cli.exit_codes import ExitCode
from tasker.cli.failures import CommandFailed
from tasker.cli.output import Format, make_console, tell, write_lines

if TYPE_CHECKING:
    from tasker.drawing.graph import Graph

# Mermaid draws no more than that unless the page that shows it says so.
MERMAID_EDGES = 500


class View(StrEnum):
    """How a graph is shown: as any answer is, or as a picture."""

    table = "table"
    json = "json"
    ids = "ids"
    tree = "tree"
    mermaid = "mermaid"
    dot = "dot"
    svg = "svg"


Output = Annotated[
    View,
    typer.Option(
        "--output",
        "-o",
        help="A table for people, the raw JSON, one id a line; or a picture: a tree, Mermaid, Graphviz's DOT, SVG.",
    ),
]
Target = Annotated[
    Path | None,
    typer.Option("--to", metavar="FILE", help="Write it to a file, instead of here."),
]


def format_of(view: View) -> Format | None:
    """The format of an answer that is no picture, else None."""
    return Format.__members__.get(view.name)


def check_target(view: View, to: Path | None) -> None:
    """Raises CommandFailed (usage) where a file is named for what is not written to one."""
    if to is not None and view not in (View.mermaid, View.dot, View.svg):
        raise CommandFailed(
            ExitCode.USAGE, "--to takes a picture", "Add -o svg, -o mermaid or -o dot."
        )


def show_pictures(graphs: Sequence["Graph"], view: View, to: Path | None) -> None:
    """Write pictures to standard output or to a file. Of all but trees there is one to a file.

    Raises CommandFailed when there are several, and when the file cannot be written.
    """
    if view is View.tree:
        from tasker.cli.tree_view import draw_tree

        console = make_console()
        for graph in graphs:
            console.print(draw_tree(graph))
        return
    if len(graphs) > 1:
        titles = ", ".join(graph.title for graph in graphs)
        raise CommandFailed(
            ExitCode.USAGE,
            f"there are {len(graphs)} templates: {titles}",
            "Give each a file of its own, or register them and name one.",
        )
    for graph in graphs:
        text = _write(graph, view)
        for note in graph.notes:
            tell(f"note: {note}")
        if to is None:
            write_lines([text.rstrip("\n")])
        else:
            save(text, to)


def _write(graph: "Graph", view: View) -> str:
    match view:
        case View.mermaid:
            from tasker.drawing.mermaid import to_mermaid

            if len(graph.edges) > MERMAID_EDGES:
                tell(
                    f"note: there are {len(graph.edges):,} edges, and Mermaid draws {MERMAID_EDGES}"
                    " unless maxEdges is raised; -o svg has no such limit"
                )
            return to_mermaid(graph)
        case View.dot:
            from tasker.drawing.dot import to_dot

            return to_dot(graph)
        case _:
            from tasker.drawing.svg import to_svg

            return to_svg(graph)


def save(text: str, to: Path) -> None:
    """Write a file, and say so. Raises CommandFailed (usage) when it cannot be written."""
    try:
        to.write_text(text, "utf-8")
    except (OSError, ValueError) as error:  # the latter where the name holds a NUL
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise CommandFailed(ExitCode.USAGE, f"cannot write {to}: {why}") from error
    tell(f"wrote {to}")
