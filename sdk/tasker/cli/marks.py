"""How states look: one sign and one colour each, the same in every view."""

from collections.abc import Mapping

from rich.text import Text

from tasker.drawing.looks import STATES


def style_of(state: str) -> str:
    """Give a state's colour."""
    return STATES[state].style if state in STATES else ""


def sign_of(state: str) -> str:
    """Give a state's sign."""
    return STATES[state].sign if state in STATES else "?"


def describe_state(state: str) -> Text:
    """Write a state in words, in its colour."""
    return Text(state.replace("_", " "), style=style_of(state))


def describe_counts(counts: Mapping[str, int]) -> Text:
    """Write how many steps are in each state, leaving out those with none: `5 steps: 2 complete, 3
    pending`.
    """
    total = counts.get("total", 0)
    parts = [
        Text(f"{n} {state.replace('_', ' ')}", style=style_of(state))
        for state, n in counts.items()
        if n and state != "total"
    ]
    return Text(f"{total} step{'' if total == 1 else 's'}: ") + Text(", ").join(parts)
