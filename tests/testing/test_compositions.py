"""The testing kit with compositions: with what the workflows name of the outside, or what a test puts there."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any
from unittest.mock import Mock

import psycopg
import pytest
from pydantic import BaseModel

from tasker import DefinitionError, PermanentError, TaskFailed, Workflow, action
from tasker.testing import AsyncTasker, Tasker
from tasker_grammar.composition import Composition
from tasker_grammar.resources import Endpoint, Event, Resources, Table

RATE: dict[str, Any] = {
    "type": "object",
    "properties": {"rate": {"type": "integer"}},
    "required": ["rate"],
}
ROW: dict[str, Any] = {
    "type": "object",
    "properties": {"id": {"type": "integer"}, "total": {"type": "integer"}},
    "required": ["id", "total"],
    "additionalProperties": False,
}
EVENT = Event(payload=ROW)


class Order(BaseModel):
    id: int
    total: int


class Declined(PermanentError): ...


charged: list[str] = []


@action("charge", effect="idempotent_write", failures=[Declined])
def charge(input: Order, idempotency_key: str) -> int:
    """Charge an order, once for each key."""
    charged.append(idempotency_key)
    return input.total


def outside(port: int) -> Resources:
    host = f"127.0.0.1:{port}"
    rates = Endpoint(base_url=f"http://{host}", result=RATE, private_hosts=(host,))
    table = Table(table="orders", row=ROW, key=("id",))
    return Resources(endpoints={"rates": rates}, tables={"orders": table}, events={"paid": EVENT})


def order_of(resources: Resources, name: str = "order") -> Workflow:
    """Reads a rate, charges, writes a row and emits an event."""
    flow = Workflow(name, namespace="shop", input=Order, resources=resources, actions=[charge])
    steps = [
        {"id": "rate", "kind": "acquire", "resource": "rates", "params": "{}"},
        {
            "id": "value",
            "kind": "transform",
            "value": "{id: .input.id, total: (.input.total * .rate.rate)}",
        },
        {"id": "paid", "kind": "invoke", "action": "charge", "input": ".value"},
        {
            "id": "saved",
            "kind": "persist",
            "resource": "orders",
            "mode": "upsert",
            "row": "{id: .input.id, total: .paid}",
        },
        {"id": "told", "kind": "emit", "event": "paid", "payload": ".value", "needs": ["saved"]},
        {"id": "end", "kind": "transform", "value": ".paid", "needs": ["told"]},
    ]
    flow.compose(
        "pay", Composition.model_validate({"name": "pay", "steps": steps, "result": "end"})
    )

    @flow.step
    def tell(pay: int) -> str:
        return f"{pay} paid"

    return flow


@contextmanager
def rates(rate: object) -> Generator[int]:
    """A server on loopback that answers with a rate; its port."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"rate": rate}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.fixture
def port() -> Iterator[int]:
    with rates(3) as port:
        yield port


@pytest.fixture(autouse=True)
def orders(tasker_database: str) -> Iterator[psycopg.Connection]:
    charged.clear()
    with psycopg.connect(tasker_database, autocommit=True) as connection:
        connection.execute("create table orders (id integer primary key, total integer)")
        yield connection


def rows(orders: psycopg.Connection) -> list[tuple[Any, ...]]:
    return orders.execute("select id, total from orders order by id").fetchall()


def test_a_workflow_brings_its_resources_and_actions(
    tasker: Tasker, port: int, orders: psycopg.Connection
) -> None:
    assert tasker.run(order_of(outside(port)), Order(id=1, total=5)) == "15 paid"
    assert rows(orders) == [(1, 15)]
    assert len(charged) == 1
    [call] = tasker.calls("pay")
    assert call.result == 15


@pytest.mark.anyio
async def test_to_async_tests_too(
    async_tasker: AsyncTasker, port: int, orders: psycopg.Connection
) -> None:
    assert await async_tasker.run(order_of(outside(port)), Order(id=1, total=5)) == "15 paid"
    assert rows(orders) == [(1, 15)]


