"""How states look: one sign and one colour each, the same in every view."""

from collections.abc import Mapping
from types import MappingProxyType

from rich.text import Text

_LOOKS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "pending": ("○", "dim"),
        "enqueued": ("◌", "cyan"),
        "in_progress": ("●", "blue"),
        "waiting_for_retry": ("↻", "yellow"),
        "waiting": ("◔", "yellow"),
        "paused": ("‖", "yellow"),
        "blocked_by_failures": ("✗", "red"),
        "complete": ("✓", "green"),
        "error": ("✗", "red"),
        "tolerated": ("✗", "yellow"),
        "cancelled": ("⊘", "magenta"),
        "resolved_manually": ("✓", "magenta"),
    }
)
_UNKNOWN = ("?", "")


def style_of(state: str) -> str:
    """Give a state's colour."""
    return _LOOKS.get(state, _UNKNOWN)[1]


def sign_of(state: str) -> str:
    """Give a state's sign."""
    return _LOOKS.get(state, _UNKNOWN)[0]


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
