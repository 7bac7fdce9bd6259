"""Arguments and options that several commands take, and how their text is read."""

import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from tasker.cli.exit_codes import ExitCode
from tasker.cli.failures import CommandFailed
from tasker.cli.output import Format

STDIN = "-"


def _url_given_to_program(ctx: typer.Context, value: str | None) -> str | None:
    """Take the command's own --url, else the one given before the command."""
    return value or ctx.find_root().params.get("url")


def _user() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def read_seconds(given: str | float) -> float:
    """Read a time as 30s or 1h30m, or a number of seconds. Raises BadParameter for what is none."""
    from tasker.durations import to_seconds

    text = str(given).strip()
    try:
        return to_seconds(f"{text}s" if text.replace(".", "", 1).isdecimal() else text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def read_seconds_of(option: str, given: str) -> float:
    """Read the time that was given with an option, as read_seconds does. Raises CommandFailed (usage)."""
    try:
        return read_seconds(given)
    except typer.BadParameter as error:
        raise CommandFailed(ExitCode.USAGE, f"{option}: {error.message}") from None


Url = Annotated[
    str | None,
    typer.Option(
        "--url",
        callback=_url_given_to_program,
        help="The database. Default: TASKER_DATABASE_URL, else the embedded one.",
        show_default=False,
        rich_help_panel="Database",
    ),
]
Output = Annotated[
    Format,
    typer.Option("--output", "-o", help="A table for people, the raw JSON, or one id a line."),
]
Reason = Annotated[
    str,
    typer.Option(
        "--reason", "-r", help="Why; recorded with the change for whoever reads it later."
    ),
]
Actor = Annotated[
    str,
    typer.Option(
        "--actor",
        default_factory=_user,
        help="Who; recorded too. Default: your login.",
        show_default=False,
    ),
]
Environment = Annotated[
    str | None,
    typer.Option(
        "--environment",
        "--env",
        "-e",
        help="Apply what YAML templates say for an environment. One that none of them has is an error.",
    ),
]
ResourcesFile = Annotated[
    Path | None,
    typer.Option(
        "--resources",
        "-r",
        help="A file of resources: what compositions may read, write and send.",
        show_default=False,
    ),
]
CompositionFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--compositions",
        "-c",
        help="A file of compositions of your own, or a folder of them; may be repeated.",
        show_default=False,
    ),
]
Timeout = Annotated[
    float | None,
    typer.Option(
        "--timeout",
        parser=read_seconds,
        metavar="DURATION",
        help="Give up after so long, as 30s, 5m, or a number of seconds (exit code 124).",
        show_default=False,
    ),
]
TaskIds = Annotated[
    list[str],
    typer.Argument(
        metavar="TASK",
        help="Task ids, or beginnings of them that fit one task; - reads them from stdin.",
    ),
]
StepRefs = Annotated[
    list[str],
    typer.Argument(
        metavar="TASK/STEP", help="Steps as TASK/STEP; - reads them from stdin, one a line."
    ),
]


@dataclass(frozen=True, slots=True)
class TemplateRef:
    """A template as users name it; without a version, the one registered last."""

    namespace: str
    name: str
    version: str | None

    def __str__(self) -> str:
        """Write it as users do."""
        return f"{self.namespace}/{self.name}" + (f"@{self.version}" if self.version else "")


@dataclass(frozen=True, slots=True)
class StepRef:
    """A step as users name it: its task (or the beginning of its id) and its own name."""

    task: str
    step: str


def parse_template_ref(text: str) -> TemplateRef:
    """Read `namespace/name` or `namespace/name@version`. Raises CommandFailed (usage)."""
    namespace, slash, rest = text.partition("/")
    name, _, version = rest.partition("@")
    if not slash or not namespace or not name:
        raise CommandFailed(
            ExitCode.USAGE,
            f"{text!r} is no template",
            "Name one as NAMESPACE/NAME or NAMESPACE/NAME@VERSION.",
        )
    return TemplateRef(namespace, name, version or None)


def parse_step_ref(text: str) -> StepRef:
    """Read `task/step`. Raises CommandFailed (usage)."""
    task, _, step = text.partition("/")
    if not task or not step:
        raise CommandFailed(ExitCode.USAGE, f"{text!r} is no step", "Name one as TASK/STEP.")
    return StepRef(task, step)


def read_ids(given: Iterable[str]) -> list[str]:
    """Expand `-` to the words of standard input, and drop repetitions. Raises CommandFailed when
    nothing is left.
    """
    ids = list(dict.fromkeys(_expand_stdin(given)))
    if not ids:
        raise CommandFailed(
            ExitCode.USAGE,
            "standard input gave no ids",
            "Pipe one id a line, as `-o ids` prints them.",
        )
    return ids


def read_text(given: str) -> tuple[str, str]:
    """Give the text that an argument stands for and where it came from: `-` is stdin, `@path` a
    file, else itself.
    """
    if given == STDIN:
        return sys.stdin.read(), "standard input"
    if given.startswith("@"):
        path = Path(given[1:])
        try:
            return path.read_text(encoding="utf-8"), str(path)
        except (OSError, UnicodeDecodeError) as error:
            raise CommandFailed(ExitCode.USAGE, f"cannot read {path}: {error}") from error
    return given, "the argument"


def read_json(given: str) -> Any:
    """Read the JSON that an argument stands for (see read_text). Raises CommandFailed with the
    position of a fault.
    """
    text, where = read_text(given)
    return parse_json(text, where)


def parse_json(text: str, where: str) -> Any:
    """Read JSON text; `where` names it in the error. Raises CommandFailed (usage) with line and
    column.
    """
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        at = text.splitlines()[error.lineno - 1][:60] if text.strip() else ""
        raise CommandFailed(
            ExitCode.USAGE,
            f"{where} is no JSON: line {error.lineno}, column {error.colno}: {error.msg}"
            + (f": {at}" if at else ""),
            "Strings need double quotes; wrap the whole in single quotes for the shell.",
        ) from error
    except (
        RecursionError,
        ValueError,
    ) as error:  # nested too deep; a number of thousands of digits
        raise CommandFailed(ExitCode.USAGE, f"{where} cannot be read: {error}") from error


def _expand_stdin(given: Iterable[str]) -> Iterator[str]:
    for word in given:
        if word == STDIN:
            yield from (line.strip() for line in sys.stdin if line.strip())
        else:
            yield word
