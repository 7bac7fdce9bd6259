"""`tasker resources …`: what compositions may name of the outside, and whether it is there."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tasker.cli.arguments import Output, Url
from tasker.cli.exit_codes import ExitCode
from tasker.cli.failures import CommandFailed
from tasker.cli.output import Format, show, tell, write_json, write_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasker.actions.table_shape import Shape
    from tasker.errors import LocatedFinding
    from tasker_grammar.findings import Finding
    from tasker_grammar.resources import Resource, Resources

app = typer.Typer(
    no_args_is_help=True, help="Check and see what compositions may name of the outside."
)

ResourcesFile = Annotated[Path, typer.Argument(metavar="FILE", help="A file of resources.")]


@app.command(
    epilog="Examples:\n\ntasker resources check resources.yaml"
    "\n\ntasker resources check resources.yaml --url postgresql://worker@db/app"
)
def check(
    file: ResourcesFile,
    strict: Annotated[
        bool, typer.Option("--strict", help="The exit code is 1 for warnings, too.")
    ] = False,
    output: Output = Format.table,
    url: Url = None,
) -> None:
    """Check a file of resources, and print what is found as file:line.

    Secrets are looked for, as a worker would here. With --url, or TASKER_DATABASE_URL, tables are held against the
    database: their columns, types and keys, and whether this login may write them. Nothing is changed, and no
    endpoint is asked. The exit code is 1 when there are errors.
    """
    from tasker.actions.resources_file import examine_resources
    from tasker.grammar_files import locate
    from tasker.settings import read_settings

    resources, document, found = examine_resources(file)
    named = url or read_settings().url
    if resources is not None:
        outside = _look_for_secrets(resources)
        outside += _look_at_tables(resources, named) if named is not None else []
        found = [*found, *(locate(each, document, file) for each in outside)]
    match output:
        case Format.json:
            write_json([each.as_json() for each in found])
        case Format.table | Format.ids:
            write_lines(map(str, found))
    errors, warnings = (_count(found, severity) for severity in ("error", "warning"))
    where = "" if named is None else ", held against the database"
    tell(f"{file}{where}: {errors} error(s), {warnings} warning(s)")
    if errors or (strict and warnings):
        raise typer.Exit(ExitCode.FAILURE)


@app.command("list", epilog="Example: tasker resources list resources.yaml")
def list_resources(file: ResourcesFile, output: Output = Format.table) -> None:
    """List what a file of resources has, by kind and name."""
    rows = [
        {"kind": each.kind, "name": name, "about": _about(each), "description": each.description}
        for name, each in _all(_load(file)).items()
    ]

    def view() -> Any:
        from tasker.cli.tables import make_table

        table = make_table("kind", "name", "", "description")
        for row in rows:
            table.add_row(*row.values())
        return table if rows else "there are no resources in it"

    show(rows, output, lambda: [row["name"] for row in rows], view)


@app.command("show", epilog="Example: tasker resources show resources.yaml orders")
def show_resource(
    file: ResourcesFile,
    name: Annotated[str, typer.Argument(help="The name of a resource.")],
    output: Output = Format.table,
) -> None:
    """Show a resource with its contracts. Secrets are shown by their names."""
    from tasker.names import did_you_mean

    known = _all(_load(file))
    if name not in known:
        hint = did_you_mean(name, known) or f"List them: tasker resources list {file}"
        raise CommandFailed(ExitCode.NOT_FOUND, f"there is no resource {name} in {file}", hint)
    fields = known[name].model_dump(mode="json", by_alias=True, exclude_defaults=True)
    about = {"kind": known[name].kind, **fields}
    show(about, output, lambda: [name], lambda: _to_yaml({name: about}))


@app.command("import", epilog="Example: tasker resources import shop.orders > orders.yaml")
def import_table(
    table: Annotated[
        str,
        typer.Argument(metavar="TABLE", help="TABLE or SCHEMA.TABLE, as they are written there."),
    ],
    output: Output = Format.table,
    url: Url = None,
) -> None:
    """Write a table's entry from the database: its columns with their types, and its key.

    Take out the columns that no composition should write.
    """
    schema, dot, name = table.rpartition(".")
    shape = _read_table(schema if dot else "public", name, url)
    if not shape.keys:
        hint = (
            "A write needs a key, so that it can be repeated. Add a primary key or a unique index."
        )
        raise CommandFailed(ExitCode.REFUSED, f"{table} has no unique index", hint)
    from tasker.actions.table_contracts import describe_table

    entry = describe_table(
        shape, tuple(column for column in shape.columns if column in shape.keys[0])
    )
    show(
        {"tables": {name: entry}},
        output,
        lambda: [name],
        lambda: _to_yaml({"tables": {name: entry}}),
    )


def _load(file: Path) -> "Resources":
    from tasker.actions.resources_file import load_resources
    from tasker.errors import ResourcesError

    try:
        return load_resources(file)
    except ResourcesError as error:
        raise CommandFailed(ExitCode.USAGE, str(error)) from None


def _all(resources: "Resources") -> "dict[str, Resource]":
    return {**resources.endpoints, **resources.tables, **resources.events, **resources.actions}


def _about(resource: "Resource") -> str:
    from tasker_grammar.resources import Action, Endpoint, Event, Secret, Table

    match resource:
        case Endpoint():
            base = resource.base_url
            shown = f"<{base.name}>" if isinstance(base, Secret) else base
            return f"{resource.method} {shown.rstrip('/')}{resource.path}"
        case Table():
            return f"{resource.schema_name}.{resource.table} by ({', '.join(resource.key)})"
        case Event():
            return f"queue {resource.queue}" if resource.queue else ""
        case Action():
            return f"{resource.handler}, {resource.effect}"


def _look_for_secrets(resources: "Resources") -> "list[Finding]":
    from tasker.actions.secret_checks import check_secrets
    from tasker.actions.secrets import read_secrets

    return list(check_secrets(resources, read_secrets()))


def _look_at_tables(resources: "Resources", url: str) -> "list[Finding]":
    import anyio

    from tasker.actions.resources_online import check_tables
    from tasker.actions.secrets import read_secrets
    from tasker.cli.target import find_database

    database = find_database(url)

    async def look() -> "list[Finding]":
        async with await database.connect_async() as connection:
            return await check_tables(resources, connection, read_secrets())

    return anyio.run(look)


def _read_table(schema: str, name: str, url: str | None) -> "Shape":
    import anyio

    from tasker.actions.table_shape import read_shape
    from tasker.cli.target import find_database

    database = find_database(url)

    async def read() -> "Shape | None":
        async with await database.connect_async() as connection:
            return await read_shape(connection, schema, name)

    shape = anyio.run(read)
    if shape is None:
        hint = "Views and foreign tables are not written to."
        raise CommandFailed(ExitCode.NOT_FOUND, f"there is no table {schema}.{name}", hint)
    return shape


def _count(found: "Sequence[LocatedFinding]", severity: str) -> int:
    return sum(each.finding.severity == severity for each in found)


def _to_yaml(data: Any) -> str:
    import yaml

    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True).rstrip()
