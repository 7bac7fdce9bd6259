"""`tasker migrate`: brings a database to the version of this code."""

from typing import Annotated, Any

import typer

from tasker.cli.arguments import Output, Url
from tasker.cli.exit_codes import ExitCode
from tasker.cli.failures import CommandFailed
from tasker.cli.output import Format, show
from tasker.cli.target import find_database


def migrate(
    plan: Annotated[
        bool, typer.Option("--plan", help="Only say what would be done, and change nothing.")
    ] = False,
    output: Output = Format.table,
    url: Url = None,
) -> None:
    """Install or upgrade Tasker in a database, all or nothing.

    Workers and clients may go on meanwhile. The login must own the database, or may create schemas.
    """
    from tasker_sql import migrate as migrator

    act = migrator.plan if plan else migrator.migrate
    try:
        with find_database(url).connect() as connection:
            changes = act(connection).describe()
    except migrator.MigrationError as error:
        raise CommandFailed(ExitCode.FAILURE, str(error)) from error
    title = "Would do" if plan else "Done"

    def view() -> Any:
        from rich.console import Group

        return Group(*[f"{title}: {change}" for change in changes] or ["Nothing to do."])

    show({"plan": plan, "changes": changes}, output, lambda: changes, view)
