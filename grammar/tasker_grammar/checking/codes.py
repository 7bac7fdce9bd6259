"""The codes of the action grammar's findings: how bad each is, and what it is about. Pure.

A code stands for ever: people search for it, and planners are taught by it. Each has a page in docs/findings/ of the
same name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tasker_grammar.findings import Severity

__all__ = ["CODES", "Code"]


@dataclass(frozen=True, slots=True)
class Code:
    """A kind of finding. An error keeps what was checked from running; a warning does not."""

    name: str
    severity: Severity
    title: str


def _register(*codes: tuple[str, str, Severity]) -> Mapping[str, Code]:
    return {name: Code(name, severity, title) for name, title, severity in codes}


CODES: Mapping[str, Code] = _register(
    # What was written, as such
    ("P001", "A field is missing, unknown, or of the wrong shape", "error"),
    ("P002", "The version of the format is not known", "error"),
    ("P003", "There is too much of it, or it is nested too deep", "error"),
    ("P004", "A file cannot be read", "error"),
    ("P101", "A composition has no such parameter", "error"),
    ("P102", "A parameter is not given", "error"),
    ("P103", "A parameter is given something of another kind", "error"),
    ("P104", "A place is marked for a parameter that is not there", "error"),
    ("P105", "A parameter is used nowhere", "warning"),
    ("P106", "Two compositions have one name and version", "error"),
    ("P107", "A composition has the name of one that comes with Tasker", "error"),
    # The graph
    ("G101", "Two steps have one id", "error"),
    ("G102", "An id is taken already", "error"),
    ("G103", "There is no such step", "error"),
    ("G104", "Steps wait for each other", "error"),
    ("G105", "A step is named twice in one list", "error"),
    ("G106", "The result names no step", "error"),
    ("G107", "Nothing comes of a step", "error"),
    ("G108", "A step that writes is not waited for by the result", "error"),
    ("G109", "A step can never run", "error"),
    ("G110", "The result may not be there", "error"),
    ("G111", "A composition uses itself", "error"),
    ("G112", "A convergence is named as a branch", "error"),
    # Expressions
    ("X001", "An expression is too long", "error"),
    ("X002", "An expression cannot be read", "error"),
    ("X003", "An expression uses what is not in the language", "error"),
    ("X004", "An expression is too large, or nested too deep", "error"),
    ("X101", "There is no such field", "error"),
    ("X102", "What may be anything is looked into", "error"),
    ("X103", "Something is done to a value of another kind", "error"),
    ("X104", "An operator is given what it does not take", "error"),
    ("X105", "There may be none, or several, where one is needed", "error"),
    ("X106", "There is no such variable", "error"),
    ("X107", "An object has one key twice", "error"),
    # Contracts
    ("C301", "Parameters do not fit their endpoint", "error"),
    ("C302", "A value does not fit the output that is declared", "error"),
    ("C303", "A condition is not true or false", "error"),
    ("C304", "The title of a gate is no text", "error"),
    ("C305", "A row does not fit its table", "error"),
    ("C306", "A payload or a key does not fit its event", "error"),
    ("C307", "A fan_out goes over what is no list", "error"),
    ("C308", "The input of a composition does not fit", "error"),
    ("C309", "The result does not fit what was asked for", "error"),
    ("C310", "The input of an action does not fit", "error"),
    ("C311", "A time to wait until is none", "error"),
    ("C312", "What is to be parted is no list", "error"),
    # Effects
    ("E401", "A write does not stand behind a gate", "error"),
    ("E402", "A write may come without its key", "error"),
    ("E403", "Confidential data may flow to where it must not", "error"),
    ("E404", "A composition does more than it declares", "error"),
    # Bounds
    ("B201", "There are too many steps", "error"),
    ("B202", "Too many steps stand one behind the other", "error"),
    ("B203", "There may be too many writes", "error"),
    ("B204", "Decisions can go in too many ways", "error"),
    ("B205", "A kind of step may not be used here", "error"),
    ("B206", "A fan_out may be too wide", "error"),
    ("B207", "Steps stand within steps too deep", "error"),
    ("B208", "There may be too much work in all", "error"),
    # Resources
    ("R501", "There is no such endpoint, table or schema", "error"),
    ("R502", "There is no such event", "error"),
    ("R503", "There is no such action", "error"),
    ("R504", "There is no such composition, or no such version", "error"),
    ("R505", "An entry of the resources cannot be used", "error"),
    ("R506", "A table is not in the database as the resources say", "error"),
    ("R507", "The login may not do what the resources say", "error"),
    ("R508", "A secret is not set", "warning"),
    ("R509", "A resource may not be used here", "error"),
    ("R510", "A table may not be written in this way", "error"),
    ("R511", "Others may read a secret", "warning"),
    # Schemas
    ("S601", "A schema cannot be used here", "error"),
    ("S602", "A schema is too large", "error"),
)
