"""How a defect is put into something sound. Each is a function, for a code: it says what the check found then.

A function gives None where the defect cannot be put into this case. Most put one more step in, at any level, that the
result of that level waits for: so that the defect is all that is wrong.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from random import Random
from typing import Any

from tests.soundness.cases import Case, check
from tests.soundness.programs import Step, walk
from tests.soundness.shapes import closed

from tasker_grammar.findings import Finding
from tasker_grammar.resources import Endpoint, Event

Found = Sequence[Finding] | None
Defect = Callable[[Random, Case], Found]

DEFECTS: dict[str, list[Defect]] = {}
NONSENSE = "never_heard_of"


def defect(code: str) -> Callable[[Defect], Defect]:
    """Says which code a defect is to be found by."""

    def add(function: Defect) -> Defect:
        DEFECTS.setdefault(code, []).append(function)
        return function

    return add


def levels(case: Case) -> Iterator[tuple[list[Step], str]]:
    """Each list of steps, with its result."""
    yield case.steps, case.result
    for step in walk(case.steps):
        if "steps" in step:
            yield step["steps"], step["result"]


def copied(case: Case, **changes: Any) -> Case:
    """A case of its own to change."""
    return replace(case, steps=copy.deepcopy(case.steps), **changes)


def insert(chance: Random, case: Case, *steps: Step, top: bool = False) -> Case:
    """The case with more steps, at any level or at the top; the result waits for the last."""
    new = copied(case)
    level, result = next(levels(new)) if top else chance.choice(list(levels(new)))
    last = next(step for step in level if step["id"] == result)
    last["needs"] = [*last.get("needs", ()), steps[-1]["id"]]
    level.extend(copy.deepcopy(list(steps)))
    chance.shuffle(level)
    return new


def add(code: str, kind: str, /, **fields: Any) -> None:
    """A defect that lies in one more step."""

    @defect(code)
    def put(chance: Random, case: Case) -> Found:
        return check(insert(chance, case, {"id": "extra", "kind": kind, **fields})).findings


def transform(value: str, **fields: Any) -> Step:
    return {"id": "extra", "kind": "transform", "value": value, **fields}


BRANCHES: list[Step] = [
    {
        "id": "choose",
        "kind": "decide",
        "cases": [{"when": "true", "then": ["one"]}],
        "else": ["two"],
    },
    {"id": "one", "kind": "transform", "value": "1"},
    {"id": "two", "kind": "transform", "value": "2"},
]


TELL: Step = {"id": "extra", "kind": "emit", "event": "plain", "payload": '{text: "hello"}'}


def with_more(case: Case, **kinds: dict[str, Any]) -> Any:
    """The resources, and some more."""
    old = case.resources
    return old.model_copy(
        update={kind: {**getattr(old, kind), **new} for kind, new in kinds.items()}
    )


def with_event(case: Case) -> Case:
    event = Event(payload=closed({"text": {"type": "string"}}))
    return replace(case, resources=with_more(case, events={"plain": event}))


LEAKY = Endpoint(base_url="https://example.com", result={"type": "string"}, label="secret")
OPEN = Event(payload=closed({"text": {"type": "string"}}), accepts="public")


def with_labels(case: Case) -> Case:
    more = with_more(case, endpoints={"leaky": LEAKY}, events={"open": OPEN})
    return replace(
        case, resources=more.model_copy(update={"labels": ("public", "internal", "secret")})
    )


def bounded(case: Case, **bounds: Any) -> Found:
    """What is found in a fragment by tighter bounds."""
    if not case.fragment:
        return None
    return check(copied(case, bounds=case.bounds.model_copy(update=bounds))).findings
