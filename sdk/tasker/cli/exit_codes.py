"""What the exit status of a command means. Scripts may rely on these numbers."""

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType


class ExitCode(IntEnum):
    """The exit statuses of `tasker`. With several ids at once, the first failure decides."""

    OK = 0
    FAILURE = 1
    USAGE = 2
    NOT_FOUND = 3
    REFUSED = 4
    UNAVAILABLE = 5
    TASK_FAILED = 6
    TIMEOUT = 124
    INTERRUPTED = 130


MEANINGS: Mapping[ExitCode, str] = MappingProxyType(
    {
        ExitCode.OK: "done",
        ExitCode.FAILURE: "failed",
        ExitCode.USAGE: "wrong usage or invalid input",
        ExitCode.NOT_FOUND: "not found",
        ExitCode.REFUSED: "refused by the state it is in, or a conflict",
        ExitCode.UNAVAILABLE: "database unavailable",
        ExitCode.TASK_FAILED: "the task failed (watch, submit --wait)",
        ExitCode.TIMEOUT: "timed out",
        ExitCode.INTERRUPTED: "interrupted",
    }
)

EPILOG = "Exit codes: " + " · ".join(f"{code.value} {text}" for code, text in MEANINGS.items())
