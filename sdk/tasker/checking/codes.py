"""The codes of findings: what each is called, how bad it is, what it is about. Pure.

A code stands for ever: people silence it, search for it, and count on it in CI. Each has a page in
docs/findings/ of the same name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from tasker.errors import Fault, Severity

__all__ = ["ABOUT_FIELDS", "CODES", "Code", "Topic", "make_fault"]

Topic = Literal["source", "fields", "time", "graph", "branches", "growth", "data", "handlers"]

ABOUT_FIELDS: frozenset[Topic] = frozenset({"source", "fields", "time"})
"""The topics of what can be said of one part of a template without knowing the others."""


@dataclass(frozen=True, slots=True)
class Code:
    """A kind of finding. An error keeps a template from being made; a warning and an info do not."""

    name: str
    severity: Severity
    topic: Topic
    title: str


def make_fault(code: str, path: tuple[str | int, ...], what: str, mend: str) -> Fault:
    """A finding of a registered code, with the severity that all of that code have."""
    return Fault(path, what, mend, code, CODES[code].severity)


def _register(*codes: tuple[str, Severity, Topic, str]) -> Mapping[str, Code]:
    return {code[0]: Code(*code) for code in codes}


CODES: Mapping[str, Code] = _register(
    ("unreadable-file", "error", "source", "A file cannot be read"),
    ("no-template", "error", "source", "There is no template in a file or folder"),
    ("invalid-yaml", "error", "source", "A text is no YAML"),
    ("duplicate-key", "error", "source", "A key is given twice in one mapping"),
    ("unsupported-yaml", "error", "source", "YAML says something that JSON cannot hold"),
    ("missing-field", "error", "fields", "A field that is needed is missing"),
    ("unknown-field", "warning", "fields", "A field is unknown, and has no effect"),
    ("two-names", "error", "fields", "One field is given under both of its names"),
    ("wrong-type", "error", "fields", "A value is of the wrong type"),
    ("out-of-range", "error", "fields", "A value is outside of what is allowed"),
    ("not-acted-on", "warning", "fields", "A field is accepted, and nothing acts on it"),
    ("not-json", "error", "fields", "A value cannot be stored as JSON"),
    ("invalid-name", "error", "fields", "A name is malformed, or too long"),
    ("reserved-name", "error", "fields", "A step has a name that means something else"),
    ("empty-handler", "error", "fields", "The handler's name is empty, or too long"),
    ("invalid-schema", "error", "fields", "A schema is no JSON Schema"),
    ("task-input-not-object", "info", "fields", "A task's input is no object"),
    ("step-input-not-object", "error", "fields", "A step's input schema takes no object"),
    ("invalid-limit", "error", "fields", "A limit is malformed"),
    ("batch-config-ignored", "warning", "fields", "A batch's policy stands where it has no effect"),
    ("invalid-retry", "error", "time", "A retry policy is malformed"),
    ("invalid-time-limit", "error", "time", "A time limit is malformed"),
    ("backoff-without-retry", "warning", "time", "There is a backoff, and nothing to wait for"),
    ("impossible-error-name", "warning", "time", "A permanent error has a name that no error has"),
    ("attempt-outlasts-step", "warning", "time", "An attempt may take longer than its step"),
    ("retries-outlast-step", "warning", "time", "A step's time ends before its attempts do"),
    ("step-outlasts-task", "warning", "time", "A step may take longer than its task"),
    ("path-outlasts-task", "info", "graph", "Steps in a chain may take longer than their task"),
    ("step-count", "error", "graph", "A template has no steps, or too many"),
    ("too-many-edges", "error", "graph", "A template has too many dependencies"),
    ("duplicate-step", "error", "graph", "Two steps have one name"),
    ("missing-parent", "error", "graph", "A step depends on one that is not there"),
    ("repeated-parent", "error", "graph", "A step depends on another twice"),
    ("self-dependency", "error", "graph", "A step depends on itself"),
    ("cycle", "error", "graph", "Steps wait for each other in a circle"),
    ("orphan-step", "warning", "graph", "A step is connected to no other"),
    ("unknown-environment-step", "warning", "graph", "An environment changes a step that is not there"),
    ("compensation-takes-unknown", "error", "graph", "A compensation takes the result of no step"),
    ("nothing-to-undo", "warning", "graph", "A task is to be undone, and no step can be"),
    ("decision-without-branches", "error", "branches", "No step depends on a decision"),
    ("decision-result", "error", "branches", "A decision's result schema allows no list of names"),
    ("unknown-branch", "error", "branches", "A decision may choose a branch that is not there"),
    ("unchosen-branch", "error", "branches", "A decision can never choose a branch"),
    ("unreachable-step", "error", "branches", "A step can never come to be"),
    ("exclusive-parents", "warning", "branches", "An ordinary step needs two branches of one decision"),
    ("never-converges", "error", "branches", "Nothing that a convergence waits for can come to be"),
    ("waits-in-vain", "warning", "branches", "A convergence names a step that can never come to be"),
    ("nothing-to-converge", "info", "branches", "All that a convergence waits for always comes"),
    ("batch-without-worker", "error", "growth", "A batch has no worker, or several"),
    ("batch-result", "error", "growth", "A batch's result schema allows no list"),
    ("worker-without-batch", "error", "growth", "A batch worker depends on no batch, or on more"),
    ("needs-convergence", "error", "growth", "An ordinary step depends on what comes many times"),
    ("dynamic-depends", "error", "growth", "A dynamic step depends on another"),
    ("dynamic-compensated", "error", "growth", "A dynamic step has a compensation"),
    ("dynamic-never-asked", "error", "growth", "No step asks for a dynamic step"),
    ("cannot-expand", "error", "growth", "A step of this kind cannot ask for dynamic steps"),
    ("unknown-dynamic-step", "error", "growth", "A step asks for a dynamic step that is not there"),
    ("data-without-source", "error", "data", "A step needs data that nothing gives it"),
    ("undeclared-dependency", "error", "data", "A step takes a result of a step that it does not depend on"),
    ("contract-misfit", "error", "data", "What a step is given does not fit what it takes"),
    ("contract-undecided", "warning", "data", "Whether data fits could not be decided"),
    ("may-be-missing", "error", "data", "A convergence does not allow for a result that may be missing"),
    ("no-result-schema", "info", "data", "Nothing says what a result is that another step takes"),
    ("no-input-schema", "info", "data", "Nothing says what the task's input is that a step takes"),
    ("unserved-handler", "warning", "handlers", "No worker has the handler of a step"),
)  # fmt: skip
