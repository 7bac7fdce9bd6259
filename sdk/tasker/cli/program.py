"""The outermost command: it turns expected failures into one line and an exit code."""

import io
import sys
from typing import Any

import typer
from typer.core import TyperGroup

from tasker.cli.failures import explain
from tasker.cli.output import tell


class Program(TyperGroup):
    """A group that never shows a traceback for an expected failure."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; on an expected failure, tell of it on standard error and exit with its
        code.
        """
        # What a terminal cannot show is replaced, rather than ending the command in the middle of
        # its answer.
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="replace")
        try:
            return super().invoke(ctx)
        except (typer.Exit, typer.Abort):
            raise
        except Exception as error:
            failure = explain(error)
            if failure is None:
                raise
            tell(f"error: {failure}")
            raise typer.Exit(failure.code) from error
