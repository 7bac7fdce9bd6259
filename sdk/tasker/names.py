"""What things may be called, and what someone may have meant. Pure."""

from __future__ import annotations

import re

from tasker_grammar.telling import Hints, did_you_mean, list_nearest

__all__ = [
    "COMPOSITION",
    "FRAGMENT_RESULT",
    "FRAGMENT_STEP",
    "LONGEST_STEP",
    "LONGEST_TEMPLATE",
    "LONGEST_VERSION",
    "NAMESPACE",
    "OWN_HANDLERS",
    "PLACES",
    "QUEUE",
    "RESERVED",
    "UNDO",
    "Hints",
    "did_you_mean",
    "find_name_fault",
    "find_namespace_fault",
    "find_queue_fault",
    "list_nearest",
]

LONGEST_TEMPLATE = 255
LONGEST_STEP = 128
LONGEST_VERSION = 50

NAMESPACE = re.compile(r"[a-zA-Z][a-zA-Z0-9_-]{0,28}")
QUEUE = re.compile(r"[a-z][a-z0-9_]{0,38}")

RESERVED = frozenset({"input", "ctx", "context"})
"""What a handler is given under these names is never a step's result."""

COMPOSITION = "tasker.composition"
"""The handler that runs composition steps. Every worker has it."""

FRAGMENT_STEP = "tasker.fragment_step"
FRAGMENT_RESULT = "tasker.fragment_result"
"""The handlers of what fragments become: their steps, and what they give."""

PLACES = "fragments"
"""Where the config of a step that may propose fragments holds the places at which they grow."""

OWN_HANDLERS = frozenset({COMPOSITION, FRAGMENT_STEP, FRAGMENT_RESULT})
"""The handlers that are Tasker's own, which every worker has."""

UNDO = "undo:"
"""What the name of a compensation begins with."""


def find_name_fault(name: object, longest: int) -> str | None:
    """Why `name` cannot name a template, a step or a version of at most `longest` characters."""
    if not isinstance(name, str) or name == "":
        return "must be a text that is not empty"
    if len(name) > longest:
        return f"has {len(name)} characters; {longest} are the most"
    if name != name.strip() or not name.isprintable() or "/" in name:
        return "must have no slash, no control characters, and no spaces around it"
    return None


def find_namespace_fault(name: object) -> str | None:
    """Why `name` cannot name a namespace."""
    if isinstance(name, str) and NAMESPACE.fullmatch(name):
        return None
    return "must be a letter and then at most 28 letters, digits, underscores and hyphens"


def find_queue_fault(name: object) -> str | None:
    """Why `name` cannot name a queue."""
    if isinstance(name, str) and QUEUE.fullmatch(name):
        return None
    return "must be a lower-case letter and then at most 38 of a-z, 0-9 and underscore"
