"""A graph, of a task or a template, drawn a level at a time with what one asks about a step."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from tasker.cli.graph import Step, split_into_levels
from tasker.cli.marks import describe_counts, describe_state, sign_of, style_of
from tasker.cli.tables import make_table
from tasker.cli.times import format_took, parse_time
from tasker.drawing.parts import part_of

if TYPE_CHECKING:
    from tasker.drawing.inside import Inner

# Of a wide level (a fan-out) only so many steps are drawn; the rest are counted.
STEPS_PER_LEVEL = 12
DONE = frozenset({"complete", "resolved_manually"})


def draw_task_graph(
    steps: Sequence[Step],
    now: datetime,
    per_level: int = STEPS_PER_LEVEL,
    children: Sequence[Mapping[str, Any]] = (),
    inner: Mapping[str, Sequence["Inner"]] | None = None,
) -> Table:
    """Draw a task's steps, as list_steps gives them; of a level, at most `per_level` and a count of
    the others. Child tasks, as list_children gives them, stand under the step that started them; the steps inside a
    composition under the step that runs it.
    """
    table = _make_graph_table("STEP", "STATE", "ATTEMPT", "TOOK", "AFTER")
    for number, level in enumerate(split_into_levels(steps), start=1):
        drawn, hidden = choose_steps(level, per_level)
        for position, step in enumerate(drawn):
            table.add_row(_number(number, position), *_task_cells(step, now))
            for each in (inner or {}).get(step["name"], ()):
                table.add_row("", *_inner_cells(each))
            own = [child for child in children if child["step"] == step["name"]]
            shown, more = choose_steps(own, per_level)
            for child in shown:
                table.add_row("", *_child_cells(child, now))
            if more:
                table.add_row("", _count_hidden(more), "", "", "", "")
        if hidden:
            table.add_row("", _count_hidden(hidden), "", "", "", "")
    return table


def draw_template_graph(steps: Sequence[Step]) -> Table:
    """Draw a definition's steps, as a normalised template has them."""
    table = _make_graph_table("STEP", "HANDLER", "UNDONE BY", "QUEUE", "RETRY", "LIMITS", "AFTER")
    for number, level in enumerate(split_into_levels(steps), start=1):
        for position, step in enumerate(level):
            asking = [s["name"] for s in steps if step["name"] in (s.get("expands") or ())]
            table.add_row(_number(number, position), *_template_cells(step, asking))
    return table


def choose_steps(level: Sequence[Step], most: int) -> tuple[list[Step], list[Step]]:
    """Choose which steps of a wide level to draw: those not done before those that are. Gives
    (drawn, hidden).
    """
    if len(level) <= most:
        return list(level), []
    ranked = sorted(range(len(level)), key=lambda i: (level[i]["state"] in DONE, i))
    drawn = set(ranked[:most])
    return [level[i] for i in sorted(drawn)], [s for i, s in enumerate(level) if i not in drawn]


def describe_progress(progress: Mapping[str, Any]) -> str:
    """Write a handler's progress: `3 of 10 (30 %) copying`."""
    done, total, note = progress.get("done"), progress.get("total"), progress.get("note")
    share = f" of {total:g} ({100 * done / total:.0f} %)" if total and done is not None else ""
    return " ".join(
        part for part in (f"{done:g}{share}" if done is not None else "", note or "") if part
    )


def describe_retry(retry: Mapping[str, Any]) -> str:
    """Write a retry policy: `3 × exponential from 1 s, at most 60 s`."""
    attempts = retry["max_attempts"]
    if attempts == 1:
        return "never"
    if retry["backoff"] == "none":
        return f"{attempts} ×, at once"
    return f"{attempts} × {retry['backoff']} from {retry['base']:g} s, at most {retry['cap']:g} s"


def _make_graph_table(*columns: str) -> Table:
    table = make_table("", *columns)
    table.columns[0].justify = "right"
    table.columns[0].style = "dim"
    return table


def _number(level: int, position: int) -> str:
    return str(level) if position == 0 else ""


def _task_cells(step: Step, now: datetime) -> Iterator[RenderableType]:
    state: str = step["state"]
    part = part_of(step)
    named = f"{step['name']} {part}" if part else step["name"]
    yield Text(f"{sign_of(state)} {named}", style=style_of(state))
    yield describe_state(state) + _describe_undone(step.get("undone"))
    yield f"{step['attempt']} of {step['max_attempts']}" if step["attempt"] else ""
    yield format_took(parse_time(step["started_at"]), parse_time(step["completed_at"]), now)
    yield Text(_join(step["depends_on"]), style="dim")


def _child_cells(child: Mapping[str, Any], now: datetime) -> Iterator[RenderableType]:
    state: str = child["state"]
    template = f"{child['namespace']}/{child['template']}"
    named = "" if child["name"] == child["template"] else f" {child['name']}"
    yield Text(f"  {sign_of(state)} task{named}: {template}", style=style_of(state))
    yield describe_state(state)
    yield ""
    yield format_took(parse_time(child["created_at"]), parse_time(child["completed_at"]), now)
    yield Text(child["task_id"], style="dim")


def _inner_cells(inner: "Inner") -> Iterator[RenderableType]:
    state, code = inner.state, f" {inner.code}" if inner.code else ""
    if state is None:
        yield Text(f"  — {inner.id}")
        yield Text(inner.kind, style="dim")
    else:
        yield Text(f"  {sign_of(state)} {inner.id}", style=style_of(state))
        yield Text(f"{inner.kind}, ", style="dim") + describe_state(state) + Text(code)
    yield ""
    yield "" if inner.milliseconds is None else f"{inner.milliseconds:g} ms"
    yield Text(_join(inner.after), style="dim")


def _describe_undone(state: str | None) -> Text:
    """Write how far a step's compensation is, after the step's own state."""
    match state:
        case None:
            return Text()
        case "complete" | "resolved_manually":
            return Text(", undone", style=style_of(state))
        case "error" | "cancelled":
            return Text(", not undone", style=style_of(state))
        case _:
            return Text(", being undone", style=style_of(state))


def _template_cells(step: Step, asking: Sequence[str]) -> Iterator[RenderableType]:
    yield Text(step["name"], style="bold")
    yield step["handler"] + (
        "" if step.get("kind", "standard") == "standard" else f" ({step['kind']})"
    )
    compensate = step.get("compensate")
    yield Text(compensate["handler"] if compensate else "", style="dim")
    yield step.get("queue") or Text("namespace's", style="dim")
    yield describe_retry(step["retry"])
    yield ", ".join(
        f"{seconds:g} s per {what}"
        for what, seconds in (
            ("attempt", step.get("attempt_time_limit")),
            ("step", step.get("step_time_limit")),
        )
        if seconds is not None
    )
    after = _join(step.get("depends_on") or ())
    yield Text(f"asked for by {_join(asking)}" if asking else after, style="dim")


def _count_hidden(hidden: Sequence[Step]) -> Text:
    counts = Counter[str](step["state"] for step in hidden)
    return (
        Text("… ", style="dim")
        + describe_counts({"total": len(hidden), **counts})
        + Text(" (--all)", style="dim")
    )


def _join(names: Iterable[str], most: int = 4) -> str:
    listed = list(names)
    more = len(listed) - most
    return ", ".join(listed[:most]) + (f" and {more} more" if more > 0 else "")
