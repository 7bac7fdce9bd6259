"""`tasker template check-running`: can this deployment carry on the tasks under way."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer

from tasker.cli.arguments import Environment, Output, TemplateRef, Url
from tasker.cli.database import call_one, open_database
from tasker.cli.exit_codes import ExitCode
from tasker.cli.failures import CommandFailed
from tasker.cli.output import Format, show, tell
from tasker.cli.task_lookup import get_template
from tasker.cli.worker import MOST_GRACE, Commands, Modules, Templates

if TYPE_CHECKING:
    from psycopg import Connection
    from rich.console import RenderableType

    from tasker.binding import Handler
    from tasker.deployment import Needed, Unfit
    from tasker.discovery import Discovery
    from tasker.template import Template
    from tasker_ffi_bridge import Bridge
    from tasker_ffi_bridge.messages import ChildHandler

EPILOG = """Examples, with what the workers will be started with:

tasker template check-running shop.orders --templates templates/

tasker template check-running shop.orders charge.rb --exec './shop-handlers' -o json"""


def check_running(
    modules: Modules = None,
    templates: Templates = None,
    commands: Commands = None,
    environment: Environment = None,
    output: Output = Format.table,
    url: Url = None,
) -> None:
    """Check whether a deployment has handlers that fit for all that tasks under way still need.

    Takes what `tasker worker` takes, and changes nothing. The exit code is 1 when tasks would be
    stuck or fail, with a list of the steps, how many tasks need each, and why. `-o ids` prints the
    versions of templates that are concerned.
    """
    if not (modules or commands):
        what = "there is no deployment to check"
        todo = "Name modules, files (charge.rb, ship.ts), or programs with --exec, as for tasker worker."
        raise CommandFailed(ExitCode.USAGE, what, todo)
    from tasker.deployment import Needed, find_unfit
    from tasker.discovery import discover
    from tasker.given import handlers_by_name
    from tasker.languages import is_foreign, make_bridges

    foreign = [module for module in modules or () if is_foreign(module)]
    found = discover([m for m in modules or () if m not in foreign], templates or (), environment)
    bridges = make_bridges(foreign, commands or (), worker="check-running", grace=MOST_GRACE)
    own = [*found.workflows, *found.templates, *found.handlers]
    handlers: dict[str, Handler | ChildHandler] = {**handlers_by_name(own), **_ask(bridges)}
    with open_database(url) as connection:
        needed = [Needed(**row) for row in call_one(connection, "list_needed_steps")]
        definitions = _get_definitions(connection, needed)
    running, unfit = _read_templates(definitions, needed)
    known = {name: definitions[name] for name in running}
    unfit += [*_find_changed(found, known, needed), *find_unfit(needed, running, handlers)]

    def view() -> "RenderableType":
        return _draw(unfit)

    show(
        [asdict(each) for each in unfit],
        output,
        lambda: dict.fromkeys(u.template for u in unfit),
        view,
    )
    versions = {each.full_name for each in needed}
    tell(
        f"{len(needed)} step(s) of {len(versions)} version(s) needed by tasks under way, {len(unfit)} finding(s)"
    )
    if unfit:
        raise typer.Exit(ExitCode.FAILURE)


def _ask(bridges: "Sequence[Bridge]") -> dict[str, "ChildHandler"]:
    """The handlers that children say they have; each is started, asked, and let go."""
    import anyio

    from tasker_ffi_bridge import BridgeError

    handlers: dict[str, ChildHandler] = {}

    async def ask() -> None:
        for bridge in bridges:
            async with bridge:
                handlers.update((handler.name, handler) for handler in bridge.child.handlers)

    try:
        anyio.run(ask)
    except BridgeError as error:
        raise CommandFailed(
            ExitCode.USAGE, f"the handlers of a child cannot be read: {error}"
        ) from error
    return handlers


def _get_definitions(
    connection: "Connection", needed: "Sequence[Needed]"
) -> dict[str, dict[str, Any]]:
    refs = {each.full_name: (each.namespace, each.template, each.version) for each in needed}
    return {
        name: get_template(connection, TemplateRef(*ref))["definition"]
        for name, ref in refs.items()
    }


def _read_templates(
    definitions: dict[str, dict[str, Any]], needed: "Sequence[Needed]"
) -> tuple[dict[str, "Template"], "list[Unfit]"]:
    """The versions that are needed, and those that cannot be read here."""
    from tasker.definitions import read_template
    from tasker.deployment import Unfit
    from tasker.errors import DefinitionError

    read: dict[str, Template] = {}
    unread: list[Unfit] = []
    for name, definition in definitions.items():
        try:
            read[name] = read_template(definition)
        except DefinitionError as error:
            tasks = _count(needed, name)
            unread.append(Unfit(name, None, None, tasks, "unreadable", str(error)))
    return read, unread


def _find_changed(
    found: "Discovery", running: dict[str, dict[str, Any]], needed: "Sequence[Needed]"
) -> "Iterator[Unfit]":
    from tasker.deployment import find_changed_version

    for template in found.all_templates:
        name = f"{template.full_name}@{template.version}"
        if name in running:
            changed = find_changed_version(running[name], template, _count(needed, name))
            if changed is not None:
                yield changed


def _count(needed: "Sequence[Needed]", name: str) -> int:
    """How many tasks of a version there are at least: as many as need one of its steps."""
    return max(each.tasks for each in needed if each.full_name == name)


def _draw(unfit: "Sequence[Unfit]") -> "RenderableType":
    from tasker.cli.tables import make_table

    if not unfit:
        return "All tasks under way can go on."
    table = make_table("TEMPLATE", "STEP", "TASKS", "CODE", "WHY")
    for each in unfit:
        table.add_row(each.template, each.step or "", str(each.tasks), each.code, each.what)
    return table
