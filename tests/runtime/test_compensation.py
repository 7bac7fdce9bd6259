"""Workflows that are undone, from what a handler sees to what a client is told."""

from __future__ import annotations

import anyio
import psycopg
import pytest
from pydantic import BaseModel
from tests.runtime.support import AT_ONCE, ONCE, PATIENCE, arrive, ask, make_due

from tasker import (
    Client,
    InvalidStateError,
    PermanentError,
    StepContext,
    TaskCancelled,
    TaskFailed,
    Worker,
    Workflow,
    handler,
)
from tasker.yaml_template import parse_templates

pytestmark = pytest.mark.anyio


class Order(BaseModel):
    amount: int


class Payment(BaseModel):
    id: str


class Diary:
    """What handlers did, and a sign when the last step was reached."""

    def __init__(self) -> None:
        self.entries: list[str] = []
        self.reached = anyio.Event()


def make_orders(diary: Diary, name: str = "order", **options: object) -> Workflow:
    """Reserve, pay, pack three parcels, and then hand over, which never comes to an end."""
    orders = Workflow(name, namespace="shop", input=Order, **options)  # pyright: ignore[reportArgumentType]

    def unreserve(reserve: str, input: Order) -> None:
        diary.entries.append(f"unreserve {reserve} {input.amount}")

    @orders.step(compensate=unreserve)
    def reserve(input: Order) -> str:
        return f"place {input.amount}"

    @orders.step
    def pay(reserve: str, ctx: StepContext) -> Payment:
        diary.entries.append(f"pay {ctx.idempotency_key}")
        return Payment(id=reserve[::-1])

    @orders.compensation(pay, retry=AT_ONCE, timeout="5s", config={"to": "card"})
    async def refund(pay: Payment, reserve: str, ctx: StepContext) -> None:
        if ctx.attempt == 1:
            raise ConnectionError("not now")
        assert ctx.undoes is not None
        assert (ctx.undoes.name, ctx.undoes.completed) == ("pay", True)
        diary.entries.append(
            f"refund {pay.id} {reserve} {ctx.config['to']} {ctx.undoes.idempotency_key}"
        )

    @orders.batch
    def parcels(pay: Payment) -> list[int]:
        return [1, 2]

    @orders.batch_worker
    def pack(parcels: int) -> str:
        return f"parcel {parcels}"

    @orders.compensation("pack")
    def unpack(pack: str, parcels: int, ctx: StepContext) -> None:
        diary.entries.append(f"unpack {pack} {parcels} {ctx.step_name}")

    @orders.convergence(retry=ONCE)
    async def hand_over(pack: list[str], input: Order) -> None:
        diary.reached.set()
        if input.amount == 13:
            raise PermanentError("nobody at home")
        await anyio.sleep(PATIENCE)

    @orders.compensation(hand_over, when="started")
    def take_back(hand_over: None, pack: list[str] | None, ctx: StepContext) -> None:
        assert ctx.undoes is not None
        diary.entries.append(f"take back {pack} {ctx.undoes.completed}")

    return orders


def check(diary: Diary, amount: int, task_id: object) -> None:
    """All was undone, in its order; with a result, an item and a key as the steps had them."""
    place = f"place {amount}"
    paid, first, *unpacked, refunded, last = diary.entries
    assert paid == f"pay {task_id}:2"
    assert first == "take back ['parcel 1', 'parcel 2'] False"
    assert sorted(unpacked) == [
        "unpack parcel 1 1 undo:pack/1",
        "unpack parcel 2 2 undo:pack/2",
    ]
    assert refunded == f"refund {place[::-1]} {place} card {task_id}:2"
    assert last == f"unreserve {place} {amount}"


async def test_a_client_cancels_with_compensation(
    database: str, db: psycopg.AsyncConnection
) -> None:
    diary = Diary()
    orders = make_orders(diary)
    async with Worker(orders, url=database), Client(database) as client:
        await client.register(orders)
        task = await client.submit(orders, Order(amount=5))
        await arrive(diary.reached)
        answer = await task.cancel("changed my mind", compensate=True)
        assert answer["state"] == "in_progress"
        with pytest.raises(InvalidStateError, match="is being undone already"):
            await task.cancel("again")
        await make_due(db)
        with pytest.raises(TaskCancelled, match="changed my mind"):
            await task.result(timeout=PATIENCE)
        check(diary, 5, task.id)
        assert await ask(db, "select count(*) from tasker.verify(%s)", task.id) == 0
        steps = {s["name"]: s["undone"] for s in await task.steps()}
        assert steps["pay"] == "complete"
        assert steps["parcels"] is None


async def test_a_failure_undoes_a_workflow_that_says_so(database: str) -> None:
    diary = Diary()
    orders = make_orders(diary, on_failure="compensate")
    async with Worker(orders, url=database), Client(database) as client:
        task = await client.submit(orders, Order(amount=13))
        with pytest.raises(TaskFailed) as caught:
            await task.result(timeout=PATIENCE)
        assert caught.value.state == "error"
        assert [e.step for e in caught.value.errors] == ["hand_over"]
        check(diary, 13, task.id)


YAML = """
name: order
namespace_name: yaml
version: 1.0.0
on_failure: compensate
steps:
  - name: reserve
    handler: {callable: reserve}
    compensate:
      handler: {callable: unreserve, initialization: {warehouse: north}}
      retry: {max_attempts: 5, backoff_base_ms: 10}
  - name: ship
    handler: {callable: ship}
    dependencies: [reserve]
    compensate: {handler: {callable: unship}, when: started, takes: [reserve]}
"""


async def test_a_yaml_template_says_it_too(database: str) -> None:
    told: list[object] = []

    @handler("reserve")
    def reserve() -> int:
        return 7

    @handler("unreserve")
    def unreserve(reserve: int, ctx: StepContext) -> None:
        told.append((reserve, ctx.config["warehouse"], ctx.max_attempts))

    @handler("ship")
    def ship() -> int:
        raise PermanentError("no ship")

    @handler("unship")
    def unship(ship: int | None, reserve: int) -> None:
        told.append((ship, reserve))

    [loaded] = parse_templates(YAML)
    assert loaded.warnings == ()
    worker = Worker(loaded.template, reserve, unreserve, ship, unship, url=database)
    async with worker, Client(database) as client:
        task = await client.submit("yaml/order")
        with pytest.raises(TaskFailed, match="step ship failed"):
            await task.result(timeout=PATIENCE)
    assert told == [(None, 7), (7, "north", 5)]
