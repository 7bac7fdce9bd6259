import io

import pytest
from rich.console import Console


@pytest.fixture
def draw():
    """Render a view as plain text, the way a terminal of that width shows it."""

    def render(view, width=120):
        console = Console(
            file=io.StringIO(), width=width, highlight=False, emoji=False, markup=False
        )
        console.print(view)
        return console.file.getvalue()

    return render
