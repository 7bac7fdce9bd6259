"""`tasker expression …`: check expressions, try them, and list what they can do. Touches nothing outside."""

from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from tasker.cli.arguments import Output, read_json, read_text
from tasker.cli.exit_codes import ExitCode
from tasker.cli.failures import CommandFailed
from tasker.cli.output import Format, show, tell, write_json, write_lines

if TYPE_CHECKING:
    from tasker_grammar.expressions import Expression
    from tasker_grammar.findings import Finding
    from tasker_grammar.types import Type

app = typer.Typer(no_args_is_help=True, help="Check expressions, and try them.")

Source = Annotated[
    str, typer.Argument(metavar="EXPR", help="The expression; - reads it from stdin.")
]
InputSchema = Annotated[
    str | None,
    typer.Option(
        "--input-schema",
        help="What is known of the data, as a JSON Schema; @FILE reads a file. Default: what the data looks like.",
    ),
]


@app.callback()
def expressions() -> None:
    """Check expressions, and try them.

    An expression makes a value of another, in a typed part of jq. Steps of compositions are written with them.
    """


@app.command(
    epilog="""Examples:\n\ntasker expression check '.items | map(.price) | add' --input-schema @order.schema.json"""
    """\n\ntasker expression check '.order.id' --sample '{"order": {"id": "o-1"}}'"""
)
def check(
    source: Source,
    input_schema: InputSchema = None,
    sample: Annotated[
        str | None,
        typer.Option("--sample", help="Data to try it on, as JSON; @FILE reads a file."),
    ] = None,
    output: Output = Format.table,
) -> None:
    """Say what an expression gives, or everything that is wrong with it.

    The exit code is 1 where something is. Without a schema and a sample, nothing is known of the data.
    """
    text = _read_source(source)
    given, data = _read_given(input_schema, sample)
    checked = _check(text, given)
    if isinstance(checked, list):
        _show_findings(checked, text, output)
        raise typer.Exit(ExitCode.FAILURE)
    answer = _describe(checked)
    if sample is not None:
        answer["value"] = _evaluate(checked, data)
    show(answer, output, lambda: sorted(checked.references), lambda: _draw(checked, answer))


@app.command(
    name="eval",
    epilog="""Examples:\n\ntasker expression eval '[.[] | select(. > 1)]' '[1, 2, 3]'"""
    """\n\ncurl -s https://example.com/order.json | tasker expression eval '.items | length' -""",
)
def evaluate(
    source: Source,
    data: Annotated[
        str, typer.Argument(metavar="JSON", help="The data; @FILE reads a file, - reads stdin.")
    ] = "null",
    input_schema: InputSchema = None,
    output: Output = Format.table,
) -> None:
    """Evaluate an expression that passes the check, and print what it gives as JSON.

    With -o ids a text is printed as it is, and of a list each element on a line of its own.
    """
    text = _read_source(source)
    given, value = _read_given(input_schema, data)
    checked = _check(text, given)
    if isinstance(checked, list):
        _show_findings(checked, text, output)
        raise typer.Exit(ExitCode.FAILURE)
    result = _evaluate(checked, value)
    match output:
        case Format.ids:
            write_lines(
                item if isinstance(item, str) else _to_json(item)
                for item in (cast("list[Any]", result) if isinstance(result, list) else [result])
            )
        case Format.json | Format.table:
            write_json(result)


@app.command(epilog="Example: tasker expression functions -o json")
def functions(output: Output = Format.table) -> None:
    """List the functions that expressions have, each with an example."""
    from tasker_grammar.expressions.library import FUNCTIONS

    rows = [
        {
            "name": each.name,
            "parameters": list(each.parameters),
            "summary": each.summary,
            "example": dict(zip(("expression", "given", "gives"), each.example, strict=True)),
        }
        for each in FUNCTIONS.values()
    ]

    def view() -> Any:
        from tasker.cli.tables import make_table

        table = make_table("function", "gives", "example")
        for each in FUNCTIONS.values():
            expression, given, gives = each.example
            example = f"{_to_json(given)} | {expression} = {_to_json(gives)}"
            table.add_row(each.call, each.summary, example)
        return table

    show(rows, output, lambda: dict.fromkeys(each.name for each in FUNCTIONS.values()), view)


