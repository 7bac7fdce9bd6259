"""`tasker fragment …`: check what is proposed for a running task, and print the schema of it."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from tasker.cli.arguments import CompositionFiles, Output, ResourcesFile, read_json
from tasker.cli.composition_uses import InputSchema
from tasker.cli.exit_codes import ExitCode
from tasker.cli.failures import CommandFailed
from tasker.cli.output import Format, tell, write_json, write_lines
from tasker.cli.pictures import Target, save
from tasker.cli.sarif import Sarif, write_sarif

if TYPE_CHECKING:
    from tasker.actions.fragments import Place
    from tasker.errors import LocatedFinding
    from tasker_grammar.composition import Bounds
    from tasker_grammar.contracts import Schema
    from tasker_grammar.primitives.interface import Program
    from tasker_grammar.resources import Resources

app = typer.Typer(no_args_is_help=True, help="Check what is proposed for a running task.")


@app.callback()
def fragments() -> None:
    """Check fragments: steps that are proposed for a running task."""


@app.command(
    epilog="Examples:\n\ntasker fragment check plan.json --resources resources.yaml"
    "\n\ntasker fragment check plan.yaml -r resources.yaml --input-schema @input.json"
    " --bounds '{\"max_steps\": 5}'"
    "\n\ntasker fragment check plan.yaml -r resources.yaml --given '{\"rate\": 0.2}'"
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
    given: Annotated[
        str | None,
        typer.Option(
            "--given",
            help="What it is given beside the input: values by name, as JSON; @FILE reads a file.",
        ),
    ] = None,
    own: CompositionFiles = None,
    sarif: Sarif = None,
    output: Output = Format.table,
) -> None:
    """Check a fragment, and print everything that is wrong as file:line.

    The exit code is 1 where there are errors. Nothing is run, and nothing outside is asked.
    `tasker template explain CODE` says more about a finding.
    """
    from tasker.actions.fragments import Proposed
    from tasker.actions.fragments import check as hold
    from tasker.grammar_files import locate, read_file, read_problems

    known, place = _load(resources, own)
    place = replace(
        place,
        bounds=_read_bounds(bounds),
        input=True if input_schema is None else _read_schema(input_schema),
        result=None if result_schema is None else _read_schema(result_schema),
    )
    values = _read_given("{}" if given is None else given)
    documents = read_file(file)
    found = [problem for each in documents for problem in read_problems(each, file)]
    program = None
    if not found:
        if len(documents) != 1:
            what = f"there are {len(documents)} documents in {file}"
            raise CommandFailed(ExitCode.USAGE, what, "A fragment is one.")
        program, findings = hold(Proposed(documents[0].data, values), place, known)
        found = [locate(each, documents[0], file) for each in findings]
    if write_sarif(found, sarif):
        _show(found, program, output)
    _tell(file, found, program)


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


def _load(resources: Path | None, own: list[Path] | None) -> "tuple[Resources, Place]":
    """What may be named: the resources, and a place with the compositions."""
    from tasker.actions.fragments import Place
    from tasker.actions.resources_file import load_resources
    from tasker.compositions import load_compositions
    from tasker_grammar.composition import Bounds
    from tasker_grammar.resources import Resources

    known = Resources() if resources is None else load_resources(resources)
    return known, Place(Bounds(), compositions=tuple(load_compositions(own or ())))


def _read_bounds(given: str | None) -> "Bounds":
    from pydantic import ValidationError

    from tasker_grammar.composition import Bounds
    from tasker_grammar.shape import shape_findings

    try:
        return Bounds() if given is None else Bounds.model_validate(read_json(given))
    except ValidationError as error:
        told = "; ".join(f"{each.message}. {each.hint}" for each in shape_findings(error, Bounds))
        raise CommandFailed(ExitCode.USAGE, f"these are no bounds: {told}", "") from None


def _read_schema(given: str) -> "Schema":
    from tasker_grammar.contracts import Contract, SchemaError

    schema = read_json(given)
    try:
        Contract(schema)
    except SchemaError as error:
        raise CommandFailed(ExitCode.USAGE, f"a schema is not usable: {error}", "") from None
    return schema


def _read_given(given: str) -> "Mapping[str, Any]":
    from tasker.actions.fragments import propose
    from tasker.errors import PermanentError

    values = read_json(given)
    if not isinstance(values, dict):
        hint = """Write, say, --given '{"rate": 0.2}'."""
        raise CommandFailed(ExitCode.USAGE, "what is given is no JSON object", hint)
    try:
        return propose(None, cast("dict[str, Any]", values)).given
    except PermanentError as error:
        raise CommandFailed(ExitCode.USAGE, str(error)) from None


def _show(found: "list[LocatedFinding]", program: "Program | None", output: Format) -> None:
    match output:
        case Format.json:
            write_json({"sound": program is not None, "findings": [f.as_json() for f in found]})
        case Format.ids:
            write_lines(dict.fromkeys(each.finding.code for each in found))
        case Format.table:
            write_lines(map(str, found))


def _tell(file: Path, found: "list[LocatedFinding]", program: "Program | None") -> None:
    errors = sum(each.finding.severity == "error" for each in found)
    told = f"{file}: {errors} error(s)"
    if program is not None:
        cost = program.cost
        told += f"; sound, {program.effect}, at most {cost.work} steps and {cost.writes} writes"
    tell(told)
    if program is None:
        raise typer.Exit(ExitCode.FAILURE)
