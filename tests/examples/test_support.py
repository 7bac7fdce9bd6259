"""The support conversation: it loops as long as there is something to ask, and no longer than it may."""

import pytest

from tasker import TaskFailed
from tasker.examples import support as example
from tasker.examples.support import Conversation, Ticket, support
from tasker.testing import Tasker


def test_each_round_asks_for_the_next(tasker: Tasker) -> None:
    task = tasker.submit(support, Ticket(text="why so slow?"))
    assert task.result(Conversation).rounds == [
        "1. slow: Add an index.",
        "2. index: See chapter 11.",
        "3. chapter 11: nothing more",
    ]
    names = [step["name"] for step in task.steps()]
    assert sorted(names) == sorted(
        ["begin", "close", *(f"{name}/{n}" for n in (1, 2, 3) for name in ("answer", "look_up"))]
    )


def test_a_round_may_have_several_questions(tasker: Tasker) -> None:
    rounds = tasker.submit(support, Ticket(text="slow, and no index")).result(Conversation).rounds
    assert [said[0] for said in rounds] == ["1", "1", "2", "2", "3"]


def test_nothing_to_look_up_is_a_short_conversation(tasker: Tasker) -> None:
    assert tasker.submit(support, Ticket(text="hello")).result(Conversation).rounds == []


def test_a_conversation_without_end_meets_its_bounds(
    tasker: Tasker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(example, "_LONGEST", 1000)
    monkeypatch.setitem(example.SHELF, "slow", "slow")
    task = tasker.submit(support, Ticket(text="slow"))
    with pytest.raises(TaskFailed, match="a chain of 12 dynamic steps, and its template allows 10"):
        task.result()
