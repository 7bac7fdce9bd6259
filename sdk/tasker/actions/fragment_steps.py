"""Runs the steps of fragments in a worker. Touches what their programs' world touches.

A fragment is checked again where each of its steps runs; a worker remembers the last few that it has checked.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from tasker.actions.fragments import (
    FRAGMENT,
    HELD,
    RESULT,
    STEP,
    Place,
    Proposed,
    check,
    does_not_run,
    find_step,
    left_out,
    pick,
    read_place,
    seen_by,
    unwrap,
    wrap,
)
from tasker.actions.outside import Outside
from tasker.actions.running import make_handler, refuse, run_in_step
from tasker.binding import BoundHandler, bind_handler
from tasker.context import StepContext
from tasker.durable import Left
from tasker.grant import Definition
from tasker.names import FRAGMENT_RESULT
from tasker.template import StepDefinition
from tasker_grammar.primitives.interface import Program

__all__ = ["bind_fragment_step"]

_REMEMBERED = 64

Find = Callable[[Proposed], Program]


def bind_fragment_step(
    definition: Definition, defined: StepDefinition, outside: Outside, worker: str
) -> BoundHandler:
    """What runs a step of fragments that grow at a place, or gives what they come to."""
    if definition.handler == FRAGMENT_RESULT:
        return bind_handler(make_handler(definition.handler, _give_result), defined)
    find = _finder(read_place(definition.config["fragment"]), outside, worker)

    async def run(ctx: StepContext) -> Any:
        given = ctx.results
        if STEP not in given:
            return given[FRAGMENT]  # it holds the fragment, for the others
        held = Proposed(**given[FRAGMENT])
        program = find(held)
        step = find_step(program, given[STEP])
        outputs = {key: value for key, value in given.items() if key not in HELD}
        if does_not_run(program, step, outputs):
            return left_out()
        seen = {"input": ctx.task_input, **held.given, **seen_by(step, outputs)}
        return wrap(await run_in_step(ctx, outside, pick(program, step), seen))

    return bind_handler(make_handler(definition.handler, run), defined)


async def _give_result(ctx: StepContext) -> Any:
    return unwrap(ctx.results[RESULT])


def _finder(place: Place, outside: Outside, worker: str) -> Find:
    known: OrderedDict[str, Program] = OrderedDict()

    def find(held: Proposed) -> Program:
        text = json.dumps(held.to_json(), sort_keys=True)
        program = known.get(text)
        if program is None:
            program, findings = check(held, place, outside.resources)
            if program is None:
                raise Left(refuse("FragmentUnsound", findings, worker))
            known[text] = program
            if len(known) > _REMEMBERED:
                known.popitem(last=False)
        known.move_to_end(text)
        return program

    return find
