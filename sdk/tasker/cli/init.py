"""`tasker init`: a new project, in one of the languages that handlers can be written in."""

from pathlib import Path
from typing import Annotated, assert_never

import typer

from tasker.cli.exit_codes import ExitCode
from tasker.cli.failures import CommandFailed
from tasker.cli.output import tell, write_lines
from tasker.scaffold import Language, find_project_fault, make_project


def init(
    name: Annotated[
        str, typer.Argument(help="Its folder in this one, its namespace and its package.")
    ],
    language: Annotated[
        Language, typer.Option("--lang", help="What its handlers are written in.")
    ] = Language.python,
) -> None:
    """Make a project: a workflow, its handlers, tests, and a README with the commands.

    Its handlers run with `tasker dev`, and its tests pass, both straight after.
    """
    fault = find_project_fault(name)
    if fault is not None:
        raise CommandFailed(ExitCode.USAGE, f"{name!r} names no project: it {fault}")
    try:
        files = make_project(Path(name), language)
    except FileExistsError:
        raise CommandFailed(
            ExitCode.REFUSED,
            f"{name} is there already, and is no empty folder",
            "Choose another name.",
        ) from None
    except OSError as error:
        raise CommandFailed(
            ExitCode.FAILURE, f"{name} cannot be made here: {error.strerror}"
        ) from None
    write_lines(
        [
            f"made {name}: {', '.join(map(str, files))}",
            f"next: cd {name} && tasker dev {_say_handlers(language)} --log-level info",
            f"{name}/README.md has the other commands",
        ]
    )
    missing = _find_missing(language)
    if missing is not None:
        tell(f"note: {missing}")


def _say_handlers(language: Language) -> str:
    match language:
        case Language.python:
            return "signup.py"
        case Language.ruby:
            return "handlers.rb --templates signup.yaml"
        case Language.typescript:
            return "handlers.ts --templates signup.yaml"
        case _:
            assert_never(language)


def _find_missing(language: Language) -> str | None:
    """What this machine lacks to run handlers in a language, and how to install it."""
    from tasker_ffi_bridge import BridgeError
    from tasker_ffi_bridge.node import find_node
    from tasker_ffi_bridge.ruby import find_ruby

    try:
        match language:
            case Language.python:
                pass
            case Language.ruby:
                find_ruby()
            case Language.typescript:
                find_node()
            case _:
                assert_never(language)
    except BridgeError as error:
        return str(error)
    return None
