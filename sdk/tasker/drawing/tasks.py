"""The graph of a task: its steps with their states, and what its template still has or will never have. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from tasker.drawing.graph import Edge, Graph, Node, NodeKind, join_known
from tasker.drawing.inside import draw_inner, read_inner
from tasker.drawing.looks import say_state
from tasker.drawing.parts import part_of
from tasker.drawing.templates import KINDS, draw_edges
from tasker.names import COMPOSITION

__all__ = ["graph_task"]

Row = Mapping[str, Any]

# Of one dynamic step, or of the children of one step, so many are drawn; more are folded into one.
MOST_OF_ONE = 8
_DONE = frozenset({"complete", "resolved_manually"})
_STOPPED = ("error", "cancelled")
# Which state several steps have together: the first of these that one of them has.
_FOREMOST = (
    *("error", "in_progress", "waiting_for_retry", "waiting", "paused", "enqueued", "pending"),
    *("cancelled", "tolerated", "resolved_manually", "complete"),
)


def graph_task(
    task: Row,
    steps: Sequence[Row],
    definition: Row,
    children: Sequence[Row],
    inner: Sequence[Row] = (),
) -> Graph:
    """The graph of a task, as get_task, list_steps, get_template, list_children and list_inner_steps give it.

    The workers of a batch are one node, and so are many dynamic steps of one name; `notes` says so.
    """
    groups = _fold(steps)
    nodes = {name: _node(name, rows) for name, rows in groups.items()}
    absent = {node.name: node for node in _absent(definition["steps"], nodes)}
    nodes |= absent
    of = {row["name"]: name for name, rows in groups.items() for row in rows}
    edges = [
        *_template_edges(definition["steps"], nodes, groups),
        *_grown_edges(steps, of),
    ]
    for more, own in _inside(groups, definition["steps"], inner):
        nodes |= {node.name: node for node in more}
        edges += own
    for node, edge in _children(children, of):
        nodes[node.name] = node
        edges.append(edge)
    title = f"{task['namespace']}/{task['template']} {task['version']}: {say_state(task['state'])}"
    return Graph(
        title,
        tuple(nodes.values()),
        join_known(nodes.values(), edges),
        tuple(_notes(groups, nodes.values())),
        subtitle=f"task {task['task_id']}",
    )


def _base(step: Row) -> str:
    return step["name"].partition("/")[0]


def _fold(steps: Sequence[Row]) -> dict[str, list[Row]]:
    """Steps by the node that stands for them."""
    counts = Counter(_base(step) for step in steps if step["kind"] == "dynamic")
    groups: dict[str, list[Row]] = {}
    for step in steps:
        many = step["kind"] == "dynamic" and counts[_base(step)] > MOST_OF_ONE
        folded = many or step["kind"] == "batch_worker" or step["undoes"]
        groups.setdefault(_base(step) if folded else step["name"], []).append(step)
    return groups


def _node(name: str, rows: Sequence[Row]) -> Node:
    first = rows[0]
    kind: NodeKind = "compensation" if first["undoes"] else first["kind"]
    counts = Counter[str](row["state"] for row in rows)
    state = next((each for each in _FOREMOST if counts[each]), first["state"])
    return Node(name, kind, state, tuple(_lines(kind, rows, counts)), len(rows))


def _lines(kind: str, rows: Sequence[Row], counts: Counter[str]) -> Iterator[str]:
    if kind in KINDS:
        yield KINDS[kind]
    if len(rows) > 1 or kind == "batch_worker":
        yield from _count(counts)
        return
    (row,) = rows
    if part := part_of(row):
        yield part
    yield say_state(row["state"])
    if row["attempt"] > 1:
        yield f"attempt {row['attempt']} of {row['max_attempts']}"
    if row["error"] and row["error"].get("type"):
        yield row["error"]["type"]


def _count(counts: Counter[str]) -> list[str]:
    """How far several steps are: `3 of 10 complete`, then `1 error` and the like."""
    done = sum(counts[state] for state in _DONE)
    rest = [f"{n} {state.replace('_', ' ')}" for state, n in counts.items() if state not in _DONE]
    return [f"{done} of {counts.total()} complete", *rest]


def _absent(steps: Sequence[Row], there: Mapping[str, Node]) -> Iterator[Node]:
    """What the template has and the task has not: excluded for good, or not decided yet."""
    excluded = _find_excluded(steps, there)
    grown = {name.partition("/")[0] for name in there}
    for step in steps:
        if step["name"] not in grown:
            kind = step.get("kind", "standard")
            state = "excluded" if step["name"] in excluded else "undecided"
            lines = [KINDS[kind]] if kind in KINDS else []
            word = {"dynamic": "not asked for", "batch_worker": "none yet"}.get(kind)
            yield Node(
                step["name"],
                kind,
                state,
                (*lines, word if word and state == "undecided" else say_state(state)),
            )


def _find_excluded(steps: Sequence[Row], there: Mapping[str, Node]) -> set[str]:
    """The steps that decisions have not chosen, and those that have no other way to come to be.

    An ordinary step goes with any of its parents, a convergence when all of them are gone.
    """
    kinds = {step["name"]: step.get("kind", "standard") for step in steps}
    excluded: set[str] = set()
    waiting = [step for step in steps if step["name"] not in there and step.get("depends_on")]
    while waiting:
        gone = [
            step
            for step in waiting
            if (all if kinds[step["name"]] == "deferred_convergence" else any)(
                parent in excluded
                or (kinds.get(parent) == "decision" and parent in there and _is_done(there[parent]))
                for parent in step["depends_on"]
            )
        ]
        if not gone:
            break
        excluded.update(step["name"] for step in gone)
        waiting = [step for step in waiting if step["name"] not in excluded]
    return excluded


def _is_done(node: Node) -> bool:
    return node.state in _DONE


def _template_edges(
    steps: Sequence[Row], nodes: Mapping[str, Node], groups: Mapping[str, Sequence[Row]]
) -> Iterator[Edge]:
    """The template's edges, each to all nodes that a dynamic step has come to."""
    instances: dict[str, list[str]] = {}
    for name in groups:
        instances.setdefault(name.partition("/")[0], []).append(name)
    for edge in draw_edges(list(steps)):
        starts, ends = (instances.get(name, [name]) for name in (edge.start, edge.end))
        if edge.kind == "expansion" and edge.end in instances:
            continue  # who has asked for it is known
        for start in starts:
            for end in ends:
                gone = any(nodes[n].state == "excluded" for n in (start, end) if n in nodes)
                yield Edge(start, end, edge.kind, taken=not gone)


