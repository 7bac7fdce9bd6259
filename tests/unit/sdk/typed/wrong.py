"""Typed steps that do not fit: type checkers refuse each line that is marked, and so does Python where it can.

`# wrong: C305` raises that finding when the line is run, `# wrong: TypeError` that exception. `# wrong` alone does
not raise: only a type checker sees it, and the check of the whole composition.
"""

from __future__ import annotations

from unit.sdk.typed.right import (
    Line,
    Order,
    OrderRef,
    Sku,
    Stock,
    Total,
    billed,
    line_total,
    lines,
    orders,
    stock,
    total,
    totals,
)

from tasker.typed import (
    Both,
    Endpoint,
    Parted,
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
)

acquire(orders) >> persist(totals)  # wrong: C305
acquire(orders) >> total >> acquire(orders)  # wrong: C301
acquire(orders) >> emit(billed)  # wrong: C306
acquire(orders) >> fan_out(line_total, max_items=9)  # wrong: C307
lines >> fan_out(acquire(stock), max_items=9)  # wrong: C307
acquire(orders) >> lines >> persist_all(totals)  # wrong: C305
acquire(orders) >> lines >> persist(totals)  # wrong: C305
lines >> fan_out(line_total, max_items=9) >> persist(totals)  # wrong: C305
acquire(orders) >> total >> persist_all(totals)  # wrong: C305
acquire(orders) >> gate(Line, title='"Go on?"')  # wrong: C308
acquire(orders) >> assert_that(Total, ".cents > 0", code="A", message="")  # wrong: C308
acquire(orders) >> partition(Line)  # wrong: C308
lines >> partition(Line) >> persist_all(totals)  # wrong: C305
lines >> partition(Line) >> transform(Parted[Total], Total, ".valid[0]")  # wrong: C308
validate(Order) >> persist(totals)  # wrong: C305
total >> persist(totals) >> persist(totals)  # wrong: C305
total >> emit(billed) >> acquire(orders)  # wrong: C301
both(same(Order), total) >> transform(Both[Total, Order], Total, ".left")  # wrong: C308
both(same(Order), total) >> total  # wrong: C308
persist(totals, mode="delete")  # wrong
transform(Order, Total, 3)  # wrong
transform("Order", Total, ".")  # wrong: DefinitionError
total >> str  # wrong: AttributeError
composition("save", acquire)  # wrong: AttributeError
fan_out(line_total)  # wrong: TypeError
Endpoint("orders", OrderRef, Order)  # wrong: TypeError
Table("totals", Total)  # wrong: TypeError
one: Step[OrderRef, Total] = acquire(orders)  # wrong
two: Step[Sku, Order] = acquire(orders)  # wrong
three: Step[Order, list[Stock]] = lines  # wrong
