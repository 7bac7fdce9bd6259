"""Checks a composition that has no parameters left: its steps, and what it declares of them. Pure but for the
findings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from tasker_grammar.checking.fitting import judge, why_unusable
from tasker_grammar.checking.place import Check, Place
from tasker_grammar.composition import Composition
from tasker_grammar.contracts import Schema, Yes
from tasker_grammar.effects import exceeds
from tasker_grammar.primitives.interface import Program
from tasker_grammar.type_words import describe
from tasker_grammar.types import Type

__all__ = ["CheckSteps", "check_closed", "input_fits", "is_usable", "result_fits"]


class CheckSteps(Protocol):
    """Checks a list of steps. Gives the program, if it is sound, and how confidential is what it gives."""

    def __call__(
        self, check: Check, steps: Sequence[Mapping[str, Any]], result: object, place: Place
    ) -> tuple[Program | None, int]:
        """See `steps.check_steps`."""
        ...


def check_closed(
    check: Check, composition: Composition, place: Place, check_steps: CheckSteps
) -> tuple[Program | None, int]:
    """The program of a composition, for what is given at the place; or what is wrong with it is reported."""
    errors = check.errors
    program, label = check_steps(check, composition.steps, composition.result, place)
    if (
        composition.output is not None
        and is_usable(check, "/output", composition.output)
        and program
    ):
        result_fits(check, program, composition.output, "/output")
    if program and composition.effect is not None and exceeds(program.effect, composition.effect):
        check.report(
            "E404",
            "/effect",
            None,
            f"it declares that it is {composition.effect}, and is {program.effect}",
            "Declare what it does, or take the stronger steps out.",
            expected=composition.effect,
            got=program.effect,
        )
    return (program if check.errors == errors else None), label


def input_fits(check: Check, composition: Composition, given: Type) -> bool:
    """Whether what a composition is given fits what it takes; if not, that is reported."""
    return is_usable(check, "/input", composition.input) and _fits(
        check, "C308", "/input", given, composition.input
    )


def result_fits(check: Check, program: Program, contract: Schema, path: str) -> bool:
    """Whether what the program gives fits what was asked for."""
    return _fits(check, "C309", path, program.output, contract)


def is_usable(check: Check, path: str, schema: Schema, step: str | None = None) -> bool:
    """Whether it is a usable schema; if not, that is reported, of a step if it is one's."""
    error = why_unusable(schema)
    if error is not None:
        what = f"the schema is not usable: {error}"
        check.report("S601", path, step, what, "It is JSON Schema 2020-12.")
    return error is None


def _fits(check: Check, code: str, path: str, given: Type, contract: Schema) -> bool:
    verdict = judge(given, contract)
    if isinstance(verdict, Yes):
        return True
    what = f"at {verdict.path}: {verdict.explanation}"
    hint = "Give it as the contract has it; a `validate` before it holds a value to a schema."
    check.report(code, path, None, what, hint, got=describe(given))
    return False
