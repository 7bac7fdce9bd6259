"""`tasker demo`: two workflows on real processes, one worker killed, everything checked."""

import typer

from tasker.cli.arguments import Url
from tasker.cli.exit_codes import ExitCode
from tasker.cli.failures import CommandFailed
from tasker.cli.output import make_console
from tasker.cli.target import find_database


def demo(url: Url = None) -> None:
    """Show it at work: failing payments, a data pipeline, and a worker killed in mid-step.

    Starts two workers, an orchestrator and a payment service that fails in every way such services
    do, on the embedded database or the one named; kills one worker, and checks that every card was
    charged exactly once all the same. Takes less than 40 seconds, and ends what it started.
    """
    from tasker.demo.failure import DemoFailed
    from tasker.demo.performance import give_performance
    from tasker_sql.migrate import migrate

    console = make_console()
    try:
        database = find_database(url)
        with database.connect() as connection:
            migrate(connection)
        if not give_performance(database, console):
            raise CommandFailed(ExitCode.FAILURE, "not everything held that must (see above)")
    except DemoFailed as failure:
        raise CommandFailed(ExitCode.FAILURE, f"the demonstration failed: {failure}") from failure
    except KeyboardInterrupt:
        raise typer.Exit(ExitCode.INTERRUPTED) from None
