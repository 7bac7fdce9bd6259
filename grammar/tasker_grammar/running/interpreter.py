"""The interpreter: runs a program against a world. No I/O of its own; it knows no kind of step.

What is not pure is done once: its output is kept by its place, and a run that begins anew takes it from there. What is
pure is computed again, which gives the same. Steps run one after the other, on the caller's own task; only where a
program has several that read do those run at the same time. What writes, asks or waits runs alone, when nothing reads
any more: so all that was read is made durable with it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from tasker_grammar.expressions import DataError, Expression
from tasker_grammar.leaves import is_larger
from tasker_grammar.normal import normalize
from tasker_grammar.primitives.interface import Program, ProgramStep
from tasker_grammar.running.evaluating import evaluate
from tasker_grammar.running.order import is_left_out, may_overlap, not_chosen, ready
from tasker_grammar.running.together import end
from tasker_grammar.world import ActionFailed, World

__all__ = ["Ran", "Watch", "run_program"]

Json = Any

_READS_AT_ONCE = 8
_TURN = 0.02  # seconds of computing after which others on the event loop get their turn
_LONGEST_SOURCE = 80
_LARGE = 5_000  # values in an output, which are some milliseconds


@dataclass(frozen=True, slots=True)
class Ran:
    """What became of one execution of a step. `recalled`: an earlier run had done it. `failed`: with this `code`."""

    place: str
    kind: str
    state: Literal["complete", "recalled", "left_out", "failed"]
    milliseconds: float = 0
    code: str | None = None


Watch = Callable[[Ran], None]
"""Is told what became of each step, when it is known."""


async def run_program(
    program: Program, given: Mapping[str, Json], world: World, watch: Watch | None = None
) -> Json:
    """What the program gives. `given` is what its expressions see beside the steps: `{"input": ...}`.

    Raises ActionFailed, with the place, for a failure that the program declares. What the world raises to leave the run
    goes through; so does a fault of a primitive's own.
    """
    return await _run_steps(_Run(world, watch), program, given, "", None)


class _Run:
    """What all steps of one run share."""

    __slots__ = ("done", "recalled", "turn", "watch", "world")

    def __init__(self, world: World, watch: Watch | None) -> None:
        self.world = world
        self.watch = watch
        self.recalled = world.recalled
        self.done: dict[str, Json] = {}
        self.turn = time.perf_counter()

    async def normalize(self, output: Json) -> Json:
        if is_larger(output, _LARGE):
            return await self.world.compute(partial(normalize, output))
        return normalize(output)


class _Running:
    """One execution of one step: what its primitive's `run` is given."""

    __slots__ = ("_run", "acted", "given", "parts", "place")

    def __init__(self, run: _Run, place: str, given: Mapping[str, Json]) -> None:
        self._run = run
        self.place = place
        self.given = given
        self.acted = False
        self.parts: list[str] = []

    @property
    def done(self) -> Mapping[str, Json]:
        return self._run.done

    @property
    def world(self) -> World:
        self.acted = True
        return self._run.world

    async def evaluate(self, expression: Expression) -> Json:
        try:
            return await evaluate(expression, self.given, self._run.world.compute)
        except DataError as error:
            source = " ".join(expression.source.split())
            if len(source) > _LONGEST_SOURCE:
                source = source[: _LONGEST_SOURCE - 1] + "…"
            raise ActionFailed(error.code, f"{error}, in {source}", place=self.place) from None

    async def compute(self, call: Callable[[], Json]) -> Json:
        return await self._run.world.compute(call)

    async def run(self, program: Program, given: Mapping[str, Json], name: str) -> Json:
        return await _run_steps(self._run, program, given, f"{self.place}{name}.", self)

    def absorb(self, places: Sequence[str]) -> None:
        """Remember that a part of this step has acted, and where; also of one that failed, which may be passed over."""
        self.acted = True
        self.parts.extend(places)


async def _run_steps(
    run: _Run, program: Program, given: Mapping[str, Json], prefix: str, around: _Running | None
) -> Json:
    execution = _Execution(run, given, prefix, around)
    if may_overlap(program):
        await _as_ready(execution, program)
    else:
        for step in program.steps:
            if not execution.leaves_out(step):
                await execution.run_step(step)
    return execution.outputs[program.result]


