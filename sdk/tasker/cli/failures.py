"""From an exception to one line for the user and an exit code: what, where, and what to do about
it.
"""

import sys
from dataclasses import dataclass
from typing import cast

from tasker.cli.exit_codes import ExitCode

SQLSTATE_CODES = {
    "TK001": ExitCode.NOT_FOUND,
    "TK002": ExitCode.USAGE,
    "TK003": ExitCode.REFUSED,
    "TK004": ExitCode.REFUSED,
}
NO_SCHEMA = {"3F000", "42883", "42P01"}  # no such schema, function, table
NO_PRIVILEGE = "42501"
DATA = "22"  # the class of values that PostgreSQL cannot store, as a NUL in a text
LOOK_AT_URL = "Check --url or TASKER_DATABASE_URL; `tasker doctor` says more."


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure that was to be expected: the exit code, what happened and where, and what to do."""

    code: ExitCode
    what: str
    todo: str | None = None

    def __str__(self) -> str:
        """Give the one line that the user reads."""
        if not self.todo:
            return self.what
        return f"{self.what}{'' if self.what.endswith(('.', '!', '?', ':')) else '.'} {self.todo}"


class CommandFailed(Exception):
    """Ends a command with a failure that the user is told about in one line."""

    def __init__(self, code: ExitCode, what: str, todo: str | None = None) -> None:
        super().__init__(what)
        self.failure = Failure(code, what, todo)


def explain(error: BaseException) -> Failure | None:
    """Say what an exception means to the user; None when it is a defect, which deserves its
    traceback.
    """
    while isinstance(error, BaseExceptionGroup):
        group = cast("BaseExceptionGroup[BaseException]", error)
        if len(group.exceptions) != 1:
            return None
        (error,) = group.exceptions
    if isinstance(error, CommandFailed):
        return error.failure
    if isinstance(error, TimeoutError):
        return Failure(ExitCode.TIMEOUT, str(error) or "timed out")
    if isinstance(error, OSError) and error.filename is not None:
        return Failure(ExitCode.USAGE, f"cannot read {error.filename}: {error.strerror}")
    return (
        _explain_discovery(error)
        or _explain_tasker(error)
        or _explain_migration(error)
        or _explain_psycopg(error)
    )


def _explain_discovery(error: BaseException) -> Failure | None:
    if "tasker.discovery" not in sys.modules:
        return None
    from tasker.discovery import BadCommand, NoProgram

    match error:
        case NoProgram():
            return Failure(ExitCode.NOT_FOUND, str(error))
        case BadCommand():
            return Failure(ExitCode.USAGE, str(error))
        case _:
            return None


def _explain_tasker(error: BaseException) -> Failure | None:
    from tasker import errors

    match error:
        case errors.RequestError():
            return Failure(SQLSTATE_CODES[error.sqlstate], error.message, error.hint)
        case errors.NotInstalledError():
            return Failure(ExitCode.FAILURE, error.message, error.hint)
        case errors.NotAllowedError():
            return Failure(ExitCode.REFUSED, error.message, error.hint)
        case errors.DatabaseUnavailable():
            return Failure(ExitCode.UNAVAILABLE, str(error), LOOK_AT_URL)
        case errors.TaskFailed() | errors.TaskCancelled():
            return Failure(ExitCode.TASK_FAILED, str(error))
        case (
            errors.TemplateError()
            | errors.ResourcesError()
            | errors.CompositionError()
            | errors.DefinitionError()
            | errors.ContractError()
        ):
            return Failure(ExitCode.USAGE, str(error))
        case errors.TaskerError():
            return Failure(ExitCode.FAILURE, str(error))
        case _:
            return None


def _explain_migration(error: BaseException) -> Failure | None:
    if "tasker_sql.migrate" not in sys.modules:
        return None
    from tasker_sql.migrate import MigrationError

    if not isinstance(error, MigrationError):
        return None
    # Only the embedded database is migrated by whatever opens it.
    return Failure(
        ExitCode.FAILURE,
        str(error),
        "Start the embedded database afresh with: tasker db reset, or use the version that made it.",
    )


def _explain_psycopg(error: BaseException) -> Failure | None:
    if "psycopg" not in sys.modules:
        return None
    import psycopg

    from tasker.errors import NotAllowedError, NotInstalledError

    if not isinstance(error, psycopg.Error):
        return None
    state, message = error.sqlstate, error.diag.message_primary or str(error).strip()
    if state in SQLSTATE_CODES:
        return Failure(SQLSTATE_CODES[state], message, error.diag.message_hint)
    if state in NO_SCHEMA:
        return _explain_tasker(NotInstalledError(message))
    if state == NO_PRIVILEGE:
        return _explain_tasker(NotAllowedError(message))
    if isinstance(error, psycopg.OperationalError):
        return Failure(
            ExitCode.UNAVAILABLE,
            f"the database is unavailable: {_first_line(message)}",
            LOOK_AT_URL,
        )
    if (state or "").startswith(DATA):
        return Failure(
            ExitCode.USAGE, f"the database cannot take this: {message}", error.diag.message_detail
        )
    return Failure(ExitCode.FAILURE, f"the database refused: {message}", error.diag.message_hint)


def _first_line(text: str) -> str:
    return text.splitlines()[0] if text else "no reason given"
