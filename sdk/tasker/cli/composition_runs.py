"""Runs a composition in a simulated world, for `tasker composition run`."""

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, cast

from tasker.cli.exit_codes import ExitCode
from tasker.cli.failures import CommandFailed

if TYPE_CHECKING:
    from tasker.cli.composition_uses import Use
    from tasker_grammar.primitives.interface import Program, ProgramStep
    from tasker_grammar.running import Ran
    from tasker_grammar.running.simulated import Act

_INDEX = re.compile(r"\[\d+\]")
"""Which item a place is about: what is given for all of them alike has none."""


@dataclass(frozen=True, slots=True)
class Gave:
    """It came to this."""

    result: Any


@dataclass(frozen=True, slots=True)
class Failed:
    """It ended in a failure that it declares."""

    code: str
    place: str
    message: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a run: its end, the steps that ran, and what they did outside, in their order."""

    end: Gave | Failed
    ran: "list[Ran]" = field(default_factory=list["Ran"])
    acts: "list[Act]" = field(default_factory=list["Act"])

    def as_json(self) -> dict[str, Any]:
        """`result` or `failure`, `ran` and `acts`."""
        match self.end:
            case Gave():
                end = asdict(self.end)
            case Failed():
                end = {"failure": asdict(self.end)}
        lists = {"ran": [asdict(each) for each in self.ran]}
        return {**end, **lists, "acts": [asdict(each) for each in self.acts]}


def simulate(use: "Use", program: "Program", value: Any, results: Any) -> Outcome:
    """Run a program with this input and these answers. Raises CommandFailed where one of them cannot be."""
    import asyncio

    from tasker_grammar.running import Ran, run_program
    from tasker_grammar.running.simulated import SimulatedWorld, Unanswered
    from tasker_grammar.world import ActionFailed

    _hold(use, value)
    if not isinstance(results, dict):
        hint = """Write, say, --results '{"fetched": {"id": 1}}'."""
        raise CommandFailed(ExitCode.USAGE, "the results are no JSON object", hint)
    answers = cast("dict[str, Any]", results)
    _hold_places(program, answers)
    world = SimulatedWorld(answers)
    ran: list[Ran] = []
    try:
        end = Gave(asyncio.run(run_program(program, {"input": value}, world, ran.append)))
    except ActionFailed as failure:
        end = Failed(failure.code, failure.place, str(failure))
    except Unanswered as unanswered:
        hint = f"""Say it: --results '{{"{unanswered.place}": …}}'."""
        raise CommandFailed(ExitCode.USAGE, str(unanswered), hint) from None
    return Outcome(end, ran, list(world.acts.values()))


def walk_steps(program: "Program", prefix: str = "") -> "Iterator[tuple[str, ProgramStep]]":
    """All steps, those within others behind them, by their places."""
    for step in program.steps:
        place = f"{prefix}{step.id}"
        yield place, step
        for inside in step.checked.inside.values():
            yield from walk_steps(inside, f"{place}.")


def _hold_places(program: "Program", answers: dict[str, Any]) -> None:
    """Raise CommandFailed for an answer of no step: it would be passed over."""
    from tasker_grammar.telling import did_you_mean

    known = [place for place, _ in walk_steps(program)]
    for place in answers:
        if _INDEX.sub("", place) not in known:
            hint = did_you_mean(place, known) or f"There are: {', '.join(known)}."
            what = f"there is no step {place}, whose result is given"
            raise CommandFailed(ExitCode.USAGE, what, hint)


def _hold(use: "Use", value: Any) -> None:
    from tasker_grammar.contracts import check

    for schema in (use.composition.input, use.input_schema):
        if schema is not None and (found := check(schema, value)):
            what = "; ".join(map(str, found))
            raise CommandFailed(ExitCode.USAGE, f"the input does not fit: {what}")
