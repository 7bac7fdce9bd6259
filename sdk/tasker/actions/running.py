"""Runs compositions in a worker: joins a step to its program, once, and makes its failures the step's. Touches what the
program's world touches.
"""

from __future__ import annotations

import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from tasker.actions.outside import Outside
from tasker.actions.programs import Runnable, reopen
from tasker.actions.step_world import StepWorld
from tasker.binding import BoundHandler, Handler, bind_handler
from tasker.context import StepContext
from tasker.durable import Left
from tasker.grant import Definition, describe_failure, describe_foreign
from tasker.injection import Parameter, Signature
from tasker.names import COMPOSITION
from tasker.outcome import LACKING_DELAY, Failed, Released, Retried
from tasker.template import StepDefinition
from tasker.values import Shape
from tasker_grammar.findings import Finding
from tasker_grammar.primitives.interface import Program
from tasker_grammar.running import Ran, run_program
from tasker_grammar.world import ActionFailed

__all__ = [
    "bind_composition",
    "make_handler",
    "refuse",
    "run_in_step",
]

_ABOUT_RESOURCES = "R5"
_MOST_TOLD = 20


def bind_composition(
    definition: Definition, step: StepDefinition, outside: Outside, worker: str
) -> BoundHandler | Released | Failed:
    """What runs the step; or what each attempt comes to in this worker, because its check finds something. Where that
    are only resources that are not there, another worker may have them. Raises DefinitionError.
    """
    runnable, findings = reopen(definition.config, definition.input_schema, outside.resources)
    if runnable is None:
        return refuse("CompositionUnsound", findings, worker)
    return bind_handler(make_handler(COMPOSITION, _runner(runnable, outside)), step)


def refuse(kind: str, findings: Sequence[Finding], worker: str) -> Released | Failed:
    """What a step comes to whose check finds something: it waits for another worker, where this one only lacks
    resources; else it has failed, with an error of this kind.
    """
    errors = [each for each in findings if each.severity == "error"]
    if errors and all(each.code.startswith(_ABOUT_RESOURCES) for each in errors):
        lacking = f"worker {worker} lacks resources of the composition: {_describe(errors)}"
        return Released(describe_failure("ResourcesMissing", lacking), LACKING_DELAY)
    return Failed(describe_failure(kind, _describe(errors)))


def _describe(findings: Sequence[Finding]) -> str:
    """A line for each."""
    lines = [str(each) for each in findings[:_MOST_TOLD]]
    if len(findings) > _MOST_TOLD:
        lines.append(f"and {len(findings) - _MOST_TOLD} more")
    return "\n".join(lines) or "the check found it unsound"


def make_handler(name: str, run: Callable[[StepContext], Awaitable[Any]]) -> Handler:
    """A handler of Tasker's own, which takes the context."""
    context = Parameter("ctx", Shape("its context", StepContext), True, False)
    signature = Signature(name, (context,), Shape("what the composition gave"))
    return Handler(name, signature, True, lambda: run)


async def run_in_step(
    ctx: StepContext, outside: Outside, program: Program, given: Mapping[str, Any]
) -> Any:
    """What a program gives that runs in a step. Leaves with the step's outcome where it fails."""
    world = StepWorld(ctx, outside)
    if program.effect == "pure":
        try:
            return await run_program(program, given, world)
        except ActionFailed as failure:
            raise _leave(failure) from None

    def watch(ran: Ran) -> None:
        world.watch(ran)
        ctx.progress(world.told, note=ran.place)

    try:
        result = await run_program(program, given, world, watch)
    except ActionFailed as failure:
        await world.fail(failure)
        raise _leave(failure) from None
    await world.end()
    return result


def _runner(runnable: Runnable, outside: Outside) -> Callable[[StepContext], Awaitable[Any]]:
    async def run(ctx: StepContext) -> Any:
        try:
            given = {"input": ctx.task_input, **ctx.results}
            value = await runnable.read_input(given, outside.compute)
        except ActionFailed as failure:
            raise _leave(failure) from None
        return await run_in_step(ctx, outside, runnable.program, {"input": value})

    return run


def _leave(failure: ActionFailed) -> Left:
    """The failure as handlers' errors are kept: its code is the error's name, so policies and dead letters know it.

    Where Tasker's own code has failed, in a way that it says, no traceback says more; but that of a user's function
    does.
    """
    message = f"{failure.place}: {failure}" if failure.place else str(failure)
    cause = failure.__cause__
    trace = None if cause is None else "".join(traceback.format_exception(cause))
    kind = "RetryableError" if failure.retryable else "PermanentError"
    told = describe_foreign(failure.code, message, (kind, "TaskerError"), trace)
    return Left(Retried(told, failure.retry_after) if failure.retryable else Failed(told))
