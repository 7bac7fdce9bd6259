"""`tasker bridge …`: handlers in other languages."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, assert_never

import typer

from tasker.cli.arguments import Output, read_seconds
from tasker.cli.exit_codes import ExitCode
from tasker.cli.failures import CommandFailed
from tasker.cli.output import Format, show, tell, write_lines

app = typer.Typer(no_args_is_help=True, help="Handlers in other languages: is mine right?")


class Part(StrEnum):
    """What runs handlers of another language."""

    ruby = "ruby"
    typescript = "typescript"
    node = "node"


class Profile(StrEnum):
    """How much of the protocol is asked for."""

    minimal = "minimal"
    full = "full"


@app.command(
    context_settings={"ignore_unknown_options": True},
    epilog="Example: tasker bridge test --profile minimal -- sh handlers.sh",
)
def test(
    command: Annotated[
        list[str], typer.Argument(metavar="COMMAND", help="What starts it; after --.")
    ],
    profile: Annotated[
        Profile, typer.Option("--profile", help="Of the whole protocol, or its least.")
    ] = Profile.full,
    patience: Annotated[
        float,
        typer.Option(
            "--patience",
            parser=read_seconds,
            metavar="DURATION",
            help="How long an answer may take, as 500ms, 10s, or a number of seconds.",
        ),
    ] = 10,
    output: Output = Format.table,
) -> None:
    """Try a program against the bridge protocol, and say what passed and what did not.

    It needs the handlers that `tasker bridge handlers` lists. Options stand before the --; what is behind it is the
    program's. Exits with 1 when a case did not pass.
    """
    import anyio

    from tasker_ffi_bridge.conformance import load_cases, try_child

    cases = load_cases(profile.value)
    found: list[dict[str, Any]] = []

    async def run() -> None:
        async for verdict in try_child(command, cases, patience=patience):
            passed = verdict.fault is None
            found.append(
                {
                    "case": verdict.case.name,
                    "says": verdict.case.says,
                    "passed": passed,
                    "fault": verdict.fault,
                    "said": list(verdict.said),
                }
            )
            if output is Format.table:
                write_lines(_describe(found[-1]))

    try:
        anyio.run(run)
    except BrokenPipeError:  # nobody reads what is found
        raise
    except OSError as error:
        raise CommandFailed(
            ExitCode.NOT_FOUND,
            f"{command[0]} cannot be started: {error.strerror}",
            "Name a program that is there.",
        ) from None
    failed = [case["case"] for case in found if not case["passed"]]
    if output is not Format.table:
        show(found, output, lambda: failed, lambda: "")
    not_run = f"; {len(cases) - len(found)} were not run" if len(found) < len(cases) else ""
    tell(f"{len(found) - len(failed)} of {len(cases)} cases passed{not_run}")
    if failed:
        raise typer.Exit(1)


@app.command()
def handlers(output: Output = Format.table) -> None:
    """The handlers that a program under test must have."""
    from tasker.cli.tables import make_facts
    from tasker_ffi_bridge.conformance import HANDLERS

    show(dict(HANDLERS), output, lambda: list(HANDLERS), lambda: make_facts(list(HANDLERS.items())))


@app.command(epilog='Example: ruby -I "$(tasker bridge path ruby)" test/test_handlers.rb')
def path(
    part: Annotated[
        Part, typer.Argument(help="The library for Ruby or TypeScript, or the Node that runs it.")
    ],
) -> None:
    """Say where something of Tasker's is, for the tests of handlers.

    ruby: the folder for `ruby -I`. typescript: the folder with `register.ts`, for `node --import`.
    node: the program that workers run, which is the machine's own when it is new enough.
    """
    write_lines([str(_find(part))])


def _find(part: Part) -> Path:
    from tasker_ffi_bridge import BridgeError, node, ruby

    match part:
        case Part.ruby:
            return ruby.find_library() / "lib"
        case Part.typescript:
            return node.find_library() / "src"
        case Part.node:
            try:
                return node.find_node()
            except BridgeError as error:
                raise CommandFailed(ExitCode.FAILURE, str(error)) from None
        case _:
            assert_never(part)


def _describe(case: dict[str, Any]) -> list[str]:
    if case["passed"]:
        return [f"passed  {case['case']}: {case['says']}"]
    said = [f"        {line}" for line in case["said"]]
    return [f"FAILED  {case['case']}: {case['says']}", f"        {case['fault']}", *said]
