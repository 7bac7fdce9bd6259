"""Typed steps that fit: both type checkers accept every line, and it can be imported."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_type

from pydantic import BaseModel

from tasker.typed import (
    Both,
    Endpoint,
    Event,
    Parted,
    Saved,
    Sent,
    Step,
    Table,
    acquire,
    assert_that,
    both,
    composition,
    emit,
    fan_out,
    gate,
    partition,
    persist,
    persist_all,
    same,
    transform,
    validate,
    wait,
)


class OrderRef(BaseModel):
    id: str


class Line(BaseModel):
    sku: str
    cents: int


class Order(BaseModel):
    id: str
    lines: list[Line]


class NotedOrder(Order):
    note: str


class Total(BaseModel):
    id: str
    cents: int


class Sku(BaseModel):
    sku: str


class Stock(BaseModel):
    left: int


orders = Endpoint("orders", params=OrderRef, result=Order)
noted_orders = Endpoint("noted_orders", params=OrderRef, result=NotedOrder)
anything = Endpoint("anything", params=OrderRef, result=object)
stock = Endpoint("stock", params=Sku, result=Stock)
totals = Table("totals", Total, key=("id",))
billed = Event("billed", Total)

total = transform(Order, Total, "{id, cents: ([.lines[].cents] | add // 0)}")
lines = transform(Order, list[Line], ".lines")
line_total = transform(Line, Total, "{id: .sku, cents}")

save = acquire(orders) >> total >> persist(totals)
assert_type(save, Step[OrderRef, Saved])
tell = acquire(orders) >> total >> emit(billed, key=".id")
assert_type(tell, Step[OrderRef, Sent])
of_a_subclass: Step[OrderRef, Total] = acquire(noted_orders) >> total
wider: Step[OrderRef, BaseModel] = acquire(orders)
asked = (
    acquire(orders)
    >> gate(Order, title='"Bill \\(.id)?"', timeout="2d")
    >> assert_that(Order, "(.lines | length) > 0", code="EMPTY", message="it has no lines")
    >> wait(Order, "5s")
    >> total
    >> persist(totals)
)
assert_type(asked, Step[OrderRef, Saved])
checked = acquire(anything) >> validate(Order) >> total
assert_type(checked, Step[OrderRef, Total])
in_stock = fan_out(both(same(Line), transform(Line, Sku, "{sku}") >> acquire(stock)), max_items=50)
assert_type(in_stock, Step[Sequence[Line], list[Both[Line, Stock]]])
left = lines >> in_stock >> transform(list[Both[Line, Stock]], list[Stock], "map(.right)")
each = acquire(orders) >> lines >> fan_out(line_total, max_items=50) >> persist_all(totals)
assert_type(each, Step[OrderRef, Saved])
parted = lines >> partition(Line)
assert_type(parted, Step[Order, Parted[Line]])
valid = parted >> transform(Parted[Line], list[Line], ".valid") >> fan_out(line_total, max_items=9)
as_sequence: Step[Order, Sequence[Total]] = valid

ALL = [
    composition("save_total", save, description="Saves the total of an order."),
    composition("tell_total", tell),
    composition("ask_first", asked, version="1.1.0"),
    composition("check_first", checked),
    composition("each_line", each),
    composition("valid_lines", valid),
    composition("what_is_left", acquire(orders) >> left),
]
