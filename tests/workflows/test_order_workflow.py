"""Orders: checked, priced, reserved, accepted and told of, whatever the price service does."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.workflows.support import Stage, services, set_stage

PRICES = {"mug": 1_200, "lamp": 4_900, "desk": 39_900, "pen": 150}


@pytest.fixture
def stage(database: str, tmp_path: Path) -> Iterator[Stage]:
    known = services.Known(prices=PRICES)
    with set_stage("orders", "shop_orders", known, database, tmp_path) as made:
        yield made


def lines(**quantities: int) -> list[dict[str, object]]:
    return [{"sku": sku, "quantity": quantity} for sku, quantity in quantities.items()]


def test_orders_go_through_whatever_the_price_service_does(stage: Stage) -> None:
    stage.rows("insert into product values ('desk'), ('pen') returning sku")
    stage.work()
    stage.services.misbehave("/prices/mug", ["500", "429", "drop"])
    stage.services.misbehave("/prices/lamp", ["cut", "slow"])
    stage.services.misbehave("/prices/pen", ["drip"])
    orders = {
        "o-1": [*lines(mug=2, lamp=1), *lines(mug=1)],
        "o-2": lines(pen=3),
        "o-3": lines(desk=2),
    }
    tasks = {
        order: stage.submit(order_id=order, customer=f"of {order}", lines=given)
        for order, given in orders.items()
    }
    asked = stage.question(tasks["o-3"])
    assert asked["title"] == "Accept order o-3 of of o-3 for 798 €?"
    stage.tasker(
        "approval", "approve", tasks["o-3"], asked["name"], "--as", "sales", "--actor", "sam", "-r", "known"
    )  # fmt: skip
    for task in tasks.values():
        stage.wait_state(task, "complete")
    reserved = "select order_id, sku, quantity from reservations order by 1, 2"
    assert stage.rows(reserved) == [
        ("o-1", "lamp", 1), ("o-1", "mug", 3), ("o-2", "pen", 3), ("o-3", "desk", 2)
    ]  # fmt: skip
    entered = "select order_id, customer, cents, accepted_by from orders order by 1"
    assert stage.rows(entered) == [
        ("o-1", "of o-1", 8_500, None), ("o-2", "of o-2", 450, None), ("o-3", "of o-3", 79_800, "sam")
    ]  # fmt: skip
    assert stage.events("order_accepted") == {
        order: {"order_id": order, "customer": customer, "cents": cents}
        for order, customer, cents, _by in stage.rows(entered)
    }
    assert stage.failed() == {}
    stage.verify()


def test_what_fails_for_good_is_told_by_its_code_and_goes_on_once_mended(stage: Stage) -> None:
    stage.work()
    for sku, fault in {
        "ink": "redirect*",
        "cup": "misfit*",
        "hat": "broken*",
        "bag": "html*",
    }.items():
        stage.services.known.prices[sku] = 100
        stage.services.misbehave(f"/prices/{sku}", [fault])
    orders = {
        "not_in_books": (lines(desk=1), "reserve", "CONSTRAINT"),
        "moved": (lines(ink=1), "price", "RESOURCE_UNAVAILABLE"),
        "other_shape": (lines(cup=1), "price", "RESULT_INVALID"),
        "half_json": (lines(hat=1), "price", "RESULT_INVALID"),
        "no_json": (lines(bag=1), "price", "RESULT_INVALID"),
        "unknown": (lines(key=1), "price", "RESOURCE_UNAVAILABLE"),
        "too_many": (lines(mug=60, lamp=41), "check", "TOO_MANY_PIECES"),
        "none": (lines(mug=0), "check", "VALIDATION_FAILED"),
    }
    tasks = {
        name: stage.submit(order_id=name, customer="x", lines=given)
        for name, (given, _step, _code) in orders.items()
    }
    for task in tasks.values():
        stage.wait_state(task, "blocked_by_failures")
    assert stage.failed() == {
        (tasks[name], step): code for name, (_given, step, code) in orders.items()
    }
    assert stage.rows("select order_id, sku from reservations") == []
    assert stage.rows("select order_id from orders") == [("not_in_books",)]  # beside `reserve`
    assert stage.events("order_accepted") == {}

    skus = ["desk", "ink", "cup", "hat", "bag", "key"]
    stage.rows("insert into product select unnest(%s::text[]) returning sku", skus)
    stage.services.known.prices["key"] = 100
    for sku in skus:
        stage.services.misbehave(f"/prices/{sku}", [])
    stage.tasker(
        "step", "retry", "-", "-r", "mended", stdin=stage.tasker("dlq", "show", "-o", "ids")
    )
    beyond_mending = {"too_many", "none"}
    for name in orders.keys() - beyond_mending:
        stage.wait_state(tasks[name], "complete")
    for name in beyond_mending:
        stage.wait_state(tasks[name], "blocked_by_failures")
    assert stage.failed() == {(tasks[name], "check"): orders[name][2] for name in beyond_mending}
    assert stage.events("order_accepted").keys() == orders.keys() - beyond_mending
    stage.verify()


@pytest.mark.parametrize(
    "moment",
    [
        "select count(*) > 0 from written where name = 'reservations'",
        "select count(*) > 0 from written where name = 'orders'",
        "select count(*) > 0 from tasker.emitted_event",
    ],
    ids=["reserved", "entered", "emitted"],
)
def test_a_worker_killed_leaves_nothing_undone_and_nothing_twice(stage: Stage, moment: str) -> None:
    stage.services.misbehave("/prices/lamp", ["slow"])
    first = stage.work()
    tasks = {
        f"o-{number}": stage.submit(
            order_id=f"o-{number}", customer="x", lines=lines(mug=number, lamp=1)
        )
        for number in range(1, 6)
    }
    stage.wait_asked("/prices/lamp")
    stage.kill(first)  # while it waits for a price
    second = stage.work()
    stage.wait(True, moment)
    stage.kill(second)  # just after it has written
    stage.work()
    for task in tasks.values():
        stage.wait_state(task, "complete")
    wanted = [(f"o-{number}", number * 1_200 + 4_900) for number in range(1, 6)]
    assert stage.rows("select order_id, cents from orders order by 1") == wanted
    assert stage.one("select count(*) from reservations") == 10
    assert stage.events("order_accepted").keys() == tasks.keys()
    stage.verify()
