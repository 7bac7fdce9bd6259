"""Which steps of a program run, and which may run now. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Set
from typing import Any

from tasker_grammar.primitives.interface import Program, ProgramStep

__all__ = ["is_left_out", "may_overlap", "not_chosen", "ready"]


def is_left_out(step: ProgramStep, left_out: Set[str]) -> bool:
    """Whether a step does not run, given those before it that do not. As in a template: one that gathers runs when
    at least one that it waits for did; any other, when all did.
    """
    if not left_out:
        return False
    if step.id in left_out:
        return True
    if step.gathers:
        return bool(step.waits_for) and step.waits_for <= left_out
    return not step.waits_for.isdisjoint(left_out)


def not_chosen(step: ProgramStep, output: Any) -> frozenset[str]:
    """The steps that do not run for what a decision came to; none for any other step."""
    if not step.branches:
        return frozenset()
    chosen = step.branches.get(output["branch"], ())
    every = {name for names in step.branches.values() for name in names}
    return frozenset(every.difference(chosen))


def may_overlap(program: Program) -> bool:
    """Whether it has steps that could read at the same time."""
    return sum(step.checked.effect == "read" for step in program.steps) > 1


def ready(waiting: Mapping[str, ProgramStep], settled: Collection[str]) -> Iterator[ProgramStep]:
    """The steps that wait for nothing more, in the program's order."""
    return (step for step in waiting.values() if step.waits_for.issubset(settled))
