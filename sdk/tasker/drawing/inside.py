"""The steps inside compositions, as parts of a graph: what they are, what became of them, and how they hang together.
Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from tasker.drawing.graph import Edge, Node
from tasker.drawing.looks import say_state
from tasker_grammar.expressions import references

__all__ = ["Inner", "composition_of", "draw_inner", "read_inner"]

Row = Mapping[str, Any]

MOST_INNER = 40
"""Of a composition with more steps, none are drawn."""

_STATES: Mapping[str, str] = {
    "complete": "complete",
    "recalled": "complete",
    "left_out": "excluded",
    "failed": "error",
}
_NOT_BEGUN = frozenset({"pending", "enqueued"})
_WAIT = re.compile(r"(ask|sleep):([^\[.]+)")


@dataclass(frozen=True, slots=True)
class Inner:
    """A step inside a composition. `state` is one of a step's, or None where it is not known or there is no task.

    `items`: of a fan-out, how many of its items' parts have come to an end.
    """

    id: str
    kind: str
    state: str | None = None
    milliseconds: float | None = None
    code: str | None = None
    items: int = 0
    after: tuple[str, ...] = ()

    @property
    def lines(self) -> tuple[str, ...]:
        """What a picture says of it."""
        took = f"{self.milliseconds:g} ms" if self.milliseconds is not None else ""
        told = (
            self.kind,
            say_state(self.state) if self.state else "",
            took,
            f"{self.items} items" if self.items else "",
            self.code or "",
        )
        return tuple(each for each in told if each)


def read_inner(config: Row, step: Row | None = None, inner: Row | None = None) -> list[Inner]:
    """The steps inside a composition step, from its config; with what became of them, where there is a task: `step` as
    list_steps gives it, `inner` as list_inner_steps does.
    """
    written = _steps(config)
    known = {each["id"] for each in written}
    ran = {row[0]: row for row in _last_told(inner["ran"] if inner else ())}
    wait = _WAIT.match(inner["waits_for"] or "") if inner else None
    waiting = wait[2] if wait else None
    return [
        Inner(
            each["id"],
            each["kind"],
            _state(each["id"], ran, waiting, step),
            ran[each["id"]][3] if each["id"] in ran else None,
            ran[each["id"]][4] if each["id"] in ran else None,
            len({p.partition("]")[0] for p in ran if p.startswith(f"{each['id']}[")}),
            _after(each, known),
        )
        for each in written
    ]


def draw_inner(name: str, inner: Sequence[Inner]) -> tuple[list[Node], list[Edge]]:
    """Nodes and edges of the steps inside the step `name`; the first ones hang from that."""
    nodes = [Node(f"{name}.{each.id}", "inner", each.state, each.lines) for each in inner]
    edges = [
        Edge(f"{name}.{before}" if before else name, f"{name}.{each.id}", "inner", _is_taken(each))
        for each in inner
        for before in each.after or ("",)
    ]
    return nodes, edges


def _is_taken(inner: Inner) -> bool:
    return inner.state != "excluded"


def _steps(config: Row) -> list[Row]:
    """The steps of a composition, as far as they can be read: a template of another version may hold anything."""
    written: Any = composition_of(config).get("steps")
    steps = cast("list[Any]", written) if isinstance(written, list) else []
    read = [cast("Row", each) for each in steps if isinstance(each, Mapping)]
    known = [each for each in read if {"id", "kind"} <= each.keys()]
    return known if len(known) <= MOST_INNER else []


def composition_of(config: Row) -> Row:
    """The composition in a step's config; an empty one where there is none."""
    composition: Any = config.get("composition")
    return cast("Row", composition) if isinstance(composition, Mapping) else {}


def _last_told(ran: Sequence[Sequence[Any]]) -> Iterator[Sequence[Any]]:
    """What was told of each place last; that it was recalled says less than what was told before."""
    seen: set[str] = set()
    for row in ran:
        if row[2] != "recalled" or row[0] not in seen:
            seen.add(row[0])
            yield row


def _state(
    name: str, ran: Mapping[str, Sequence[Any]], waiting: str | None, step: Row | None
) -> str | None:
    if step is None:
        return None
    if name in ran:
        return _STATES.get(ran[name][2])
    if name == waiting:
        return "waiting"
    if ran:
        return "pending" if step["state"] != "complete" else None
    # Of a pure composition nothing is kept, so what became of its steps is not known once it has begun.
    return "pending" if step["state"] in _NOT_BEGUN else None


def _after(step: Row, known: set[str]) -> tuple[str, ...]:
    """The steps that one waits for: those that it names, and those that its expressions read."""
    named = [each for each in step.get("needs", ()) if isinstance(each, str)]
    read = [name for text in _texts(step) for name in _references(text)]
    return tuple(dict.fromkeys(n for n in (*read, *named) if n in known and n != step["id"]))


def _references(text: str) -> list[str]:
    names = references(text)
    return sorted(names) if isinstance(names, frozenset) else []


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case Mapping():
            for name, each in cast("Row", value).items():
                if name not in ("id", "kind", "description"):
                    yield from _texts(each)
        case list():
            for each in cast("list[Any]", value):
                yield from _texts(each)
        case _:
            pass
