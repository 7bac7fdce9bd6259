"""The delivery: an event in time, one that came before it was waited for, and none."""

import pytest

from tasker import InvalidStateError
from tasker.examples.delivery import PACKED, Order, deliveries
from tasker.testing import Tasker

ORDER = Order(number="a-1")


def test_what_the_warehouse_has_packed_is_sent(tasker: Tasker) -> None:
    task = tasker.submit(deliveries, ORDER)
    tasker.clock.advance("47h")
    task.send_event(PACKED, {"weight": 1.5})
    assert task.result() == "a-1 comes from the warehouse"


def test_an_answer_may_come_before_it_is_waited_for(tasker: Tasker) -> None:
    task = tasker.submit(deliveries, ORDER)
    task.send_event(PACKED, {"weight": 1.5})
    assert task.result() == "a-1 comes from the warehouse"


def test_after_two_days_it_is_bought_elsewhere(tasker: Tasker) -> None:
    task = tasker.submit(deliveries, ORDER)
    tasker.clock.advance("48h")
    assert task.result() == "a-1 comes from the shop next door"
    with pytest.raises(InvalidStateError, match="Nobody waits for an event any more"):
        task.send_event(PACKED, {"weight": 1.5})
