"""Everything that Tasker raises, as one tree.

TaskerError
├── RetryableError          the attempt failed; another one may succeed
│   ├── DatabaseUnavailable
│   └── FragmentRefused     a fragment that was proposed is not sound, and another may be
├── PermanentError          the step failed; no other attempt would help
│   ├── EventTimedOut       the event that a handler waited for did not come
│   ├── ApprovalTimedOut    nobody answered what a handler asked
│   ├── TaskTimedOut        the task that a handler waited for did not end
│   ├── TaskFailed          the awaited task ended without a result, or is blocked
│   ├── TaskCancelled       the awaited task was cancelled
│   ├── FragmentRejected    a fragment that was proposed is not sound
│   └── ContractError       a value is not what the contract says
├── DefinitionError         a workflow or handler is written wrongly; raised at import
├── TemplateError           a YAML template is written wrongly
│   └── UnknownEnvironmentError an environment was named that no template has
├── ResourcesError          a file of resources is written wrongly
├── CompositionError        a file of compositions is written wrongly
├── GenerateError           code cannot be generated: from this template, or with what is installed
├── RequestError            the database refused a request
│   ├── NotFoundError
│   ├── InvalidInputError
│   ├── ConflictError
│   └── InvalidStateError
├── NotInstalledError       the database has no Tasker schema, or another version of it
└── NotAllowedError         the login lacks the role for this

A handler chooses by raising: `RetryableError` and `PermanentError` say what should happen; any
other exception is retried while attempts are left. What a program can use stands on attributes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar, Literal
from uuid import UUID

from tasker.durations import to_seconds
from tasker.names import did_you_mean
from tasker_grammar.contracts import Finding
from tasker_grammar.findings import Finding as GrammarFinding

__all__ = [
    "ApprovalTimedOut",
    "CompositionError",
    "ConflictError",
    "ContractError",
    "DatabaseUnavailable",
    "DefinitionError",
    "EventTimedOut",
    "Fault",
    "FragmentRefused",
    "FragmentRejected",
    "GenerateError",
    "InvalidInputError",
    "InvalidStateError",
    "LocatedFinding",
    "NotAllowedError",
    "NotFoundError",
    "NotInstalledError",
    "PermanentError",
    "RequestError",
    "ResourcesError",
    "RetryableError",
    "StepFailure",
    "TaskCancelled",
    "TaskFailed",
    "TaskTimedOut",
    "TaskerError",
    "TemplateError",
    "TemplateFinding",
    "UnknownEnvironmentError",
]


class TaskerError(Exception):
    """The root of everything that Tasker raises."""


class RetryableError(TaskerError):
    """The attempt failed, and another one may succeed.

    `retry_after` asks for a delay instead of the step's backoff: seconds, a text like "30s", or a
    timedelta; a `ValueError` when it is none of them. On the error it stands as seconds.
    """

    def __init__(
        self, message: str = "", retry_after: float | str | timedelta | None = None
    ) -> None:
        super().__init__(message)
        self.retry_after = None if retry_after is None else to_seconds(retry_after)


class DatabaseUnavailable(RetryableError):
    """The database could not be reached, or a connection broke: what was asked may be done."""


class PermanentError(TaskerError):
    """The step failed, and no other attempt would help: it goes to the dead letters at once."""


class FragmentRejected(PermanentError):
    """A fragment that was proposed is not sound, so nothing of it exists. `findings` has everything wrong with it."""

    def __init__(self, findings: Sequence[GrammarFinding]) -> None:
        super().__init__("\n".join(map(str, findings)))
        self.findings = tuple(findings)


class FragmentRefused(RetryableError):
    """As `FragmentRejected`, where the place of the fragment lets another attempt propose a better one."""

    def __init__(self, findings: Sequence[GrammarFinding]) -> None:
        super().__init__("\n".join(map(str, findings)))
        self.findings = tuple(findings)


class EventTimedOut(PermanentError):
    """The event that a handler waited for did not come in time. Catch it to go another way."""


class ApprovalTimedOut(PermanentError):
    """Nobody answered in time what a handler asked. Catch it to ask somebody else."""


class ContractError(PermanentError):
    """A value is not what its contract says: a task's input, a step's result, or a parent's.

    `subject` says which value, `findings` where in it and why.
    """

    def __init__(self, subject: str, findings: Sequence[Finding]) -> None:
        super().__init__(f"{subject}: {'; '.join(map(str, findings))}")
        self.subject = subject
        self.findings = tuple(findings)


Severity = Literal["error", "warning", "info"]
"""An error keeps a template from being made; a warning is likely a mistake; an info is good to know."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing to be said about a template. `path` leads to it, as in ("steps", 2, "depends_on", 0).

    `code` names its kind, and has a page in the documentation; codes do not change.
    """

    path: tuple[str | int, ...]
    what: str
    mend: str
    code: str
    severity: Severity

    def __str__(self) -> str:
        return f"{self.what}. {self.mend}".rstrip()

    def line_about(self, place: str) -> str:
        """It in one line, as compilers write theirs: place, severity, what, how to mend it, code."""
        said = f"{self.what}. {self.mend}".rstrip()
        return f"{place}: {self.severity}: {said} [{self.code}]"


class DefinitionError(TaskerError):
    """A workflow, a handler or a template is written wrongly.

    Raised while it is being defined, so that no task ever meets it. `faults` holds all that was
    found about the structure of a template, warnings beside the errors; it is empty when the
    message says it all.
    """

    def __init__(self, message: str, faults: Sequence[Fault] = ()) -> None:
        super().__init__(message)
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True)
class TemplateFinding(Fault):
    """One thing to be said about a YAML template, with its file and line (from 1)."""

    file: str
    line: int

    def __str__(self) -> str:
        """With file and line in front, so that editors can jump to it."""
        return self.line_about(f"{self.file}:{self.line}")


class TemplateError(TaskerError):
    """A YAML template cannot be used. `findings` holds all that is wrong with it."""

    def __init__(self, findings: Sequence[TemplateFinding]) -> None:
        super().__init__("\n".join(map(str, findings)))
        self.findings = tuple(findings)


class UnknownEnvironmentError(TemplateError):
    """An environment was named that none of the templates has. `known` are those that there are."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(())
        self.name = name
        self.known = tuple(known)

    def __str__(self) -> str:
        if not self.known:
            return f'there is no environment "{self.name}": no template has any'
        hint = did_you_mean(self.name, self.known) or f"There are: {', '.join(self.known)}."
        return f'no template has an environment "{self.name}". {hint}'


