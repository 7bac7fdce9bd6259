"""`tasker template …`: register, check and see templates, from files, modules and the database."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tasker.cli import pictures
from tasker.cli.arguments import Environment, Output, Url, parse_template_ref
from tasker.cli.database import call_all, call_one, open_database
from tasker.cli.exit_codes import ExitCode
from tasker.cli.failures import CommandFailed
from tasker.cli.output import Format, show, tell
from tasker.cli.pictures import View
from tasker.cli.task_lookup import get_template
from tasker.cli.template_changes import pause, resume
from tasker.cli.template_checks import VALIDATE, YAML, explain, validate
from tasker.cli.template_schema import EPILOG, schema

if TYPE_CHECKING:
    from tasker.template import Template

app = typer.Typer(no_args_is_help=True, help="Register, check and see templates.")


@app.command(epilog="Example: tasker template register templates/ shop.orders")
def register(
    sources: Annotated[
        list[str],
        typer.Argument(metavar="SOURCE", help="YAML files, folders of them, or Python modules."),
    ],
    environment: Environment = None,
    output: Output = Format.table,
    url: Url = None,
) -> None:
    """Register templates from YAML files and from workflows in modules.

    A template that is registered already is no change; another one under its version is refused.
    """
    found = list(load_sources(sources, environment))
    if not found:
        raise CommandFailed(ExitCode.USAGE, "there is no template in " + ", ".join(sources))
    answers = register_templates(found, url)
    _tell_unserved(found, url)

    def view() -> Any:
        from rich.console import Group

        return Group(*[_describe_registered(answer) for answer in answers])

    show(answers, output, lambda: [_name(answer) for answer in answers], view)


app.command(epilog=VALIDATE)(validate)
app.command(epilog="Example: tasker template explain contract-misfit")(explain)


@app.command("list")
def list_(
    namespace: Annotated[
        str | None, typer.Option("--namespace", "-n", help="Only this namespace.")
    ] = None,
    output: Output = Format.table,
    url: Url = None,
) -> None:
    """List registered templates, the latest version of each first."""
    with open_database(url) as connection:
        templates = call_all(connection, "list_templates", namespace=namespace)

    def view() -> Any:
        from tasker.cli.template_views import draw_templates

        return draw_templates(templates, datetime.now(UTC))

    show(templates, output, lambda: [_name(template) for template in templates], view)


@app.command(
    "show",
    epilog="""Examples:

tasker template show shop/order

tasker template show orders.yaml -o svg --to orders.svg""",
)
def show_(
    template: Annotated[
        str, typer.Argument(metavar="TEMPLATE", help="NAMESPACE/NAME[@VERSION], or a YAML file.")
    ],
    output: pictures.Output = View.table,
    to: pictures.Target = None,
    url: Url = None,
) -> None:
    """Show a template's graph and policies; of a file, without registering it. Or draw a picture of the graph."""
    pictures.check_target(output, to)
    if template.endswith(YAML):
        found: list[dict[str, Any]] = [
            {"definition": t.to_json(), "created_at": None} for t in load_sources([template])
        ]
    else:
        with open_database(url) as connection:
            found: list[dict[str, Any]] = [get_template(connection, parse_template_ref(template))]
    answer = pictures.format_of(output)
    if answer is None:
        from tasker.drawing.templates import graph_template

        graphs = [graph_template(each["definition"]) for each in found]
        pictures.show_pictures(graphs, output, to)
        return

    def view() -> Any:
        from rich.console import Group

        from tasker.cli.template_views import draw_template
        from tasker.cli.times import parse_time

        now = datetime.now(UTC)
        return Group(
            *[
                draw_template(each["definition"], parse_time(each["created_at"]), now)
                for each in found
            ]
        )

    document = found[0] if len(found) == 1 else found
    show(document, answer, lambda: [_name(each["definition"]) for each in found], view)


app.command(epilog="Example: tasker template pause shop/order --reason 'the gateway is down'")(
    pause
)
app.command()(resume)


app.command(epilog=EPILOG)(schema)


def register_templates(templates: Iterable["Template"], url: str | None) -> list[dict[str, Any]]:
    """Register templates one after the other; give what the database said of each."""
    from psycopg.types.json import Jsonb

    with open_database(url) as connection:
        return [
            call_one(connection, "register_template", definition=Jsonb(template.to_json()))
            for template in templates
        ]


def _tell_unserved(templates: Iterable["Template"], url: str | None) -> None:
    """Warn of handlers that none of the workers that report has; say nothing where there is no worker."""
    from tasker.checking.handlers import find_handler_faults

    with open_database(url) as connection:
        workers = call_all(connection, "list_workers")
    known = {handler for worker in workers for handler in worker["handlers"] or ()}
    for template in templates if workers else ():
        for fault in find_handler_faults(template, known):
            tell(fault.line_about(template.full_name))


def load_sources(sources: Sequence[str], environment: str | None = None) -> Iterator["Template"]:
    """Load the templates of YAML files, of folders and of modules, and tell what is to be warned of.

    Raises what loading raises.
    """
    from tasker.discovery import discover

    for source in sources:
        path = Path(source)
        if path.suffix in YAML or (path.is_dir() and not (path / "__init__.py").exists()):
            found = discover((), [path], environment)
        else:
            found = discover([source])
        for line in found.warnings:
            tell(line)
        yield from found.all_templates


def _name(template: dict[str, Any]) -> str:
    return f"{template['namespace']}/{template['name']}@{template['version']}"


def _describe_registered(answer: dict[str, Any]) -> str:
    return f"{_name(answer)} " + ("registered" if answer["created"] else "was registered already")
