"""`tasker template …`: register, check and see templates, from files, modules and the database."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tasker.cli.arguments import CompositionFiles, Environment, Output, ResourcesFile, Url
from tasker.cli.check_running import EPILOG as CHECK_RUNNING
from tasker.cli.check_running import check_running
from tasker.cli.database import call_all, call_one, open_database
from tasker.cli.exit_codes import ExitCode
from tasker.cli.failures import CommandFailed
from tasker.cli.output import Format, show, tell
from tasker.cli.template_changes import pause, resume
from tasker.cli.template_checks import VALIDATE, YAML, explain, validate
from tasker.cli.template_diff import EPILOG as DIFF
from tasker.cli.template_diff import diff
from tasker.cli.template_schema import EPILOG, schema
from tasker.cli.template_show import SHOW, name_of, show_template
from tasker.cli.vocabulary import load_vocabulary

if TYPE_CHECKING:
    from tasker.template import Template
    from tasker.vocabulary import Vocabulary

app = typer.Typer(no_args_is_help=True, help="Register, check and see templates.")


@app.command(epilog="Example: tasker template register templates/ shop.orders")
def register(
    sources: Annotated[
        list[str],
        typer.Argument(metavar="SOURCE", help="YAML files, folders of them, or Python modules."),
    ],
    environment: Environment = None,
    resources: ResourcesFile = None,
    compositions: CompositionFiles = None,
    output: Output = Format.table,
    url: Url = None,
) -> None:
    """Register templates from YAML files and from workflows in modules.

    A template that is registered already is no change; another one under its version is refused.
    """
    found = load_sources(sources, environment, load_vocabulary(resources, compositions or ()))
    if not found:
        raise CommandFailed(ExitCode.USAGE, "there is no template in " + ", ".join(sources))
    answers = register_templates(found, url)
    _tell_unserved(found, url)

    def view() -> Any:
        from rich.console import Group

        return Group(*[_describe_registered(answer) for answer in answers])

    show(answers, output, lambda: [name_of(answer) for answer in answers], view)


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

    show(templates, output, lambda: [name_of(template) for template in templates], view)


app.command("show", epilog=SHOW)(show_template)
app.command(epilog="Example: tasker template pause shop/order --reason 'the gateway is down'")(
    pause
)
app.command()(resume)


app.command(epilog=EPILOG)(schema)
app.command(epilog=DIFF)(diff)
app.command("check-running", epilog=CHECK_RUNNING)(check_running)


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


def load_sources(
    sources: Sequence[str],
    environment: str | None = None,
    vocabulary: "Vocabulary | None" = None,
) -> tuple["Template", ...]:
    """Load the templates of YAML files, of folders and of modules, and tell what is to be warned of.

    Raises what loading raises.
    """
    from tasker.discovery import discover

    paths = [path for path in map(Path, sources) if _holds_yaml(path)]
    modules = [source for source in sources if Path(source) not in paths]
    found = discover(modules, paths, environment, vocabulary)
    for line in found.warnings:
        tell(line)
    return found.all_templates


def _holds_yaml(path: Path) -> bool:
    return path.suffix in YAML or (path.is_dir() and not (path / "__init__.py").exists())


def _describe_registered(answer: dict[str, Any]) -> str:
    return f"{name_of(answer)} " + ("registered" if answer["created"] else "was registered already")
