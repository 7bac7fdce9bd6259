"""The loan: which steps come to be, and what the one that closes it sees of them."""

import pytest

from tasker.examples.loan import Application, Verdict, loans
from tasker.testing import Tasker


@pytest.mark.parametrize(
    ("application", "granted", "by"),
    [
        (Application(amount=10, income=10), True, ["grant"]),
        (Application(amount=50, income=10), False, ["decline"]),
        (Application(amount=20, income=10), True, ["clerk"]),
        (Application(amount=32, income=10), True, ["clerk", "manager"]),
        (Application(amount=38, income=10), False, ["clerk", "manager"]),
        (Application(amount=10, income=10, self_employed=True), True, ["grant", "check_income"]),
        (Application(amount=32, income=10, self_employed=True), True, ["clerk", "manager", "check_income"]),
    ],
)  # fmt: skip
def test_those_have_a_say_who_were_asked(
    tasker: Tasker, application: Application, granted: bool, by: list[str]
) -> None:
    task = tasker.submit(loans, application)
    assert task.result(Verdict) == Verdict(granted=granted, by=by)
    rated = {"rate", "route", "ask_for_papers", "close", *by}
    reviewed = {"review", "staff"} if "clerk" in by else set[str]()
    assert {step["name"] for step in task.steps()} == rated | reviewed
