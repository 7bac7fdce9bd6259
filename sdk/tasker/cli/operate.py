"""Doing one thing to several tasks or steps: each in its own transaction, none stopped by another's
refusal.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import typer

from tasker.cli.exit_codes import ExitCode
from tasker.cli.failures import explain
from tasker.cli.output import Format, show, tell

# Failures that concern only the thing at hand. After any other it makes no sense to go on.
OF_ONE = frozenset({ExitCode.NOT_FOUND, ExitCode.REFUSED, ExitCode.USAGE})


def do_to_each(
    given: Sequence[str],
    act: Callable[[str], Mapping[str, Any]],
    output: Format,
    describe: Callable[[str], str],
    still: Callable[[Mapping[str, Any]], str | None] = lambda _: None,
) -> None:
    """Act on each thing given, write the answers, and tell of those refused on standard error.

    `act` gives {task_id, state, steps}; `describe` says what was done to a thing, `still` what,
    by its answer, is still to come. Raises typer.Exit
    with the code of the first refusal, when there was one.
    """
    answers: list[tuple[str, Mapping[str, Any]]] = []
    first_refusal: ExitCode | None = None
    for thing in given:
        try:
            answers.append((thing, act(thing)))
        except Exception as error:
            failure = explain(error)
            if failure is None or failure.code not in OF_ONE:
                raise
            tell(f"error: {thing}: {failure}")
            first_refusal = first_refusal or failure.code

    def view() -> Any:
        from rich.console import Group

        return Group(
            *[_describe_answer(describe(thing), answer, still(answer)) for thing, answer in answers]
        )

    if answers or output is Format.json:
        show(
            [answer for _, answer in answers],
            output,
            lambda: [answer["task_id"] for _, answer in answers],
            view,
        )
    if first_refusal is not None:
        raise typer.Exit(first_refusal)


def _describe_answer(done: str, answer: Mapping[str, Any], still: str | None) -> str:
    n = answer["steps"]
    steps = f"{n} step{'' if n == 1 else 's'} changed"
    more = "" if still is None else f"; {still}"
    return f"{done}: the task is {answer['state'].replace('_', ' ')}, {steps}{more}"