@dataclass(frozen=True, slots=True)
class LocatedFinding:
    """One thing to be said about resources, a composition or a fragment, with its file and line (from 1)."""

    file: str
    line: int
    finding: GrammarFinding

    def __str__(self) -> str:
        """With file and line in front, so that editors can jump to it."""
        found = self.finding
        said = f"{found.message}. {found.hint}".rstrip()
        return f"{self.file}:{self.line}: {found.severity}: {said} [{found.code}]"

    def as_json(self) -> dict[str, Any]:
        """Its fields, without those that say nothing."""
        return {"file": self.file, "line": self.line, **self.finding.as_json()}


class ResourcesError(TaskerError):
    """A file of resources cannot be used. `findings` holds all that is wrong with it."""

    def __init__(self, findings: Sequence[LocatedFinding]) -> None:
        super().__init__("\n".join(map(str, findings)))
        self.findings = tuple(findings)


class CompositionError(TaskerError):
    """Files of compositions cannot be used. `findings` holds all that is wrong with them."""

    def __init__(self, findings: Sequence[LocatedFinding]) -> None:
        super().__init__("\n".join(map(str, findings)))
        self.findings = tuple(findings)


class GenerateError(TaskerError):
    """Code cannot be generated from a template: what it says has no form there, or a generator is missing or failed."""


class NotInstalledError(TaskerError):
    """The database has no Tasker schema, or another version of it than this client needs."""

    def __init__(self, detail: str) -> None:
        self.message = f"this database has no Tasker schema, or another version of it ({detail})"
        self.hint = "Install or upgrade it: tasker migrate"
        super().__init__(f"{self.message}. {self.hint}")


class NotAllowedError(TaskerError):
    """The login may not do this: it lacks the role for it."""

    def __init__(self, detail: str) -> None:
        self.message = detail
        self.hint = (
            "Use a login with the role for this: tasker_client submits, tasker_worker runs steps,"
            " tasker_operator changes, tasker_reader looks."
        )
        super().__init__(f"{self.message}. {self.hint}")


class RequestError(TaskerError):
    """The database refused a request. `message` says why, `hint` what to do (or is None)."""

    sqlstate: ClassVar[str]

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message if hint is None else f"{message}. {hint}")
        self.message = message
        self.hint = hint


class NotFoundError(RequestError):
    """There is no such task, step, template or namespace."""

    sqlstate = "TK001"


class InvalidInputError(RequestError):
    """The request is malformed, or asks for something that cannot be."""

    sqlstate = "TK002"


class ConflictError(RequestError):
    """It is there already, and different: a registered version, or an idempotency key in use."""

    sqlstate = "TK003"


class InvalidStateError(RequestError):
    """The task or step is not in a state that allows this."""

    sqlstate = "TK004"


@dataclass(frozen=True, slots=True)
class StepFailure:
    """A step that failed for good: its name, its last error's type, and that error's message."""

    step: str
    type: str
    message: str

    def __str__(self) -> str:
        return f"{self.step}: {self.type}: {self.message}"


class TaskFailed(PermanentError):
    """The awaited task will have no result by itself.

    `errors` holds the steps that failed, `reason` why the task was ended, when it was.
    """

    def __init__(
        self,
        task_id: UUID,
        state: str,
        errors: Sequence[StepFailure] = (),
        reason: str | None = None,
    ) -> None:
        steps = "".join(f"\n  {error}" for error in errors)
        why = f": {reason}" if reason else ""
        super().__init__(f"task {task_id} is in state {state}{why}{steps}")
        self.task_id = task_id
        self.state = state
        self.errors = tuple(errors)
        self.reason = reason


class TaskTimedOut(PermanentError):
    """The task that a handler waited for did not end in time. It goes on. Catch it to go another way."""

    def __init__(self, task_id: UUID) -> None:
        super().__init__(f"task {task_id} did not end in time")
        self.task_id = task_id


class TaskCancelled(PermanentError):
    """The awaited task was cancelled. `reason` is what was given for it, when it is known."""

    def __init__(self, task_id: UUID, reason: str | None = None) -> None:
        super().__init__(f"task {task_id} was cancelled" + (f": {reason}" if reason else ""))
        self.task_id = task_id
        self.reason = reason
