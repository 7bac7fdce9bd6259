"""`tasker template pause|resume`: hold all tasks of a template, those to come included."""

from typing import Annotated, Any

import typer

from tasker.cli.arguments import Actor, Output, Reason, Url, parse_template_ref
from tasker.cli.change_many import show_tally, walk_pages
from tasker.cli.database import open_database
from tasker.cli.output import Format

TemplateName = Annotated[
    str,
    typer.Argument(
        metavar="TEMPLATE", help="NAMESPACE/NAME for all versions, NAMESPACE/NAME@VERSION for one."
    ),
]


def pause(
    template: TemplateName,
    reason: Reason,
    actor: Actor,
    output: Output = Format.table,
    url: Url = None,
) -> None:
    """Hold a template until it is resumed: no step of its tasks starts; new tasks wait.

    Handlers that are running go on, and what they come to is applied.
    """
    _change("pause_template", "paused", template, output, url, reason=reason, actor=actor)


def resume(
    template: TemplateName,
    reason: Reason,
    actor: Actor,
    output: Output = Format.table,
    url: Url = None,
) -> None:
    """Let a paused template go on, with the tasks that its pause has held.

    A task that an operator has paused by itself stays paused.
    """
    _change("resume_template", "resumed", template, output, url, reason=reason, actor=actor)


def _change(
    verb: str, done: str, template: str, output: Format, url: str | None, **why: Any
) -> None:
    ref = parse_template_ref(template)
    where = {"namespace": ref.namespace, "name": ref.name, "version": ref.version}
    with open_database(url) as connection:
        tally = walk_pages(connection, verb, **where, **why)
    show_tally(tally, f"of {ref} {done}", output)
