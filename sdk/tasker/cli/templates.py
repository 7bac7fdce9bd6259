"""`tasker template …`: register, check and see templates, from files, modules and the database."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tasker.cli import pictures
from tasker.cli.arguments import Environment, Output, Url, parse_template_ref
from tasker.cli.database import call_all, call_one, open_database
from tasker.cli.exit_codes import ExitCode
from tasker.cli.failures import CommandFailed
from tasker.cli.output import Format, show, tell, write_json, write_lines
from tasker.cli.pictures import View
from tasker.cli.task_lookup import get_template
from tasker.cli.template_changes import pause, resume
from tasker.cli.template_schema import EPILOG, schema

if TYPE_CHECKING:
    from tasker.template import Template

app = typer.Typer(no_args_is_help=True, help="Register, check and see templates.")

YAML = (".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class Remark:
    """Something about a template file that its author should know. `level` is error or warning."""

    level: str
    file: str
    line: int
    what: str
    mend: str

    def __str__(self) -> str:
        """Write it as compilers do, so that editors can jump to it."""
        return f"{self.file}:{self.line}: {self.level}: {self.what}. {self.mend}".rstrip()


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

    def view() -> Any:
        from rich.console import Group

        return Group(*[_describe_registered(answer) for answer in answers])

    show(answers, output, lambda: [_name(answer) for answer in answers], view)


@app.command(epilog="Example: tasker template validate templates/*.yaml")
def validate(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE", help="YAML files, or folders of them.")
    ],
    environment: Environment = None,
    output: Output = Format.table,
) -> None:
    """Check template files, and print what is wrong as file:line.

    The exit code is 1 when there are errors; warnings alone leave it at 0. Needs no database.
    """
    paths = list(list_files(files))
    remarks = [remark for path in paths for remark in check_file(path, environment)]
    match output:
        case Format.json:
            write_json([{name: getattr(r, name) for name in Remark.__slots__} for r in remarks])
        case Format.ids:
            write_lines(dict.fromkeys(remark.file for remark in remarks))
        case Format.table:
            write_lines(map(str, remarks))
    errors = sum(remark.level == "error" for remark in remarks)
    tell(f"{len(paths)} file(s), {errors} error(s), {len(remarks) - errors} warning(s)")
    if errors:
        raise typer.Exit(ExitCode.FAILURE)


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


def load_sources(sources: Sequence[str], environment: str | None = None) -> Iterator["Template"]:
    """Load the templates of YAML files, of folders and of modules. Raises what loading raises."""
    from tasker.discovery import discover

    for source in sources:
        path = Path(source)
        if path.suffix in YAML or (path.is_dir() and not (path / "__init__.py").exists()):
            yield from discover((), [path], environment).templates
        else:
            yield from discover([source]).all_templates


def list_files(given: Iterable[Path]) -> Iterator[Path]:
    """List YAML files, looking into folders. Raises CommandFailed for what is not there."""
    for path in given:
        if path.is_dir():
            yield from sorted(p for p in path.rglob("*") if p.suffix in YAML)
        elif path.exists():
            yield path
        else:
            raise CommandFailed(ExitCode.USAGE, f"there is no file {path}")


def check_file(path: Path, environment: str | None = None) -> Iterator[Remark]:
    """Load a template file and give what is to be said about it."""
    from tasker.errors import TemplateError
    from tasker.yaml_template import load_templates

    try:
        for loaded in load_templates(path, environment=environment):
            for warning in loaded.warnings:
                yield Remark("warning", warning.file, warning.line, warning.what, warning.mend)
    except TemplateError as error:
        for finding in error.findings:
            yield Remark("error", finding.file, finding.line, finding.what, finding.mend)


def _name(template: dict[str, Any]) -> str:
    return f"{template['namespace']}/{template['name']}@{template['version']}"


def _describe_registered(answer: dict[str, Any]) -> str:
    return f"{_name(answer)} " + ("registered" if answer["created"] else "was registered already")
