"""`tasker dlq …`: what has failed for good, in groups of one cause, and one by one."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from tasker.cli.arguments import Output, Url
from tasker.cli.database import call_all, call_one, open_database
from tasker.cli.exit_codes import ExitCode
from tasker.cli.failures import CommandFailed
from tasker.cli.output import Format, show, tell

app = typer.Typer(
    no_args_is_help=True, help="See the steps that failed for good and wait for an operator."
)

Namespace = Annotated[str | None, typer.Option("--namespace", "-n", help="Only this namespace.")]


@app.command(
    "list",
    epilog="""Examples:

tasker dlq list -n shop

tasker task retry --where fingerprint=4f1c0a9be2d7 --reason 'the gateway is back'""",
)
def list_(namespace: Namespace = None, output: Output = Format.table, url: Url = None) -> None:
    """List what failed for good in groups of one cause, the largest first.

    A group has a fingerprint: the template, the step, the type of the error, and its message
    without numbers, ids, quoted texts and paths. As ids: the fingerprints.
    """
    with open_database(url) as connection:
        found = call_one(connection, "list_dead_letters", namespace=namespace)
    if found["more"]:
        tell(f"only the newest {found['letters']} failed steps are counted")

    def view() -> Any:
        from tasker.cli.queue_views import draw_groups

        return draw_groups(found["groups"], datetime.now(UTC))

    show(found["groups"], output, lambda: [g["fingerprint"] for g in found["groups"]], view)


@app.command(
    "show", epilog="Example: tasker dlq show -n shop -o ids | tasker step retry - --reason 'fixed'"
)
def show_(
    fingerprint: Annotated[
        str | None,
        typer.Argument(metavar="FINGERPRINT", help="Only steps that failed in this way."),
    ] = None,
    namespace: Namespace = None,
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=10000, help="How many at most.")
    ] = 100,
    output: Output = Format.table,
    url: Url = None,
) -> None:
    """Show the steps that failed for good, of one fingerprint or of all, the newest tasks first.

    As ids: TASK/STEP, which the commands for steps take.
    """
    with open_database(url) as connection:
        letters = call_all(
            connection,
            "get_dead_letters",
            fingerprint=fingerprint,
            namespace=namespace,
            max_rows=limit,
        )
    if fingerprint is not None and not letters:
        raise CommandFailed(
            ExitCode.NOT_FOUND,
            f"no failed step has the fingerprint {fingerprint}",
            "List them: tasker dlq list",
        )

    def view() -> Any:
        from tasker.cli.queue_views import draw_dead_letters

        return draw_dead_letters(letters, datetime.now(UTC))

    show(
        letters,
        output,
        lambda: [f"{letter['task_id']}/{letter['step']}" for letter in letters],
        view,
    )
