"""From what a user typed to the one thing that is meant: ids from their beginnings, templates from
near misses.
"""

from typing import TYPE_CHECKING, Any
from uuid import UUID

from tasker.cli.arguments import TemplateRef
from tasker.cli.database import call_all, call_one
from tasker.cli.exit_codes import ExitCode
from tasker.cli.failures import CommandFailed, explain

if TYPE_CHECKING:
    from psycopg import Connection

UUID_DIGITS = 32


def find_task(connection: "Connection", given: str) -> str:
    """Give the id of the task whose id is, or begins with, what was given.

    Raises CommandFailed: usage when it is no id, not found, or (usage) when it fits several tasks.
    """
    digits = given.replace("-", "").lower()
    if not digits or len(digits) > UUID_DIGITS or set(digits) - set("0123456789abcdef"):
        raise CommandFailed(
            ExitCode.USAGE, f"{given!r} is no task id", "List them: tasker task list"
        )
    if len(digits) == UUID_DIGITS:
        return str(UUID(digits))
    # Ids are ordered, so those that share a beginning stand together: two are enough to see whether
    # it fits only one.
    above = str(UUID(digits.ljust(UUID_DIGITS, "f")))
    candidates = [
        task["task_id"] for task in call_all(connection, "list_tasks", before=above, max_rows=2)
    ]
    matches = [task_id for task_id in candidates if task_id.replace("-", "").startswith(digits)]
    match matches:
        case [only]:
            return only
        case []:
            raise CommandFailed(
                ExitCode.NOT_FOUND,
                f"no task's id begins with {given}",
                "List them: tasker task list",
            )
        case _:
            raise CommandFailed(
                ExitCode.USAGE,
                f"{given} fits several tasks, among them {' and '.join(matches)}",
                "Give more of the id: ids begin with the time the task was made.",
            )


def get_template(connection: "Connection", wanted: TemplateRef) -> dict[str, Any]:
    """Get a template with its definition. Raises CommandFailed naming the nearest when it is not
    there.
    """
    try:
        return call_one(
            connection,
            "get_template",
            namespace=wanted.namespace,
            name=wanted.name,
            version=wanted.version,
        )
    except Exception as error:
        failure = explain(error)
        if failure is None or failure.code is not ExitCode.NOT_FOUND:
            raise
        todo = _suggest(connection, wanted) or failure.todo
        raise CommandFailed(failure.code, failure.what, todo) from error


def _suggest(connection: "Connection", wanted: TemplateRef) -> str | None:
    from difflib import get_close_matches

    versions: dict[str, list[str]] = {}
    for row in call_all(connection, "list_templates"):
        versions.setdefault(f"{row['namespace']}/{row['name']}", []).append(row["version"])
    name = f"{wanted.namespace}/{wanted.name}"
    if name in versions:
        return f"{name} has the versions {', '.join(versions[name])}."
    near = get_close_matches(name, versions, n=1, cutoff=0.6)
    return f"Did you mean {near[0]}?" if near else None
