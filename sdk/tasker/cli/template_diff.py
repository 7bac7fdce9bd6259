"""`tasker template diff`: what is another between two versions of a template, and who it breaks."""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tasker.cli.arguments import Environment, Output, Url, parse_template_ref
from tasker.cli.database import open_database
from tasker.cli.exit_codes import ExitCode
from tasker.cli.failures import CommandFailed
from tasker.cli.output import Format, show
from tasker.cli.task_lookup import get_template
from tasker.cli.template_checks import YAML

if TYPE_CHECKING:
    from rich.console import RenderableType

    from tasker.comparison import Change
    from tasker.template import Template

EPILOG = """Examples:

tasker template diff shop/order@1.0.0 shop/order@2.0.0

tasker template diff shop/order orders.yaml --breaks callers --breaks readers

tasker template diff shop/order shop.orders:orders -o json"""

SOURCE = "NAMESPACE/NAME[@VERSION] in the database, a YAML file, or MODULE[:WORKFLOW]."


class Broken(StrEnum):
    """Who a change can break."""

    callers = "callers"
    readers = "readers"
    handlers = "handlers"


def diff(
    old: Annotated[str, typer.Argument(metavar="OLD", help=SOURCE)],
    new: Annotated[str, typer.Argument(metavar="NEW", help="The same.")],
    breaks: Annotated[
        list[Broken] | None,
        typer.Option(
            "--breaks", "-b", help="Who must not be broken: for the exit code. Default: anybody."
        ),
    ] = None,
    environment: Environment = None,
    output: Output = Format.table,
    url: Url = None,
) -> None:
    """Compare two versions of a template: steps, edges, contracts, and who each change breaks.

    Callers submit tasks, readers read results, handlers are the code deployed for the old version.
    The exit code is 1 when somebody is broken. `-o ids` prints the paths of the changes.
    """
    from tasker.comparison import compare

    before, after = _choose(_load(old, environment, url), _load(new, environment, url), (old, new))
    changes = compare(before, after)
    counted = [who.value for who in breaks or Broken]
    broken = [who for who in counted if any(change.breaks == who for change in changes)]

    def view() -> "RenderableType":
        return _draw(before, after, changes, broken)

    document = {
        "old": _name(before),
        "new": _name(after),
        "breaks": broken,
        "changes": [change.to_json() for change in changes],
    }
    show(document, output, lambda: [".".join(change.path) for change in changes], view)
    if broken:
        raise typer.Exit(ExitCode.FAILURE)


def _load(source: str, environment: str | None, url: str | None) -> list["Template"]:
    """The templates that a source names."""
    from tasker.definitions import read_template
    from tasker.discovery import discover

    if source.endswith(YAML):
        return list(discover((), [Path(source)], environment).templates)
    if "/" in source and not source.partition(":")[0].endswith(".py"):
        with open_database(url) as connection:
            found: dict[str, Any] = get_template(connection, parse_template_ref(source))
        return [read_template(found["definition"])]
    module, _, wanted = source.partition(":")
    found_here = discover([module]).workflows
    named = [w for w in found_here if wanted in ("", w.name, *_variables(module, w))]
    if not named:
        names = ", ".join(workflow.name for workflow in found_here) or "none"
        raise CommandFailed(
            ExitCode.NOT_FOUND, f"{module} has no workflow {wanted}", f"There are: {names}."
        )
    return [workflow.template for workflow in named]


def _variables(module: str, workflow: object) -> list[str]:
    """What a workflow is called in a module that has been loaded."""
    import sys

    loaded = sys.modules.get(Path(module).stem if module.endswith(".py") else module)
    return [name for name, value in vars(loaded).items() if value is workflow] if loaded else []


def _choose(
    old: Sequence["Template"], new: Sequence["Template"], sources: tuple[str, str]
) -> tuple["Template", "Template"]:
    """The one template of each side; where a source has several, the one that the other side has too."""
    for ours, theirs, source in ((old, new, sources[0]), (new, old, sources[1])):
        if len(ours) != 1 and not (len(theirs) == 1 and _alike(ours, theirs[0])):
            names = ", ".join(map(_name, ours)) or "none"
            raise CommandFailed(
                ExitCode.USAGE,
                f"{source} has not one template, but: {names}",
                "Name one in the database, or a workflow as MODULE:WORKFLOW.",
            )
    return (_alike(old, new[0]) or old)[0], (_alike(new, old[0]) or new)[0]


def _alike(templates: Iterable["Template"], other: "Template") -> list["Template"]:
    return [template for template in templates if template.full_name == other.full_name]


def _draw(
    before: "Template", after: "Template", changes: Sequence["Change"], broken: Sequence[str]
) -> "RenderableType":
    from rich.console import Group

    from tasker.cli.tables import make_heading, make_table

    heading = make_heading(f"{_name(before)} → {_name(after)}")
    if not changes:
        return Group(heading, "Nothing has changed.")
    table = make_table("BREAKS", "CHANGE", "WHERE", "WHAT")
    for change in changes:
        who = "" if change.breaks == "nobody" else change.breaks
        table.add_row(who, f"{change.code} {change.sort}", ".".join(change.path), change.what)
    said = f"It breaks {' and '.join(broken)}." if broken else "It breaks nobody."
    return Group(heading, table, said)


def _name(template: "Template") -> str:
    return f"{template.full_name}@{template.version}"