async def _as_ready(execution: _Execution, program: Program) -> None:
    waiting = {step.id: step for step in program.steps}
    reading: set[asyncio.Task[None]] = set()
    try:
        while waiting:
            now = list(ready(waiting, execution.settled))
            left_out = [step for step in now if execution.leaves_out(step)]
            quiet = [s for s in now if s not in left_out and s.checked.effect == "pure"]
            reads = [s for s in now if s not in left_out and s.checked.effect == "read"]
            for step in reads[: _READS_AT_ONCE - len(reading)]:
                reading.add(asyncio.ensure_future(execution.run_step(step)))
                del waiting[step.id]
            for step in quiet:
                await execution.run_step(step)
            for step in (*left_out, *quiet):
                del waiting[step.id]
            if left_out or quiet:
                continue
            if reading:
                reading = await _next(reading)
                continue
            step = now[0]
            await execution.run_step(step)
            del waiting[step.id]
        while reading:
            reading = await _next(reading)
    finally:
        await end([*reading])


async def _next(reading: set[asyncio.Task[None]]) -> set[asyncio.Task[None]]:
    """Those that still run when one has ended. Raises what one that ended has raised."""
    ended, still = await asyncio.wait(reading, return_when=asyncio.FIRST_COMPLETED)
    errors = [error for task in ended if (error := task.exception()) is not None]
    if errors:
        await end([*ended, *still])
        raise errors[0]
    return still


class _Execution:
    """One execution of a program: what its steps have come to so far."""

    __slots__ = ("_around", "_given", "_left_out", "_prefix", "_run", "outputs")

    def __init__(
        self, run: _Run, given: Mapping[str, Json], prefix: str, around: _Running | None
    ) -> None:
        self._run = run
        self._given = given
        self._prefix = prefix
        self._around = around
        self._left_out: set[str] = set()
        self.outputs: dict[str, Json] = {}

    @property
    def settled(self) -> set[str]:
        """The steps that have run, or do not."""
        return self._left_out.union(self.outputs)

    def leaves_out(self, step: ProgramStep) -> bool:
        """Whether the step does not run; then that is settled."""
        if not is_left_out(step, self._left_out):
            return False
        self._left_out.add(step.id)
        if self._run.watch is not None:
            self._run.watch(Ran(self._prefix + step.id, step.primitive.kind, "left_out"))
        return True

    async def run_step(self, step: ProgramStep) -> None:
        """Run the step, or recall what it gave."""
        run, place = self._run, self._prefix + step.id
        began = time.perf_counter()
        if place in run.recalled:
            output, acted, state = run.recalled[place], True, "recalled"
        else:
            running = _Running(run, place, self._seen(step))
            try:
                output = await step.primitive.run(step.checked.plan, running)
            except ActionFailed as failure:
                failure.place = failure.place or place
                if running.acted and self._around is not None:
                    self._around.absorb(running.parts)
                self._tell(step, "failed", began, failure.code)
                raise
            acted, state = running.acted, "complete"
            if acted:
                output = await run.normalize(output)
            for part in running.parts:  # what this step gives says all that they did
                run.done.pop(part, None)
        if acted:
            run.done[place] = output
            if self._around is not None:
                self._around.absorb([place])
        self.outputs[step.id] = output
        self._left_out |= not_chosen(step, output)
        self._tell(step, state, began)
        if began - run.turn > _TURN:
            run.turn = began
            await asyncio.sleep(0)

    def _seen(self, step: ProgramStep) -> Mapping[str, Json]:
        if not step.sees:
            return self._given
        outputs = self.outputs
        return {**self._given, **{name: outputs[name] for name in step.sees if name in outputs}}

    def _tell(
        self,
        step: ProgramStep,
        state: Literal["complete", "recalled", "failed"],
        began: float,
        code: str | None = None,
    ) -> None:
        if self._run.watch is not None:
            took = round((time.perf_counter() - began) * 1000, 3)
            kind = step.primitive.kind
            self._run.watch(Ran(self._prefix + step.id, kind, state, took, code))
