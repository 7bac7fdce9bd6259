"""How states and kinds look, the same in every picture: a sign, a colour, and always a word beside. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from tasker.drawing.graph import Edge, EdgeKind, Node

__all__ = ["EDGES", "STATES", "Look", "clean", "describe_edge", "look_of", "say_state"]


@dataclass(frozen=True, slots=True)
class Look:
    """A sign, a terminal's colour, and for drawings the colours of a box and of its border."""

    sign: str
    style: str
    fill: str
    stroke: str
    dashed: bool = False


STATES: Mapping[str, Look] = MappingProxyType(
    {
        "pending": Look("○", "dim", "#f1f3f5", "#868e96"),
        "enqueued": Look("◌", "cyan", "#e3fafc", "#0c8599"),
        "in_progress": Look("●", "blue", "#dbe9ff", "#1c64d9"),
        "waiting_for_retry": Look("↻", "yellow", "#fff3bf", "#c27803"),
        "waiting": Look("◔", "yellow", "#fff3bf", "#c27803"),
        "paused": Look("‖", "yellow", "#fff3bf", "#c27803"),
        "blocked_by_failures": Look("✗", "red", "#ffe3e3", "#d6303a"),
        "complete": Look("✓", "green", "#d8f5dd", "#2b8a3e"),
        "error": Look("✗", "red", "#ffe3e3", "#d6303a"),
        "tolerated": Look("✗", "yellow", "#ffe8cc", "#d9630a"),
        "cancelled": Look("⊘", "magenta", "#f3e3fb", "#9c36b5"),
        "resolved_manually": Look("✓", "magenta", "#f3e3fb", "#9c36b5"),
        "excluded": Look("–", "dim", "#f8f9fa", "#adb5bd", dashed=True),
        "undecided": Look("·", "dim", "#f8f9fa", "#868e96", dashed=True),
    }
)
_KINDS: Mapping[str, Look] = MappingProxyType(
    {
        "standard": Look("", "", "#eef2f7", "#5b6b7f"),
        "decision": Look("", "", "#fff3bf", "#c27803"),
        "deferred_convergence": Look("", "", "#d8f5dd", "#2b8a3e"),
        "batchable": Look("", "", "#e5e8ff", "#4c5fd5"),
        "batch_worker": Look("", "", "#e5e8ff", "#4c5fd5"),
        "dynamic": Look("", "", "#f3e3fb", "#9c36b5", dashed=True),
        "compensation": Look("", "", "#ffe3e3", "#d6303a"),
        "task": Look("", "", "#e3fafc", "#0c8599"),
        "inner": Look("", "", "#f8f9fa", "#868e96"),
    }
)
EDGES: Mapping[EdgeKind, str] = MappingProxyType(
    {
        "ordinary": "#7d8894",
        "branch": "#c27803",
        "batch": "#4c5fd5",
        "expansion": "#9c36b5",
        "convergence": "#2b8a3e",
        "compensation": "#d6303a",
        "child": "#0c8599",
        "inner": "#868e96",
    }
)
_EDGE_WORDS: Mapping[EdgeKind, str] = MappingProxyType(
    {
        "ordinary": "then",
        "branch": "if it is chosen",
        "batch": "for each item",
        "expansion": "may ask for",
        "convergence": "gathered by",
        "compensation": "undone by",
        "child": "has started",
        "inner": "within it",
    }
)
# Control characters, those that turn the direction of writing, and what XML cannot hold.
_UNFIT = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


def look_of(node: Node) -> Look:
    """How a node looks: by its state, or in a template by its kind."""
    if node.state is None:
        return _KINDS[node.kind]
    return STATES.get(node.state, Look("?", "", "#f1f3f5", "#868e96"))


def say_state(state: str) -> str:
    """A state with its sign, for people: `✓ complete`."""
    sign = STATES[state].sign if state in STATES else "?"
    return f"{sign} {state.replace('_', ' ')}"


def describe_edge(edge: Edge) -> str:
    """What an edge means, in two or three words."""
    return _EDGE_WORDS[edge.kind] if edge.taken else "not taken"


def clean(text: str) -> str:
    """A text in one line that every format can hold; what none can is shown as �."""
    return _UNFIT.sub("�", re.sub(r"[\r\n\t]+", " ", text))
