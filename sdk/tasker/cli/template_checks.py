"""`tasker template validate` and `explain`: what is wrong with template files, and what that means."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tasker.cli.arguments import CompositionFiles, Environment, Output, ResourcesFile
from tasker.cli.exit_codes import ExitCode
from tasker.cli.failures import CommandFailed
from tasker.cli.output import Format, show, tell, write_json, write_lines
from tasker.cli.sarif import Sarif, write_sarif
from tasker.cli.vocabulary import load_vocabulary

if TYPE_CHECKING:
    from tasker.discovery import Discovery
    from tasker.errors import TemplateFinding
    from tasker.vocabulary import Vocabulary

YAML = (".yaml", ".yml")

VALIDATE = (
    "Examples:\n\ntasker template validate templates/"
    "\n\ntasker template validate orders.yaml --module handlers.py --strict --sarif findings.sarif"
)


def validate(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE", help="YAML files, or folders of them.")
    ],
    environment: Environment = None,
    modules: Annotated[
        list[str] | None,
        typer.Option(
            "--module",
            "-m",
            help="A Python module or file with handlers; what none of them has is told. May be repeated.",
        ),
    ] = None,
    resources: ResourcesFile = None,
    compositions: CompositionFiles = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="The exit code is 1 for warnings, too.")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Show what is just good to know, too.")
    ] = False,
    sarif: Sarif = None,
    output: Output = Format.table,
) -> None:
    """Check template files, and print what is found as file:line.

    The exit code is 1 when there are errors; warnings alone leave it at 0. Needs no database.
    `tasker template explain CODE` says more about a finding.
    """
    paths = list(list_files(files))
    here = _discover(modules) if modules else None
    known = None if here is None else here.handler_names
    vocabulary = load_vocabulary(resources, compositions or ())
    if here is not None:
        vocabulary = here.add_actions_to(vocabulary)
    found = check_files(paths, environment, known, vocabulary)
    shown = [finding for finding in found if verbose or finding.severity != "info"]
    if write_sarif(found, sarif):
        match output:
            case Format.json:
                write_json([asdict(finding) for finding in found])
            case Format.ids:
                write_lines(dict.fromkeys(finding.file for finding in shown))
            case Format.table:
                write_lines(map(str, shown))
    counts = {severity: _count(found, severity) for severity in ("error", "warning", "info")}
    told = [f"{n} {severity}(s)" for severity, n in counts.items() if verbose or severity != "info"]
    tell(f"{len(paths)} file(s), {', '.join(told)}")
    if counts["error"] or (strict and counts["warning"]):
        raise typer.Exit(ExitCode.FAILURE)


def explain(
    code: Annotated[
        str | None,
        typer.Argument(metavar="CODE", help="The code of a finding, as in [missing-parent]."),
    ] = None,
    output: Output = Format.table,
) -> None:
    """Say what a finding means, why it matters and how to mend it; without a code, list them all.

    Findings in templates, and in compositions, fragments and resources.
    """
    from tasker.checking.codes import CODES
    from tasker.checking.pages import read_page
    from tasker.names import did_you_mean
    from tasker_grammar.checking.codes import CODES as GRAMMAR_CODES

    codes = {name: asdict(each) for name, each in (*CODES.items(), *GRAMMAR_CODES.items())}
    if code is None:
        rows = list(codes.values())
        show(rows, output, lambda: codes, lambda: _draw_codes(rows))
        return
    if code not in codes:
        hint = did_you_mean(code, codes) or "List them: tasker template explain"
        raise CommandFailed(ExitCode.NOT_FOUND, f"there is no finding {code}", hint)
    page = read_page(code)
    match output:
        case Format.json:
            write_json({**codes[code], "page": page})
        case Format.ids:
            write_lines([code])
        case Format.table:
            write_lines(page.splitlines())


def list_files(given: Iterable[Path]) -> Iterator[Path]:
    """List YAML files, looking into folders. Raises CommandFailed for what is not there."""
    for path in given:
        if path.is_dir():
            yield from sorted(p for p in path.rglob("*") if p.suffix in YAML)
        elif path.exists():
            yield path
        else:
            raise CommandFailed(ExitCode.USAGE, f"there is no file {path}")


def check_files(
    paths: Iterable[Path],
    environment: str | None = None,
    handlers: Collection[str] | None = None,
    vocabulary: "Vocabulary | None" = None,
) -> list["TemplateFinding"]:
    """Load template files and give what is to be said about them, file by file, in the order of the lines.

    Raises UnknownEnvironmentError when none of the templates has the environment.
    """
    from tasker.environments import check_environment
    from tasker.yaml_template import examine_files

    found: list[TemplateFinding] = []
    environments: list[str] = []
    for path in paths:
        outcomes = list(
            examine_files(path, environment=environment, handlers=handlers, vocabulary=vocabulary)
        )
        environments += [name for outcome in outcomes for name in outcome.environments]
        findings = [finding for outcome in outcomes for finding in outcome.findings]
        found += sorted(findings, key=lambda finding: finding.line)
    if not any(finding.severity == "error" for finding in found):
        check_environment(environment, environments)
    return found


def _discover(modules: Sequence[str]) -> "Discovery":
    from tasker.discovery import discover
    from tasker.languages import is_foreign

    for module in modules:
        if is_foreign(module):
            what = f"{module} is in another language, whose handlers are not read here"
            raise CommandFailed(ExitCode.USAGE, what, "Name modules in Python.")
    return discover(modules)


def _count(found: Iterable["TemplateFinding"], severity: str) -> int:
    return sum(finding.severity == severity for finding in found)


def _draw_codes(rows: Sequence[dict[str, Any]]) -> Any:
    from tasker.cli.tables import make_table

    table = make_table("code", "severity", "title")
    for row in rows:
        table.add_row(row["name"], row["severity"], row["title"])
    return table
