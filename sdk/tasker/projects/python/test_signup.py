"""The workflow on the real engine, in a database of its own, on a clock that the tests move."""

import pytest
from signup import SignUp, signup

from tasker import TaskFailed
from tasker.testing import Tasker, TaskNotEnded


def test_a_busy_mail_server_is_asked_again(tasker: Tasker) -> None:
    said = tasker.run(signup, SignUp(email="ada@example.org"))
    assert said == "ada@example.org was welcomed by attempt 2"
    assert [str(call.error) for call in tasker.calls("send_welcome")] == [
        "the mail server is busy",
        "None",
    ]


def test_what_is_no_address_fails_for_good(tasker: Tasker) -> None:
    with pytest.raises(TaskFailed, match="ada is no address"):
        tasker.run(signup, SignUp(email="ada"))
    assert len(tasker.calls("create_account")) == 1


def test_the_look_back_waits_for_its_time(tasker: Tasker) -> None:
    task = tasker.submit(signup, SignUp(email="ada@example.org"))
    tasker.clock.advance("1s")
    with pytest.raises(TaskNotEnded, match="follow_up: it sleeps until"):
        task.result()
    tasker.clock.advance("2s")
    assert task.result()
