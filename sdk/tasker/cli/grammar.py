"""`tasker grammar …`: what may be said in the action grammar, for people and for models' prompts."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from tasker.cli.arguments import CompositionFiles, Output
from tasker.cli.exit_codes import ExitCode
from tasker.cli.failures import CommandFailed
from tasker.cli.output import Format, show, write_json, write_lines
from tasker.cli.pictures import Target, save

if TYPE_CHECKING:
    from tasker_grammar.vocabulary import Entry

app = typer.Typer(no_args_is_help=True, help="See what compositions may be made of.")

Only = Annotated[
    Literal["primitive", "composition", "function", "code"] | None,
    typer.Option("--sort", "-s", help="Only this sort of thing."),
]


@app.callback()
def grammar() -> None:
    """See what compositions may be made of.

    That is kinds of steps (primitives), other compositions, functions of expressions, and codes of findings.
    """


@app.command("list", epilog="Example: tasker grammar list --sort primitive")
def list_(only: Only = None, own: CompositionFiles = None, output: Output = Format.table) -> None:
    """List all that there is: kinds of steps, compositions, functions, codes of findings."""
    found = [each for each in _gather(own) if only is None or each.sort == only]
    _show(found, output)


@app.command(epilog="Example: tasker grammar search 'list' 'key'")
def search(
    words: Annotated[list[str], typer.Argument(metavar="WORD", help="Words to look for.")],
    only: Only = None,
    own: CompositionFiles = None,
    output: Output = Format.table,
) -> None:
    """Find what has all of these words in its name, its fields or its description."""
    from tasker_grammar.vocabulary import search as find

    _show([each for each in find(_gather(own), words) if only in (None, each.sort)], output)


@app.command("show", epilog="Examples:\n\ntasker grammar show fan_out\n\ntasker grammar show C305")
def show_(
    name: Annotated[
        str, typer.Argument(help="A kind of step, a composition, a function or a code.")
    ],
    own: CompositionFiles = None,
    output: Output = Format.table,
) -> None:
    """Say all about one of them."""
    from tasker_grammar.telling import did_you_mean

    entries = _gather(own)
    found = [each for each in entries if each.name == name]
    if not found:
        hint = did_you_mean(name, [each.name for each in entries]) or "List: tasker grammar list"
        raise CommandFailed(ExitCode.NOT_FOUND, f"there is no {name!r} in the grammar", hint)
    if output is Format.table and found[0].sort == "code":
        from tasker.checking.pages import read_page

        write_lines(read_page(name).splitlines())
        return

    def view() -> Any:
        from tasker.cli.grammar_views import draw_entries

        return draw_entries(found)

    document = [each.as_json() for each in found]
    show(document if len(found) > 1 else document[0], output, lambda: [name], view)


@app.command(
    epilog="Examples:\n\ntasker grammar vocabulary --size small"
    "\n\ntasker grammar vocabulary --size full -c compositions/ --to vocabulary.md"
)
def vocabulary(
    size: Annotated[
        Literal["small", "medium", "full"],
        typer.Option("--size", help="About 1,000 tokens, 3,500, or 8,000."),
    ] = "medium",
    own: CompositionFiles = None,
    output: Annotated[
        Literal["markdown", "json"], typer.Option("--output", "-o", help="Markdown, or JSON.")
    ] = "markdown",
    to: Target = None,
) -> None:
    """Print the whole vocabulary as one document, for people or for a model's prompt."""
    import json

    from tasker_grammar.vocabulary import as_json, write

    entries = _gather(own)
    match output:
        case "markdown":
            text = write(entries, size)
        case "json":
            text = json.dumps(as_json(entries, size), indent=2, ensure_ascii=False) + "\n"
    if to is None:
        write_lines([text.rstrip("\n")])
    else:
        save(text, to)


def _gather(own: list[Path] | None) -> "list[Entry]":
    from tasker.compositions import load_compositions
    from tasker_grammar.vocabulary import gather

    return gather(load_compositions(own or ()))


def _show(found: "list[Entry]", output: Format) -> None:
    def view() -> Any:
        from tasker.cli.grammar_views import draw_list

        return draw_list(found)

    document = [
        {"sort": e.sort, "name": e.name, "signature": e.signature, "summary": e.summary}
        for e in found
    ]
    if output is Format.json:
        write_json(document)
    else:
        show(document, output, lambda: [each.name for each in found], view)
