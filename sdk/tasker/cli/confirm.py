"""Asking whether to go on, where there is somebody to ask."""

import sys
from collections.abc import Iterable

import typer

from tasker.cli.exit_codes import ExitCode
from tasker.cli.failures import CommandFailed
from tasker.cli.output import tell


def confirm(lines: Iterable[str], question: str) -> None:
    """Say what would be done and ask on a terminal whether to do it; ends the command when not.

    Raises CommandFailed (usage) where there is no terminal.
    """
    for line in lines:
        tell(line)
    if not is_terminal():
        raise CommandFailed(
            ExitCode.USAGE,
            "nobody can be asked here, and nothing was changed",
            "Give --yes, or --dry-run to see what would be done.",
        )
    if not typer.confirm(question, err=True):
        raise typer.Exit(ExitCode.FAILURE)


def is_terminal() -> bool:
    """Whether somebody sits at standard input."""
    return sys.stdin.isatty()
