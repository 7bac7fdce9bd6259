"""`tasker generate …`: code from templates: types, handlers, tests, clients, and whole projects."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tasker.cli.arguments import CompositionFiles, Output, ResourcesFile
from tasker.cli.exit_codes import ExitCode
from tasker.cli.failures import CommandFailed
from tasker.cli.output import Format, tell, write_json, write_lines
from tasker.cli.vocabulary import load_vocabulary
from tasker.scaffold import Language

if TYPE_CHECKING:
    from tasker.generate.files import Change, Generated
    from tasker.generate.source import Source
    from tasker.vocabulary import Vocabulary

app = typer.Typer(no_args_is_help=True, help="Write code from templates, in your language.")

Templates = Annotated[
    list[Path], typer.Argument(metavar="TEMPLATE", help="YAML files, or folders of them.")
]
Lang = Annotated[Language, typer.Option("--lang", help="What the code is written in.")]
Out = Annotated[
    Path | None, typer.Option("--out", help="The folder to write into. Default: this one.")
]
Check = Annotated[
    bool,
    typer.Option("--check", help="Write nothing; say what is out of date. Exit code 1 if any is."),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Write nothing; say what would be.")]

_SAID = {
    "new": "wrote",
    "changed": "wrote",
    "same": "unchanged",
    "kept": "kept",
    "lacking": "kept",
}
_WOULD = {
    "new": "missing",
    "changed": "out of date",
    "same": "unchanged",
    "kept": "kept",
    "lacking": "incomplete",
}


def _add(what: str, about: str, example: str) -> None:
    """Add the command that generates one thing: they differ in nothing else."""

    def command(
        templates: Templates,
        language: Lang = Language.python,
        out: Out = None,
        check: Check = False,
        dry_run: DryRun = False,
        resources: ResourcesFile = None,
        compositions: CompositionFiles = None,
        output: Output = Format.table,
    ) -> None:
        known = load_vocabulary(resources, compositions or ())
        folder = out or Path()
        make = _only(what, language, resources, compositions or (), folder)
        _run(templates, folder, make, known, check, dry_run, output)

    app.command(what, help=about, epilog=f"Example: tasker generate {what} {example}")(command)


_add(
    "types",
    """Write the types of what goes in and out of a template's steps.

    Python: pydantic models. TypeScript: interfaces. Ruby: structs, and their signatures in RBS.
    """,
    "orders.yaml --lang typescript --out src",
)
_add(
    "handler",
    """Begin the handlers of a template's steps: each gives an example of what its schema asks for.

    They are yours from then on: a file that is there is kept, and the handlers that it lacks are printed.
    """,
    "orders.yaml --lang ruby",
)
_add(
    "test",
    """Begin the tests of the handlers. They pass on handlers that were just begun.

    They are yours from then on.
    """,
    "orders.yaml --lang python --check",
)
_add(
    "client",
    "Write functions that submit a template's tasks, and read what they come to, with types.",
    "orders.yaml --lang typescript --out web/src",
)


@app.command(epilog="Example: tasker generate scaffold orders.yaml --lang python --out shop")
def scaffold(
    template: Annotated[Path, typer.Argument(help="A YAML file with one template.")],
    language: Lang = Language.python,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="The project's folder. Default: one named like the template."),
    ] = None,
    check: Check = False,
    dry_run: DryRun = False,
    resources: ResourcesFile = None,
    compositions: CompositionFiles = None,
    output: Output = Format.table,
) -> None:
    """Write a whole project from a template: types, handlers, tests, client, README, package.

    Its tests pass, and it runs with `tasker dev`, both straight after. Once more, it brings the project after its
    template.
    """
    from tasker.generate.project import handlers_file, make_project
    from tasker.generate.source import name_files, read_sources

    vocabulary = load_vocabulary(resources, compositions or ())
    sources = read_sources([template], out or Path(), vocabulary)
    if len(sources) != 1:
        raise CommandFailed(
            ExitCode.USAGE,
            f"{template} has {len(sources)} templates",
            "A project is made of one: give each a file of its own.",
        )
    (source,) = sources
    folder = out or Path(source.name)
    source = name_files(source, resources, compositions or (), folder)
    changes = _settle(make_project(source, language, folder), folder, write=not (check or dry_run))
    _report(changes, folder, check, dry_run, output)
    if output is Format.table and not (check or dry_run) and any(c.state == "new" for c in changes):
        given = f"--templates {source.file.name}{source.options}"
        command = f"tasker dev {handlers_file(source, language)} {given} --log-level info"
        tell(f"next: cd {folder} && {command}")
        tell(f"{folder / 'README.md'} has the other commands")


def _only(
    what: str,
    language: Language,
    resources: Path | None,
    compositions: Sequence[Path],
    folder: Path,
) -> Callable[["Source"], list["Generated"]]:
    from tasker.generate.generators import What, generate
    from tasker.generate.source import name_files

    return lambda source: generate(
        name_files(source, resources, compositions, folder), language, What(what)
    )


def _run(
    templates: list[Path],
    folder: Path,
    make: Callable[["Source"], list["Generated"]],
    vocabulary: "Vocabulary | None",
    check: bool,
    dry_run: bool,
    output: Format,
) -> None:
    from tasker.generate.source import read_sources

    sources = read_sources(templates, folder, vocabulary)
    files = [file for source in sources for file in make(source)]
    changes = _settle(files, folder, write=not (check or dry_run))
    _report(changes, folder, check, dry_run, output)


def _settle(files: list["Generated"], folder: Path, *, write: bool) -> list["Change"]:
    from tasker.generate.files import compare
    from tasker.generate.files import write as write_changes

    changes = compare(files, folder)
    if write:
        write_changes(changes, folder)
    return changes


def _report(
    changes: list["Change"], folder: Path, check: bool, dry_run: bool, output: Format
) -> None:
    said = _WOULD if check or dry_run else _SAID
    match output:
        case Format.json:
            write_json([_describe(change, folder) for change in changes])
        case Format.ids:
            write_lines(str(folder / change.file.path) for change in changes if change.out_of_date)
        case Format.table:
            for change in changes:
                write_lines([f"{said[change.state]} {folder / change.file.path}"])
                for piece in change.lacking:
                    write_lines(
                        [f"{folder / change.file.path} lacks {piece.name}. Add:", "", piece.code]
                    )
            for remark in dict.fromkeys(remark for each in changes for remark in _remarks(each)):
                tell(remark)
    if check and any(change.out_of_date for change in changes):
        raise typer.Exit(ExitCode.FAILURE)


def _remarks(change: "Change") -> Iterator[str]:
    """What its owner should look at in the handlers: once, whichever files it comes from."""
    for name in change.contracts:
        yield f"the contract of handler {name} has changed: look at what it takes and gives"
    for name in change.gone:
        yield f"the template has no handler {name} any more: take it out, or rename it, in the handlers and their tests"


def _describe(change: "Change", folder: Path) -> dict[str, Any]:
    return {
        "file": str(folder / change.file.path),
        "state": change.state,
        "changed_contracts": list(change.contracts),
        "gone": list(change.gone),
        "lacking": [{"name": piece.name, "code": piece.code} for piece in change.lacking],
    }
