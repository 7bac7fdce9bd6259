"""The log of an attempt: records that know their step and carry what fields its handler gives. Touches logging."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, MutableMapping
from typing import Any

__all__ = ["StepLogger", "describe_fields"]

_FACTS = frozenset({"task_id", "template", "step", "attempt"})
_SHOWN = ("step", "attempt", "task_id")  # of the facts; the task says which template it is of
_ATTRIBUTES = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class StepLogger(logging.LoggerAdapter[logging.Logger]):
    """Writes records with the facts of an attempt as attributes, and with them what is given as `extra`.

    What a record or a fact is named already gets an underscore behind its name.
    """

    def __init__(self, task_id: str, template: str, step: str, attempt: int) -> None:
        self._facts = {"task_id": task_id, "template": template, "step": step, "attempt": attempt}
        super().__init__(logging.getLogger("tasker.handler"), self._facts)

    def process(
        self, msg: Any, kwargs: MutableMapping[str, Any]
    ) -> tuple[Any, MutableMapping[str, Any]]:
        """Add the facts to what is given."""
        given: Mapping[str, Any] = kwargs.get("extra") or {}
        fields = {_free_name(name): value for name, value in given.items()}
        return msg, {**kwargs, "extra": fields | self._facts}


def describe_fields(record: logging.LogRecord) -> str:
    """The fields of a record as text, then whose it is, each with a space before it: ` cents=2320 step="charge" …`."""
    given = vars(record)
    named = [name for name in given if name not in _ATTRIBUTES and name not in _FACTS]
    named += [name for name in _SHOWN if name in given]
    return "".join(f" {name}={_write(given[name])}" for name in named)


def _free_name(name: str) -> str:
    return f"{name}_" if name in _ATTRIBUTES or name in _FACTS else name


def _write(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except (TypeError, ValueError, RecursionError):
        return repr(value)
