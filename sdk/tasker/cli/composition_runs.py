"""Runs a composition in a simulated world, for `tasker composition run`."""

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, cast

from tasker.cli.exit_codes import ExitCode
from tasker.cli.failures import CommandFailed

if TYPE_CHECKING:
    from tasker.cli.composition_uses import Use
    from tasker_grammar.primitives.interface import Program
    from tasker_grammar.running import Ran
    from tasker_grammar.running.simulated import Act


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
    world = SimulatedWorld(cast("dict[str, Any]", results))
    ran: list[Ran] = []
    try:
        end = Gave(asyncio.run(run_program(program, {"input": value}, world, ran.append)))
    except ActionFailed as failure:
        end = Failed(failure.code, failure.place, str(failure))
    except Unanswered as unanswered:
        hint = f"""Say it: --results '{{"{unanswered.place}": …}}'."""
        raise CommandFailed(ExitCode.USAGE, str(unanswered), hint) from None
    return Outcome(end, ran, list(world.acts.values()))


def _hold(use: "Use", value: Any) -> None:
    from tasker_grammar.contracts import check

    for schema in (use.composition.input, use.input_schema):
        if schema is not None and (found := check(schema, value)):
            what = "; ".join(map(str, found))
            raise CommandFailed(ExitCode.USAGE, f"the input does not fit: {what}")
