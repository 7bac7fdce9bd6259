"""`tasker fragment …`: check what is proposed for a running task, and print the schema of it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tasker.cli.arguments import Output, read_json
from tasker.cli.composition_uses import InputSchema, Own, ResourcesFile
from tasker.cli.exit_codes import ExitCode
from tasker.cli.failures import CommandFailed
from tasker.cli.output import Format, tell, write_json, write_lines
from tasker.cli.pictures import Target, save

if TYPE_CHECKING:
    from tasker.errors import LocatedFinding
    from tasker_grammar.checking import Report
    from tasker_grammar.composition import Bounds

app = typer.Typer(no_args_is_help=True, help="Check what is proposed for a running task.")


@app.callback()
def fragments() -> None:
    """Check fragments: steps that are proposed for a running task."""


@app.command(
    epilog="Examples:\n\ntasker fragment check plan.json --resources resources.yaml"
    "\n\ntasker fragment check plan.yaml -r resources.yaml --input-schema @input.json"
    " --bounds '{\"max_steps\": 5}'"
)
def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A fragment, in YAML or JSON.")],
    resources: ResourcesFile = None,
    input_schema: InputSchema = None,
    bounds: Annotated[
        str | None,
        typer.Option("--bounds", help="What it may come to, as JSON; @FILE reads a file."),
    ] = None,
    result_schema: Annotated[
        str | None,
        typer.Option(
            "--result-schema",
            help="What it is to give, as a JSON Schema; @FILE reads a file.",
        ),
    ] = None,
    own: Own = None,
    output: Output = Format.table,
) -> None:
    """Check a fragment, and print everything that is wrong as file:line.

    The exit code is 1 where there are errors. Nothing is run, and nothing outside is asked.
    `tasker template explain CODE` says more about a finding.
    """
    from tasker.grammar_files import locate, read_file, read_problems

    known, catalog = _load(resources, own)
    limits = _read_bounds(bounds)
    schemas = [None if each is None else read_json(each) for each in (input_schema, result_schema)]
    documents = read_file(file)
    found = [problem for each in documents for problem in read_problems(each, file)]
    report = None
    if not found:
        if len(documents) != 1:
            what = f"there are {len(documents)} documents in {file}"
            raise CommandFailed(ExitCode.USAGE, what, "A fragment is one.")
        report = _check(documents[0].data, known, catalog, limits, *schemas)
        found = [locate(each, documents[0], file) for each in report.findings]
    _show(file, found, report, output)


@app.command(epilog="Example: tasker fragment schema --to fragment.schema.json")
def schema(to: Target = None) -> None:
    """Print the JSON Schema of fragments, for editors and for models whose answers are held to one."""
    import json

    from tasker_grammar.fragment_schema import fragment_schema

    text = json.dumps(fragment_schema(), indent=2, ensure_ascii=False)
    if to is None:
        write_lines([text])
    else:
        save(text + "\n", to)


def _load(resources: Path | None, own: list[Path] | None) -> tuple[Any, Any]:
    from tasker.actions.resources_file import load_resources
    from tasker.compositions import load_compositions
    from tasker_grammar.resources import Resources

    known = Resources() if resources is None else load_resources(resources)
    return known, load_compositions(own or ())


def _read_bounds(given: str | None) -> "Bounds":
    from pydantic import ValidationError

    from tasker_grammar.composition import Bounds
    from tasker_grammar.shape import shape_findings

    try:
        return Bounds() if given is None else Bounds.model_validate(read_json(given))
    except ValidationError as error:
        told = "; ".join(f"{each.message}. {each.hint}" for each in shape_findings(error, Bounds))
        raise CommandFailed(ExitCode.USAGE, f"these are no bounds: {told}", "") from None


def _check(
    raw: object, resources: Any, catalog: Any, bounds: "Bounds", input_schema: Any, result: Any
) -> "Report":
    from tasker_grammar.checking import check_fragment
    from tasker_grammar.contracts import Contract, SchemaError
    from tasker_grammar.schema_types import type_of
    from tasker_grammar.types import Field, Object

    contract = True if input_schema is None else input_schema
    try:
        for each in (contract, *(() if result is None else (result,))):
            Contract(each)
    except SchemaError as error:
        raise CommandFailed(ExitCode.USAGE, f"a schema is not usable: {error}", "") from None
    given = Object({"input": Field(type_of(contract))})
    return check_fragment(raw, resources, catalog, given, bounds=bounds, result=result)


def _show(
    file: Path, found: "list[LocatedFinding]", report: "Report | None", output: Format
) -> None:
    program = None if report is None else report.program
    match output:
        case Format.json:
            write_json({"sound": program is not None, "findings": [f.as_json() for f in found]})
        case Format.ids:
            write_lines(dict.fromkeys(each.finding.code for each in found))
        case Format.table:
            write_lines(map(str, found))
    errors = sum(each.finding.severity == "error" for each in found)
    told = f"{file}: {errors} error(s)"
    if program is not None:
        cost = program.cost
        told += f"; sound, {program.effect}, at most {cost.work} steps and {cost.writes} writes"
    tell(told)
    if program is None:
        raise typer.Exit(ExitCode.FAILURE)
