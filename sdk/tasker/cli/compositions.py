"""`tasker composition …`: list, check, explain and try compositions, without anything outside."""

from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from tasker.cli import pictures
from tasker.cli.arguments import CompositionFiles, Output, ResourcesFile, read_json
from tasker.cli.composition_uses import (
    InputSchema,
    Which,
    With,
    find_one,
    find_uses,
)
from tasker.cli.exit_codes import ExitCode
from tasker.cli.failures import CommandFailed
from tasker.cli.output import Format, show, tell, write_json, write_lines
from tasker.cli.pictures import View
from tasker.cli.sarif import Sarif, write_sarif

if TYPE_CHECKING:
    from tasker.cli.composition_uses import Use
    from tasker.errors import LocatedFinding
    from tasker_grammar.checking import Report
    from tasker_grammar.findings import Finding
    from tasker_grammar.primitives.interface import Program

app = typer.Typer(no_args_is_help=True, help="List, check, explain and try compositions.")


@app.callback()
def compositions() -> None:
    """List, check, explain and try compositions: steps that run as one step of a task.

    None of these commands touches anything outside: they take resources as they are described.
    """


@app.command("list", epilog="Example: tasker composition list --compositions compositions/")
def list_(own: CompositionFiles = None, output: Output = Format.table) -> None:
    """List the compositions that come with Tasker, and your own."""
    from tasker.compositions import load_compositions

    catalog = load_compositions(own or ())
    rows = [each.model_dump(mode="json", exclude={"example"}) for each in catalog]

    def view() -> Any:
        from tasker.cli.composition_views import draw_list

        return draw_list(catalog)

    show(rows, output, lambda: [f"{each.name}@{each.version}" for each in catalog], view)


@app.command(
    epilog="Examples:\n\ntasker composition check compositions/ --resources resources.yaml"
    '\n\ntasker composition check fetch_json --with \'{"source": "orders"}\' -r resources.yaml'
)
def check(
    which: Which,
    arguments: With = None,
    resources: ResourcesFile = None,
    input_schema: InputSchema = None,
    own: CompositionFiles = None,
    sarif: Sarif = None,
    output: Output = Format.table,
) -> None:
    """Check compositions as a whole, and print everything that is wrong.

    The exit code is 1 where there are errors. What is not given with --with, --resources and --input-schema is taken
    from the composition's example.
    """
    uses, findings = find_uses(which, own, arguments, resources, input_schema)
    found: list[LocatedFinding | Finding] = [*findings]
    told = [str(each) for each in findings]
    errors = sum(each.finding.severity == "error" for each in findings)
    answers: list[dict[str, Any]] = []
    for use in uses:
        report = use.check()
        errors += sum(each.severity == "error" for each in report.findings)
        located = [use.locate(each) for each in report.findings]
        found += located
        told += map(str, located)
        if report.program is not None:
            told.append(f"{use.name}: sound; {_summary(report.program)}")
        answers.append(_describe(use, report))
    if write_sarif(found, sarif):
        match output:
            case Format.json:
                documents = [each.as_json() for each in findings]
                write_json({"findings": documents, "compositions": answers})
            case Format.ids:
                write_lines(use.name for use in uses)
            case Format.table:
                write_lines(told)
    if any(use.lacks_arguments for use in uses):
        tell("What a parameter stands for is said by --with, or by an `example` in the file.")
    tell(f"{len(uses)} composition(s), {errors} error(s)")
    if errors:
        raise typer.Exit(ExitCode.FAILURE)


@app.command(
    epilog="Examples:\n\ntasker composition explain reconcile"
    "\n\ntasker composition explain refund.yaml -r resources.yaml -o mermaid"
)
def explain(
    which: Which,
    arguments: With = None,
    resources: ResourcesFile = None,
    input_schema: InputSchema = None,
    own: CompositionFiles = None,
    output: pictures.Output = View.table,
    to: pictures.Target = None,
) -> None:
    """Say what a composition takes, does and gives, or draw it.

    With the type at every step, its effect, failures and bounds. It is explained as it is used in its example, unless
    --with says how.
    """
    pictures.check_target(output, to)
    use = find_one(which, own, arguments, resources, input_schema)
    report = use.check()
    if report.program is None:
        _refuse(use, report)
    program = report.program
    answer = pictures.format_of(output)
    if answer is None:
        from tasker.drawing.compositions import graph_program

        pictures.show_pictures([graph_program(program, use.name)], output, to)
        return

    def view() -> Any:
        from tasker.cli.composition_views import draw_composition

        return draw_composition(use.composition, program)

    document = _describe(use, report)
    show(document, answer, lambda: [step["id"] for step in document["steps"]], view)


@app.command(
    epilog="Examples:\n\ntasker composition run reconcile"
    '\n\ntasker composition run refund.yaml \'{"id": "o-1"}\' --results @answers.json'
)
def run(
    which: Which,
    given: Annotated[
        str | None, typer.Argument(metavar="INPUT", help="The input, as JSON; @FILE reads a file.")
    ] = None,
    results: Annotated[
        str | None,
        typer.Option(
            "--results",
            help="What the outside answers, by step, as JSON; @FILE reads a file. Else writes succeed, people say yes.",
        ),
    ] = None,
    arguments: With = None,
    resources: ResourcesFile = None,
    input_schema: InputSchema = None,
    own: CompositionFiles = None,
    output: Output = Format.table,
) -> None:
    """Try a composition in a simulated world: nothing outside is touched.

    By default, its example is run. As a step's result, `{"$fail": {"code": "RESOURCE_UNAVAILABLE"}}` stands for a
    failure. The exit code is 6 where it ends in a failure.
    """
    from tasker.cli.composition_runs import Failed, simulate

    use = find_one(which, own, arguments, resources, input_schema)
    report = use.check()
    if report.program is None:
        _refuse(use, report)
    example = use.composition.example
    value = read_json(given) if given is not None else example.input if example else None
    answers = (
        read_json(results) if results is not None else dict(example.results) if example else {}
    )
    outcome = simulate(use, report.program, value, answers)

    def view() -> Any:
        from tasker.cli.composition_views import draw_run

        return draw_run(outcome)

    show(outcome.as_json(), output, lambda: [each.place for each in outcome.ran], view)
    if isinstance(outcome.end, Failed):
        raise typer.Exit(ExitCode.TASK_FAILED)


@app.command(epilog="Example: tasker composition schema --to composition.schema.json")
def schema(to: pictures.Target = None) -> None:
    """Print the JSON Schema of compositions in YAML: editors complete and check by it."""
    import json

    from tasker_grammar.composition_schema import composition_schema

    text = json.dumps(composition_schema(), indent=2, ensure_ascii=False)
    if to is None:
        write_lines([text])
    else:
        pictures.save(f"{text}\n", to)


def _refuse(use: "Use", report: "Report") -> NoReturn:
    lines = [str(use.locate(each)) for each in report.findings]
    raise CommandFailed(ExitCode.FAILURE, "\n".join([f"{use.name} is not sound:", *lines]))


def _summary(program: "Program") -> str:
    from tasker.cli.composition_views import say_effect

    failures = ", ".join(sorted(program.failures)) or "nothing"
    return f"{say_effect(program)}; can end in {failures}"


def _describe(use: "Use", report: "Report") -> dict[str, Any]:
    from tasker.cli.composition_views import describe_program

    about = {
        "name": use.composition.name,
        "version": use.composition.version,
        "sound": report.program is not None,
        "findings": [use.describe(each) for each in report.findings],
    }
    return about if report.program is None else about | describe_program(report.program)
