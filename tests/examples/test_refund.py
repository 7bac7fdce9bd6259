"""The refund: who is asked, what an answer does, and what is undone when the bank refuses."""

from collections.abc import Iterator

import pytest

from tasker import ContractError, InvalidInputError, InvalidStateError, TaskFailed
from tasker.examples.refund import NOTES, Claim, Refund, refunds
from tasker.testing import Tasker

CLAIM = Claim(customer="Ann", amount=40, account="DE1")


@pytest.fixture(autouse=True)
def no_notes() -> Iterator[None]:
    """Forget the credit notes of other tests."""
    NOTES.clear()
    yield
    NOTES.clear()


def test_a_clerk_grants_less(tasker: Tasker) -> None:
    task = tasker.submit(refunds, CLAIM)
    task.answer("clerk", True, "worn", actor="bob", roles=["clerks"], answer={"amount": 30})
    assert task.result(Refund) == Refund(paid=30, by="bob")
    assert list(NOTES.values()) == [30]


def test_only_clerks_are_asked_first_and_the_form_is_kept_to(tasker: Tasker) -> None:
    task = tasker.submit(refunds, CLAIM)
    with pytest.raises(InvalidInputError, match="bob may not answer clerk: that is for clerks"):
        task.answer("clerk", True, actor="bob", answer={"amount": 30})
    for answer in (None, {"amount": 0}, {"note": "x"}):
        with pytest.raises(ContractError, match="the answer to approval clerk"):
            task.answer("clerk", True, roles=["clerks"], answer=answer)
    task.answer("clerk", False, "no receipt", actor="bob", roles=["clerks"])
    assert task.result(Refund) == Refund(paid=0, by="bob")


def test_after_a_day_a_manager_is_asked(tasker: Tasker) -> None:
    task = tasker.submit(refunds, CLAIM)
    tasker.clock.advance("1d")
    with pytest.raises(InvalidStateError, match=r"approval clerk of task .* is expired"):
        task.answer("clerk", True, roles=["clerks"], answer={"amount": 1})
    task.answer("manager", True, actor="eve", roles=["managers"], answer={"amount": 40})
    assert task.result(Refund) == Refund(paid=40, by="eve")


def test_after_three_days_it_is_a_no(tasker: Tasker) -> None:
    assert Refund.model_validate(tasker.run(refunds, CLAIM)) == Refund(paid=0, by=None)


def test_what_the_bank_refuses_is_undone(tasker: Tasker) -> None:
    task = tasker.submit(refunds, CLAIM.model_copy(update={"account": "X1"}))
    task.answer("clerk", True, roles=["clerks"], answer={"amount": 40})
    with pytest.raises(TaskFailed):
        task.result()
    assert NOTES == {}
    assert {s["name"]: s["state"] for s in task.steps()}["undo:write_note"] == "complete"
