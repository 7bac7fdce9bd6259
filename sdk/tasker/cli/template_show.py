"""`tasker template show`: a template's graph and policies, from a file or from the database."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tasker.cli import pictures
from tasker.cli.arguments import (
    CompositionFiles,
    Environment,
    ResourcesFile,
    Url,
    parse_template_ref,
)
from tasker.cli.database import open_database
from tasker.cli.exit_codes import ExitCode
from tasker.cli.failures import CommandFailed
from tasker.cli.output import show
from tasker.cli.pictures import View
from tasker.cli.task_lookup import get_template
from tasker.cli.template_checks import YAML
from tasker.cli.vocabulary import load_vocabulary

if TYPE_CHECKING:
    from tasker.vocabulary import Vocabulary

SHOW = """Examples:

tasker template show shop/order

tasker template show orders.yaml --env production

tasker template show orders.yaml --resources resources.yaml -o svg --to orders.svg"""


def show_template(
    template: Annotated[
        str, typer.Argument(metavar="TEMPLATE", help="NAMESPACE/NAME[@VERSION], or a YAML file.")
    ],
    environment: Environment = None,
    resources: ResourcesFile = None,
    compositions: CompositionFiles = None,
    output: pictures.Output = View.table,
    to: pictures.Target = None,
    url: Url = None,
) -> None:
    """Show a template's graph and policies; of a file, without registering it. Or draw it.

    Of a file also its environments, and with --env the template as it is there, and what that changes.
    """
    pictures.check_target(output, to)
    vocabulary = load_vocabulary(resources, compositions or ())
    found = list(_find(template, environment, vocabulary, url))
    answer = pictures.format_of(output)
    if answer is None:
        from tasker.drawing.templates import graph_template

        graphs = [graph_template(each["definition"]) for each in found]
        pictures.show_pictures(graphs, output, to)
        return

    def view() -> Any:
        from rich.console import Group

        from tasker.cli.template_views import draw_template

        now = datetime.now(UTC)
        return Group(*[draw_template(each, now) for each in found])

    document = found[0] if len(found) == 1 else found
    show(document, answer, lambda: [name_of(each["definition"]) for each in found], view)


def _find(
    template: str, environment: str | None, vocabulary: "Vocabulary | None", url: str | None
) -> Iterator[dict[str, Any]]:
    """The template that is meant, or those of a file, each with its definition."""
    if template.endswith(YAML):
        yield from _load(template, environment, vocabulary)
        return
    if environment is not None:
        raise CommandFailed(
            ExitCode.USAGE,
            "a registered template is as it came out of its environment",
            "Name the YAML file that it was registered from.",
        )
    if vocabulary is not None:
        raise CommandFailed(
            ExitCode.USAGE,
            "a registered template keeps its compositions as they were",
            "Leave --resources and --compositions out, or name a YAML file.",
        )
    with open_database(url) as connection:
        yield get_template(connection, parse_template_ref(template))


def _load(
    file: str, environment: str | None, vocabulary: "Vocabulary | None"
) -> Iterator[dict[str, Any]]:
    from tasker.environments import find_changes
    from tasker.yaml_template import load_templates

    here = load_templates(file, vocabulary=vocabulary)
    there = here
    if environment is not None:
        there = load_templates(file, environment=environment, vocabulary=vocabulary)
    for before, after in zip(here, there, strict=True):
        definition = after.template.to_json()
        document: dict[str, Any] = {
            "definition": definition,
            "created_at": None,
            "environments": list(before.environments),
        }
        if environment is not None:
            changes = find_changes(before.template.to_json(), definition)
            document |= {"environment": environment, "changes": [asdict(each) for each in changes]}
        yield document


def name_of(template: dict[str, Any]) -> str:
    """What a template is called, with its version."""
    return f"{template['namespace']}/{template['name']}@{template['version']}"