def test_a_test_puts_others_in_their_place(
    tasker: Tasker, port: int, orders: psycopg.Connection
) -> None:
    public = Endpoint(base_url="https://rates.example", result=RATE)
    flow = order_of(outside(port).model_copy(update={"endpoints": {"rates": public}}))
    tasker.register(flow, resources=outside(port))
    assert tasker.run(flow, Order(id=1, total=5)) == "15 paid"
    assert rows(orders) == [(1, 15)]


def test_resources_that_promise_less_are_refused_as_in_production(
    tasker: Tasker, port: int
) -> None:
    tasker.register(
        order_of(outside(port)),
        resources=Resources(
            endpoints={"rates": Endpoint(base_url="http://127.0.0.1:1", result=True)},
            tables=outside(port).tables,
            events={"paid": EVENT},
        ),
    )
    with pytest.raises(TaskFailed, match="CompositionUnsound"):
        tasker.run("shop/order", {"id": 1, "total": 5})


def test_a_crash_behind_the_charge_charges_once(
    tasker: Tasker, port: int, orders: psycopg.Connection
) -> None:
    task = tasker.submit(order_of(outside(port)), Order(id=1, total=5))
    tasker.faults.crash_after("handler", step="pay")
    task.finish()
    assert task.result() == "15 paid"
    assert rows(orders) == [(1, 15)]
    assert len(charged) == 1


def test_workflows_with_different_resources_need_those_to_use(tasker: Tasker, port: int) -> None:
    with rates(4) as other:
        one, two = order_of(outside(port)), order_of(outside(other), "second")
        tasker.register(one, two)
        with pytest.raises(DefinitionError, match="different resources"):
            tasker.settle()
        tasker.register(resources=outside(other))
        assert tasker.run(one, Order(id=1, total=5)) == "20 paid"


def test_a_template_is_given_its_actions(tasker: Tasker, port: int) -> None:
    tasker.register(
        order_of(outside(port)).template,
        charge,
        *order_of(outside(port)).handlers.values(),
        resources=outside(port),
    )
    assert tasker.run("shop/order", {"id": 1, "total": 5}) == "15 paid"
    assert len(charged) == 1


def test_an_action_is_replaced_by_its_name(tasker: Tasker, port: int) -> None:
    asked: list[Order] = []

    async def fake(input: Order) -> int:
        asked.append(input)
        return 7

    tasker.replace("charge", fake)
    assert tasker.run(order_of(outside(port)), Order(id=1, total=5)) == "7 paid"
    assert asked == [Order(id=1, total=15)]
    tasker.replace("charge", fake := Mock(return_value=8))
    assert tasker.run("shop/order", {"id": 1, "total": 5}) == "8 paid"
    [call] = fake.mock_calls
    assert call.kwargs["input"] == Order(id=1, total=15) and call.kwargs["idempotency_key"]
    assert charged == []


def test_what_replaces_an_action_keeps_its_contract(tasker: Tasker, port: int) -> None:
    flow = order_of(outside(port))
    tasker.replace("charge", lambda inptu: 7)
    with pytest.raises(DefinitionError, match="inptu, which charge is not given; that takes id"):
        tasker.run(flow, Order(id=1, total=5))
    declined = Mock(side_effect=Declined("no"))
    tasker.replace("charge", declined)
    with pytest.raises(TaskFailed, match="Declined: no"):
        tasker.run(flow, Order(id=1, total=5))
    tasker.replace("charge", lambda: "much")
    task = tasker.submit(flow, Order(id=1, total=5))
    tasker.settle()
    assert "ACTION_FAILED" in str(task.steps())


def test_a_composition_is_not_replaced(tasker: Tasker, port: int) -> None:
    tasker.replace("pay", lambda: 3)
    with pytest.raises(DefinitionError, match="pay is a composition"):
        tasker.run(order_of(outside(port)), Order(id=1, total=5))


def test_resources_that_are_missing_are_told_at_once(tasker: Tasker, port: int) -> None:
    tasker.register(order_of(outside(port)).template, charge)
    tasker.submit("shop/order", {"id": 1, "total": 5})
    with pytest.raises(DefinitionError, match=r"no endpoint 'rates'[\s\S]*resources=\.\.\."):
        tasker.settle()
