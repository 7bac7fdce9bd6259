"""What steps may come to at the most: how many, how deep, how wide, how much they write. Pure but for the findings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tasker_grammar.checking.place import Check, Place
from tasker_grammar.checking.reading import Step
from tasker_grammar.checking.scope import StepScope
from tasker_grammar.primitives.interface import Checked, Cost, ProgramStep

__all__ = ["add_costs", "check_cost", "check_kind", "check_width", "count_steps"]


def count_steps(check: Check, steps: Sequence[Mapping[str, Any]], place: Place) -> bool:
    """Whether these steps, with those before, are not too many; if they are, that is reported."""
    check.steps += len(steps)
    most = check.bounds.max_steps
    if check.steps > most:
        what = f"there are {check.steps} steps, with those within others"
        got, hint = str(check.steps), "Leave some out, or use compositions."
        check.report(
            "B201", place.path, place.step, what, hint, expected=f"at most {most}", got=got
        )
    return check.steps <= most


def check_kind(scope: StepScope, step: Step) -> None:
    """Report a kind that may not be used here."""
    kinds = scope.check.bounds.kinds
    if kinds is not None and step.fields.kind not in kinds:
        what = f"a {step.fields.kind} may not be used here"
        scope.report("B205", "/kind", what, f"These may: {', '.join(kinds) or 'none'}.")


def check_width(scope: StepScope, checked: Checked[Any]) -> None:
    """Report a step that may go over more items than it may; those within fan_outs within it are multiplied."""
    most = scope.check.bounds.max_fan_out
    widths = [program.cost.width for program in checked.inside.values()]
    if checked.cost.width > most and max(widths, default=1) <= most:
        what = f"it may go over {checked.cost.width} items at once"
        got = str(checked.cost.width)
        hint = "Lower `max_items`."
        scope.report("B206", "", what, hint, expected=f"at most {most}", got=got)


def check_cost(check: Check, cost: Cost) -> None:
    """Report what a whole comes to, where it is too much."""
    bounds = check.bounds
    for code, name, value, most in (
        ("B202", "steps one behind the other", cost.depth, bounds.max_depth),
        ("B203", "writes", cost.writes, bounds.max_writes),
        ("B208", "invocations of steps", cost.work, bounds.max_work),
    ):
        if value > most:
            what = f"it may come to {value} {name}"
            hint = "Leave some out, or lower `max_items`: each item of a fan_out counts."
            check.report(
                code, "/steps", None, what, hint, expected=f"at most {most}", got=str(value)
            )


def add_costs(steps: Sequence[ProgramStep]) -> Cost:
    """The cost of steps, which stand in an order in which they can run."""
    depths: dict[str, int] = {}
    for step in steps:
        before = max((depths[name] for name in step.waits_for), default=0)
        depths[step.id] = before + step.checked.cost.depth
    costs = [step.checked.cost for step in steps]
    return Cost(
        work=sum(cost.work for cost in costs),
        writes=sum(cost.writes for cost in costs),
        width=max((cost.width for cost in costs), default=1),
        depth=max(depths.values(), default=0),
    )
