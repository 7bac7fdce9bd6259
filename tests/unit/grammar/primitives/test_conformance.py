"""Each primitive keeps the rules; and one that breaks a rule is told which."""

from __future__ import annotations

import random
from typing import Any

import pytest
from tests.unit.grammar.primitives.examples import EXAMPLES, use

from tasker_grammar.conformance import check_primitive
from tasker_grammar.primitives import PRIMITIVES
from tasker_grammar.primitives.interface import (
    Broken,
    Checked,
    Cost,
    Failure,
    Primitive,
    Running,
    Scope,
    StepFields,
)
from tasker_grammar.primitives.parts import COUNT, closed
from tasker_grammar.world import ActionFailed


@pytest.mark.parametrize("kind", PRIMITIVES)
def test_a_primitive_keeps_the_rules(kind: str) -> None:
    assert check_primitive(PRIMITIVES[kind], EXAMPLES[kind]) == []


class Fields(StepFields):
    """No fields of its own."""


class Fine(Primitive[Fields, None]):
    """Gives a number. What breaks a rule is made of it."""

    kind = "fine"
    summary = "Give a number."
    effect = "pure"
    failures = (Failure("NO_NUMBER", "There is no number."),)
    fields = Fields

    def check(self, step: Fields, scope: Scope) -> Checked[None] | Broken:
        return Checked(closed(number=COUNT), None, "pure", frozenset({"NO_NUMBER"}))

    async def run(self, plan: None, running: Running) -> Any:
        return {"number": len(running.given["input"]["lines"])}


class Mistyped(Fine):
    """Gives what it does not say."""

    async def run(self, plan: None, running: Running) -> Any:
        return {"number": running.given["input"]["id"]}


class Undeclared(Fine):
    """Fails as it does not say."""

    async def run(self, plan: None, running: Running) -> Any:
        raise ActionFailed("SURPRISE", "boo")


class Raising(Fine):
    """Raises what is no failure."""

    async def run(self, plan: None, running: Running) -> Any:
        return {"number": running.given["nothing"]}


class Changing(Fine):
    """Changes what it is given."""

    async def run(self, plan: None, running: Running) -> Any:
        running.given["input"]["lines"].append({"sku": "x", "quantity": 1})
        return {"number": 1}


class Moody(Fine):
    """Gives another number each time."""

    async def run(self, plan: None, running: Running) -> Any:
        return {"number": random.SystemRandom().randrange(10**9)}


class Writing(Fine):
    """Writes, and says that it does not."""

    def check(self, step: Fields, scope: Scope) -> Checked[None] | Broken:
        return Checked(closed(number=COUNT), None, "idempotent_write", cost=Cost(writes=1))


class Costly(Fine):
    """Writes, and does not count it."""

    async def run(self, plan: None, running: Running) -> Any:
        event = running_event(running)
        await running.world.emit(running.place, "paid", event, None, {}, running.done)
        return {"number": 1}


class Repeating(Fine):
    """Writes something else each time it is run."""

    def check(self, step: Fields, scope: Scope) -> Checked[None] | Broken:
        return Checked(closed(number=COUNT), None, "pure", cost=Cost(writes=1))

    async def run(self, plan: None, running: Running) -> Any:
        event = running_event(running)
        number = random.SystemRandom().randrange(10**9)
        await running.world.emit(running.place, "paid", event, None, number, running.done)
        return {"number": 1}


class Untold(Fine):
    summary = "no sentence"
    failures = (Failure("NO_NUMBER", ""),)


class Picky(Fine):
    """Reports what is sound."""

    def check(self, step: Fields, scope: Scope) -> Checked[None] | Broken:
        scope.report("P001", "/id", "I do not like it")
        return Broken()


def running_event(running: Running) -> Any:
    del running
    from tests.unit.grammar.primitives.examples import RESOURCES

    return RESOURCES.events["paid"]


def test_one_that_keeps_the_rules_has_no_faults() -> None:
    assert check_primitive(Fine(), [use("fine")]) == []


@pytest.mark.parametrize(
    ("broken", "fault"),
    [
        (Mistyped(), "what it gives is not of its type"),
        (Undeclared(), "it fails with SURPRISE, which it does not declare"),
        (Raising(), "it raises KeyError"),
        (Changing(), "it changes what it is given"),
        (Moody(), "the same inputs do not come to the same acts"),
        (Writing(), "it is idempotent_write, and declares pure"),
        (Costly(), "it writes more often than its cost says"),
        (Repeating(), "the same inputs do not come to the same acts"),
        (Untold(), "its summary is no sentence"),
        (Untold(), "the failure NO_NUMBER has no meaning"),
        (Picky(), "it is not sound: /steps/0/id"),
    ],
    ids=lambda each: type(each).__name__ if isinstance(each, Fine) else "",
)
def test_one_that_breaks_a_rule_is_told(broken: Fine, fault: str) -> None:
    found = check_primitive(broken, [use("fine")])
    assert any(fault in each for each in found), found


def test_one_without_examples_is_told() -> None:
    assert check_primitive(Fine(), []) == ["there is no example to try it on"]
