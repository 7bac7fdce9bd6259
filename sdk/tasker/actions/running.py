"""Runs composition steps in a worker: joins one to its program, once, and makes its failures the step's. Touches what
the program's world touches.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from tasker.actions.outside import Outside
from tasker.actions.programs import Runnable, reopen
from tasker.actions.step_world import StepWorld
from tasker.binding import BoundHandler, Handler, bind_handler
from tasker.context import StepContext
from tasker.errors import PermanentError, RetryableError
from tasker.grant import Definition, describe_failure
from tasker.injection import Parameter, Signature
from tasker.names import COMPOSITION
from tasker.outcome import Failed, Released
from tasker.template import StepDefinition
from tasker.values import Shape
from tasker_grammar.findings import Finding
from tasker_grammar.running import Ran, run_program
from tasker_grammar.world import ActionFailed

__all__ = ["bind_composition"]

_MISSING_DELAY = 5.0  # seconds until a step that needs other resources is granted again, to whoever
_ABOUT_RESOURCES = "R5"
_MOST_TOLD = 20


def bind_composition(
    definition: Definition, step: StepDefinition, outside: Outside, worker: str
) -> BoundHandler | Released | Failed:
    """What runs the step; or what each attempt comes to in this worker, because its check finds something. Where that
    are only resources that are not there, another worker may have them. Raises DefinitionError.
    """
    runnable, findings = reopen(definition.config, definition.input_schema, outside.resources)
    errors = [each for each in findings if each.severity == "error"]
    if errors and all(each.code.startswith(_ABOUT_RESOURCES) for each in errors):
        lacking = f"worker {worker} lacks resources of the composition: {_tell(errors)}"
        return Released(describe_failure("ResourcesMissing", lacking), _MISSING_DELAY)
    if errors or runnable is None:
        return Failed(describe_failure("CompositionUnsound", _tell(errors)))
    return bind_handler(_handler(runnable, outside), step)


def _handler(runnable: Runnable, outside: Outside) -> Handler:
    program, read_input = runnable.program, runnable.read_input
    is_pure = runnable.effect == "pure"

    async def run_pure(ctx: StepContext) -> Any:
        try:
            given = {"input": read_input(_given(ctx))}
            return await run_program(program, given, StepWorld(ctx, outside))
        except ActionFailed as failure:
            raise _error_of(failure) from None

    async def run(ctx: StepContext) -> Any:
        world = StepWorld(ctx, outside)

        def watch(ran: Ran) -> None:
            world.watch(ran)
            ctx.progress(world.told, note=ran.place)

        try:
            given = {"input": read_input(_given(ctx))}
            result = await run_program(program, given, world, watch)
        except ActionFailed as failure:
            await world.fail(failure)
            raise _error_of(failure) from failure.__cause__
        await world.end()
        return result

    function = run_pure if is_pure else run
    context = Parameter(
        "ctx", Shape("its context", StepContext), is_context=True, has_default=False
    )
    signature = Signature("a composition", (context,), Shape("what the composition gave"))
    return Handler(COMPOSITION, signature, True, lambda: function)


def _given(ctx: StepContext) -> dict[str, Any]:
    return {"input": ctx.task_input, **ctx.results}


def _error_of(failure: ActionFailed) -> RetryableError | PermanentError:
    """The failure as handlers raise theirs: its code is the error's name, so policies and dead letters know it."""
    message = f"{failure.place}: {failure}" if failure.place else str(failure)
    if not failure.retryable:
        return _class_of(failure.code, PermanentError)(message)
    error = _class_of(failure.code, RetryableError)(message)
    error.retry_after = failure.retry_after
    return error


@lru_cache(maxsize=512)
def _class_of(code: str, base: type[Any]) -> type[Any]:
    return type(code, (base,), {"__module__": __name__})


def _tell(findings: list[Finding]) -> str:
    """All of them in a text, a line each."""
    lines = [str(each) for each in findings[:_MOST_TOLD]]
    if len(findings) > _MOST_TOLD:
        lines.append(f"and {len(findings) - _MOST_TOLD} more")
    return "\n".join(lines) or "the check found it unsound"