def _grown_edges(steps: Sequence[Row], of: Mapping[str, str]) -> Iterator[Edge]:
    """From what has asked for a dynamic step, from what that waits for, and to what undoes a step."""
    numbers = {step["step_no"]: step["name"] for step in steps}
    for step in steps:
        own = of[step["name"]]
        if step["undoes"]:
            yield Edge(of.get(step["undoes"], step["undoes"]), own, "compensation")
        elif step["kind"] == "dynamic":
            asked = numbers.get(step["origin_no"])
            for parent in step["depends_on"]:
                kind = "expansion" if parent == asked else "ordinary"
                yield Edge(of.get(parent, parent), own, kind)


def _inside(
    groups: Mapping[str, Sequence[Row]], definitions: Sequence[Row], inner: Sequence[Row]
) -> Iterator[tuple[list[Node], list[Edge]]]:
    """What is inside each composition step that is drawn by itself."""
    configs: dict[str, Row] = {step["name"]: step.get("config") or {} for step in definitions}
    told = {row["step"]: row for row in inner}
    for name, rows in groups.items():
        if len(rows) == 1 and rows[0].get("handler") == COMPOSITION:
            config = configs.get(_base(rows[0]), {})
            yield draw_inner(name, read_inner(config, rows[0], told.get(rows[0]["name"])))


def _children(children: Sequence[Row], of: Mapping[str, str]) -> Iterator[tuple[Node, Edge]]:
    by_step: dict[str, list[Row]] = {}
    for child in children:
        by_step.setdefault(of.get(child["step"], child["step"]), []).append(child)
    for step, own in by_step.items():
        if len(own) > MOST_OF_ONE:
            counts = Counter[str](child["state"] for child in own)
            state = next((each for each in _FOREMOST if counts[each]), own[0]["state"])
            lines = ("child tasks", *_count(counts))
            node = Node(f"{len(own)} children of {step}", "task", state, lines, len(own))
            yield node, Edge(step, node.name, "child")
            continue
        for child in own:
            name = f"{child['namespace']}/{child['template']} {child['task_id']}"
            lines = (KINDS["task"], child["name"], say_state(child["state"]))
            yield Node(name, "task", child["state"], lines), Edge(step, name, "child")


def _notes(groups: Mapping[str, Sequence[Row]], nodes: Iterable[Node]) -> Iterator[str]:
    for node in nodes:
        if node.count > 1:
            what = {"task": "child tasks", "batch_worker": "workers"}.get(node.kind, "steps")
            yield f"{node.name}: {node.count:,} {what} are drawn as one"
