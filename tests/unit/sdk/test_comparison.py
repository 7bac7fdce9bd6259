"""Two versions of a template: what is another, and who it breaks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest

from tasker import Limit, Retry
from tasker.comparison import CODES, compare
from tasker.definitions import read_template
from tasker.policy import BatchPolicy, Bounds
from tasker.template import Compensation, StepDefinition, Template

STRING = {"type": "string"}
LONG = {"type": "string", "minLength": 3}


def takes(**fields: Any) -> dict[str, Any]:
    return {"type": "object", "properties": fields, "required": list(fields)}


def step(name: str, *depends_on: str, **fields: Any) -> StepDefinition:
    return StepDefinition(name, fields.pop("handler", f"h.{name}"), depends_on=depends_on, **fields)


CART = step("cart", result_schema=STRING, input_schema=takes(input=True), config={"k": 1})
PAY = step("pay", "cart", input_schema=takes(cart=True), compensate=Compensation("h.undo"))
SHIP = step("ship", "pay", "cart", input_schema=takes(pay=True))


def template(*steps: StepDefinition, **fields: Any) -> Template:
    about = {"namespace": "shop", "name": "order", "version": "1", "input_schema": STRING}
    return Template(**about | fields, steps=steps or (CART, PAY, SHIP))


def with_(old: StepDefinition, **fields: Any) -> Template:
    changed = replace(old, **fields)
    return template(*(changed if each is old else each for each in (CART, PAY, SHIP)))


OLD = template()
DYNAMIC = step("more", kind="dynamic")


@pytest.mark.parametrize(
    ("new", "said"),
    [
        (template(namespace="mall"), ["name changed name callers"]),
        (template(input_schema=LONG), ["input narrowed input_schema callers"]),
        (template(input_schema=None), ["input widened input_schema nobody"]),
        (
            template(input_schema={"type": "integer"}),
            ["input narrowed input_schema callers", "input widened input_schema nobody"],
        ),
        (with_(CART, result_schema=LONG), ["result narrowed steps.cart.result_schema handlers"]),
        (with_(CART, result_schema=None), ["result widened steps.cart.result_schema readers"]),
        (
            with_(CART, input_schema=takes(input=STRING)),
            ["step-input narrowed steps.cart.input_schema nobody"],
        ),
        (with_(CART, input_schema=None), ["step-input widened steps.cart.input_schema handlers"]),
        (template(CART, PAY, SHIP, step("tell", "ship")), [
            "step added steps.tell handlers", "last-steps changed steps readers",
        ]),
        (template(CART, PAY, SHIP, step("tell", handler="h.pay")), [
            "step added steps.tell nobody", "last-steps changed steps readers",
        ]),
        (template(CART, PAY), ["step removed steps.ship readers", "last-steps changed steps readers"]),
        (
            template(
                replace(CART, name="basket"),
                replace(PAY, depends_on=("basket",), input_schema=takes(basket=True)),
                replace(SHIP, depends_on=("pay", "basket")),
            ),
            [
                "step renamed steps.basket readers",
                "dependency renamed steps.pay.depends_on.cart handlers",
                "step-input narrowed steps.pay.input_schema nobody",
                "step-input widened steps.pay.input_schema handlers",
                "dependency renamed steps.ship.depends_on.cart nobody",
            ],
        ),
        (with_(SHIP, depends_on=("pay",)), ["dependency removed steps.ship.depends_on.cart nobody"]),
        (with_(SHIP, handler="h.fly"), ["handler changed steps.ship.handler handlers"]),
        (with_(SHIP, handler="h.pay"), ["handler changed steps.ship.handler nobody"]),
        (with_(SHIP, kind="deferred_convergence"), ["kind changed steps.ship.kind handlers"]),
        (with_(SHIP, queue="slow"), ["queue changed steps.ship.queue handlers"]),
        (with_(CART, config={}), ["config removed steps.cart.config.k handlers"]),
        (with_(CART, config={"k": 2, "m": 1}), [
            "config changed steps.cart.config.k nobody", "config added steps.cart.config.m nobody",
        ]),
        (with_(PAY, compensate=None), ["compensation removed steps.pay.compensate nobody"]),
        (
            with_(CART, compensate=Compensation("h.drop")),
            ["compensation added steps.cart.compensate handlers"],
        ),
        (with_(PAY, compensate=Compensation("h.back", takes=("cart",), when="started")), [
            "handler changed steps.pay.compensate.handler handlers",
            "compensation added steps.pay.compensate.takes.cart nobody",
            "policy changed steps.pay.compensate.when nobody",
        ]),
        (
            template(replace(CART, expands=("more",)), PAY, SHIP, DYNAMIC),
            ["expands added steps.cart.expands.more nobody", "step added steps.more handlers"],
        ),
        (with_(SHIP, retry=Retry(max_attempts=5, cap="2m")), [
            "policy changed steps.ship.retry.max_attempts nobody",
            "policy changed steps.ship.retry.cap nobody",
        ]),
        (with_(SHIP, attempt_time_limit=5), ["policy changed steps.ship.attempt_time_limit nobody"]),
        (with_(SHIP, limits=(Limit(concurrency=2),)), ["policy changed steps.ship.limits nobody"]),
        (with_(SHIP, batch=BatchPolicy(2)), ["policy changed steps.ship.batch.parallelism nobody"]),
        (with_(SHIP, description="x"), ["text changed steps.ship.description nobody"]),
        (template(time_limit=9), ["policy changed time_limit nobody"]),
        (template(expansion=Bounds(5)), ["policy changed expansion.max_steps nobody"]),
        (template(metadata={"a": 1}, version="2"), ["text changed metadata.a nobody"]),
    ],
)  # fmt: skip
def test_what_has_changed_and_who_it_breaks(new: Template, said: list[str]) -> None:
    changes = compare(OLD, new)
    assert [f"{c.code} {c.sort} {'.'.join(c.path)} {c.breaks}" for c in changes] == said
    assert {c.code for c in changes} <= set(CODES)
    assert all(c.what for c in changes)


def test_a_misfit_is_explained() -> None:
    [narrowed] = compare(
        template(input_schema=takes(id=STRING)), template(input_schema=takes(id=LONG))
    )
    assert narrowed.what == "it allows less than before, at $.id: takes string with minLength 3"


def test_what_cannot_be_decided_is_told_as_both() -> None:
    changes = compare(OLD, template(input_schema={"not": {"type": "null"}}))
    assert [(c.sort, c.breaks) for c in changes] == [("narrowed", "callers"), ("widened", "nobody")]
    assert all("could not be decided" in c.what for c in changes)


def test_the_same_is_no_change_however_it_is_written() -> None:
    again = Template("shop", "order", "2", OLD.steps, input_schema={**STRING})
    assert compare(OLD, again) == []
    retried = replace(CART, retry=Retry(base=1.0, cap=60))
    assert compare(OLD, template(retried, PAY, SHIP)) == []


def test_a_template_is_read_from_its_definition() -> None:
    full = template(
        replace(CART, expands=("more",), limits=(Limit(rate=2, period="3s"),)),
        replace(PAY, retry=Retry(permanent=("E",)), queue="q", step_time_limit=5),
        SHIP,
        DYNAMIC,
        step("split", kind="batchable"),
        step("part", "split", kind="batch_worker", batch=BatchPolicy(3, "continue")),
        on_failure="compensate",
        expansion=Bounds(5, 6),
        limits=(Limit(unit="task", concurrency=3),),
        metadata={"a": 1},
    )
    read = read_template(orjson.loads(orjson.dumps(full.to_json())))
    assert read.to_json() == full.to_json()
    assert compare(full, read) == []
    least = {
        "namespace": "n",
        "name": "t",
        "version": "1",
        "steps": [{"name": "a", "handler": "h"}],
    }
    assert read_template(least) == Template("n", "t", "1", (StepDefinition("a", "h"),))


def changes(old: Template, new: Template) -> set[tuple[str, str, str]]:
    return {(".".join(each.path), each.sort, each.breaks) for each in compare(old, new)}


def test_a_batch_that_goes_on_without_failures_gives_its_convergence_something_else() -> None:
    def batch(policy: BatchPolicy) -> Template:
        return template(
            step("cut", kind="batchable"),
            step("work", "cut", kind="batch_worker", batch=policy),
            step("sum", "work", kind="deferred_convergence"),
        )

    for before, after, breaks in (
        ("wait", "continue", "handlers"),
        ("continue", "fail_task", "handlers"),
        ("wait", "fail_task", "nobody"),
    ):
        found = changes(batch(BatchPolicy(on_failure=before)), batch(BatchPolicy(on_failure=after)))
        assert found == {("steps.work.batch.on_failure", "changed", breaks)}
    found = changes(batch(BatchPolicy(None, "continue")), batch(BatchPolicy(2, "continue")))
    assert found == {("steps.work.batch.parallelism", "changed", "nobody")}


def test_a_decision_whose_branch_has_gone_may_still_answer_its_name() -> None:
    which, left = step("which", kind="decision"), step("left", "which")
    old = template(which, left, step("right", "which"))
    gone = ("steps.which.branches.right", "removed", "handlers")
    assert gone in changes(old, template(which, left))
    assert gone in changes(old, template(which, left, step("renamed", "which", handler="h.right")))
    assert gone in changes(old, template(which, left, step("right", input_schema=takes())))
    assert gone not in changes(old, template(which, left, step("right", "which"), step("third")))
    assert gone not in changes(old, template(step("other")))  # nothing decides
