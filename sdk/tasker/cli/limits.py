"""`tasker limit …`: what bounds how much goes on at once, or in a time, and who stands in line for it."""

from typing import Annotated, Any

import typer

from tasker.cli.arguments import Actor, Output, Reason, Url
from tasker.cli.database import call_all, call_one, open_database
from tasker.cli.exit_codes import ExitCode
from tasker.cli.failures import CommandFailed
from tasker.cli.output import Format, show
from tasker.durations import to_seconds
from tasker.limits import LONGEST, MOST, SHORTEST

app = typer.Typer(no_args_is_help=True, help="See and set how much goes on at once, or in a time.")

LimitName = Annotated[
    str,
    typer.Argument(metavar="LIMIT", help="NAMESPACE/NAME, or queue:NAME for that of a queue."),
]


@app.command("list")
def list_limits(output: Output = Format.table, url: Url = None) -> None:
    """List limits with what runs under each and what stands in line."""
    with open_database(url) as connection:
        limits = call_all(connection, "list_limits")

    def view() -> Any:
        from tasker.cli.limit_views import draw_limits

        return draw_limits(limits)

    show(limits, output, lambda: [limit["name"] for limit in limits], view)


@app.command("show")
def show_limit(
    limit: LimitName,
    most: Annotated[int, typer.Option("--limit", min=1, help="How many keys at most.")] = 50,
    output: Output = Format.table,
    url: Url = None,
) -> None:
    """Show the keys of a limit that are in use, with the most in line first."""
    with open_database(url) as connection:
        keys = call_all(connection, "list_limit_keys", name=limit, max_rows=most)

    def view() -> Any:
        from tasker.cli.limit_views import draw_keys

        return draw_keys(limit, keys)

    show(keys, output, lambda: [key["key"] for key in keys], view)


@app.command(
    "set",
    epilog="Examples:\n\ntasker limit set shop/payments --rate 100/1m --reason 'their new tariff'"
    "\n\ntasker limit set queue:shop --concurrency 20 --reason 'the printer is slow'"
    "\n\ntasker limit set queue:shop --reason 'it is mended'     takes it away",
)
def set_limit(
    limit: LimitName,
    reason: Reason,
    actor: Actor,
    concurrency: Annotated[
        int | None,
        typer.Option(
            "--concurrency", "-c", min=1, max=MOST, help="How many run at once. None: any."
        ),
    ] = None,
    rate: Annotated[
        str | None,
        typer.Option("--rate", help="How many start in any time, as 100/1m. None: any."),
    ] = None,
    output: Output = Format.table,
    url: Url = None,
) -> None:
    """Give a limit other numbers. What runs goes on; what is left out is without bound."""
    count, seconds = (None, None) if rate is None else _read_rate(rate)
    with open_database(url) as connection:
        answer = call_one(
            connection,
            "set_limit",
            name=limit,
            concurrency=concurrency,
            rate=count,
            period_seconds=seconds,
            reason=reason,
            actor=actor,
        )

    def view() -> Any:
        from tasker.cli.limit_views import draw_limits

        return draw_limits([answer])

    show(answer, output, lambda: [limit], view)


def _read_rate(text: str) -> tuple[int, float]:
    """Read `100/1m`, or `100/m`. Raises CommandFailed (usage)."""
    count, _, period = text.partition("/")
    try:
        starts, seconds = int(count), to_seconds(period if period[:1].isdigit() else f"1{period}")
    except ValueError:
        raise CommandFailed(
            ExitCode.USAGE, f"{text!r} is no rate", "Write how many in which time, as 100/1m."
        ) from None
    if not (1 <= starts <= MOST and SHORTEST <= seconds <= LONGEST):
        raise CommandFailed(
            ExitCode.USAGE,
            f"--rate is {text!r}",
            f"Give 1 to {MOST:,} starts, in 1ms to 1d.",
        )
    return starts, seconds