def _read_source(source: str) -> str:
    return read_text(source)[0].rstrip("\n") if source == "-" else source


def _read_given(schema: str | None, data: str | None) -> "tuple[Type, Any]":
    """What is known of the data, and the data."""
    from tasker_grammar import contracts
    from tasker_grammar.schema_types import type_of
    from tasker_grammar.type_algebra import type_of_value, widen
    from tasker_grammar.types import Anything

    value = None if data is None else _read_data(data)
    if schema is None:
        return (Anything() if data is None else widen(type_of_value(value))), value
    contract = read_json(schema)
    try:
        findings = [] if data is None else contracts.check(contract, value)
        contracts.Contract(contract)
    except contracts.SchemaError as error:
        raise CommandFailed(ExitCode.USAGE, f"this is no schema: {error}") from error
    if findings:
        raise CommandFailed(ExitCode.USAGE, f"the data does not fit its schema: {findings[0]}")
    return type_of(contract), value


def _read_data(given: str) -> Any:
    from tasker_grammar.strict_json import NotStrict, read_json

    text, where = read_text(given)
    try:
        return read_json(text)
    except NotStrict as error:
        hint = "Texts need double quotes; wrap the whole in single quotes for the shell."
        raise CommandFailed(ExitCode.USAGE, f"{where} is no JSON: {error}", hint) from error


def _check(source: str, given: "Type") -> "Expression | list[Finding]":
    from tasker_grammar.expressions import check

    return check(source, given)


def _evaluate(expression: "Expression", value: Any) -> Any:
    from tasker_grammar.expressions import Budget, DataError

    try:
        return expression.evaluate(value, Budget())
    except DataError as error:
        raise CommandFailed(ExitCode.FAILURE, f"{error.code}: {error}") from error


def _describe(expression: "Expression") -> dict[str, Any]:
    from tasker_grammar.schema_types import schema_of
    from tasker_grammar.type_words import describe

    return {
        "sound": True,
        "type": describe(expression.type),
        "schema": schema_of(expression.type),
        "reads": sorted(expression.references),
        "can_fail": expression.can_fail,
        "findings": [],
    }


def _draw(expression: "Expression", answer: dict[str, Any]) -> Any:
    from tasker.cli.tables import make_facts

    facts = [
        ("gives", answer["type"]),
        ("reads", ", ".join(answer["reads"])),
        ("fails", "DATA_ERROR, for some data" if expression.can_fail else "never by its data"),
    ]
    value = [("value", _to_json(answer["value"]))] if "value" in answer else []
    return make_facts([*facts, *value])


def _show_findings(findings: "list[Finding]", source: str, output: Format) -> None:
    match output:
        case Format.json:
            documents = [each.as_json() for each in findings]
            write_json({"sound": False, "findings": documents})
        case Format.ids:
            write_lines(dict.fromkeys(each.code for each in findings))
        case Format.table:
            for each in findings:
                write_lines(_with_caret(each, source))
    tell(f"{len(findings)} error(s)")


def _with_caret(finding: "Finding", source: str) -> list[str]:
    """A finding with the line that it is in, and a mark under its place."""
    start, end = finding.at or (0, len(source))
    before = source.rfind("\n", 0, start) + 1
    after = source.find("\n", start)
    line = source[before : len(source) if after < 0 else after]
    width = max(1, min(end, before + len(line)) - start)
    lines = [
        f"{finding.code}: {finding.message}",
        f"  {line}",
        f"  {' ' * (start - before)}{'^' * width}",
    ]
    return [*lines, *([f"  {finding.hint}"] if finding.hint else [])]


def _to_json(value: Any) -> str:
    import json

    return json.dumps(value, ensure_ascii=False)
