"""The plain look of every table and of every list of facts."""

from collections.abc import Iterable

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text


def make_table(*columns: str) -> Table:
    """Make a table without lines; what does not fit is folded, never cut off."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", show_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def make_grid(columns: int) -> Table:
    """Make a table without heads, whose first columns stay on one line and whose last is folded."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    for number in range(columns):
        last = number == columns - 1
        grid.add_column(overflow="fold", no_wrap=not last)
    return grid


def make_facts(facts: Iterable[tuple[str, RenderableType | None]]) -> Table:
    """Make a list of names and values; a fact whose value is None or empty is left out."""
    grid = make_grid(columns=2)
    grid.columns[0].style = "dim"
    for name, value in facts:
        if value is not None and value != "":
            grid.add_row(name, value)
    return grid


def make_heading(*parts: Text | str) -> Text:
    """Make the first line of a view: what it is about, in bold, then the rest."""
    heading = Text()
    for n, part in enumerate(parts):
        heading.append_text(
            Text(part, style="bold" if n == 0 else "") if isinstance(part, str) else part
        )
        heading.append("  ")
    heading.rstrip()
    return heading
