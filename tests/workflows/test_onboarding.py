"""Onboarding: let in at once, after a person's approval, or not at all."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from tests.workflows.support import Stage, services, set_stage

from tasker import Client

ACCOUNTS = "select customer, name, email, approved_by from accounts order by 1"


@pytest.fixture
def stage(database: str, tmp_path: Path) -> Iterator[Stage]:
    known = services.Known(scores={"ada": 5, "bob": 55, "cyd": 30, "eve": 95, "fay": 79})
    with set_stage("onboarding", "customers", known, database, tmp_path) as made:
        yield made


def bring(stage: Stage, name: str) -> str:
    return stage.submit(customer=name, name=name.title(), email=f"{name}@example.com")


def account(name: str, by: str | None) -> tuple[Any, ...]:
    return name, name.title(), f"{name}@example.com", by


def shorten(stage: Stage, time: str) -> None:
    """Let a question of the template expire after a second."""
    template = stage.folder / "onboarding.yaml"
    text = template.read_text()
    assert text.count(f"timeout: {time}") == 1
    template.write_text(text.replace(f"timeout: {time}", "timeout: 1s"))


def answer(stage: Stage, verb: str, task: str, role: str, *, code: int = 0) -> None:
    """Say yes or no to what a task asks, by command."""
    question = stage.question(task)
    stage.tasker(
        "approval", verb, task, question["name"], "--as", role, "--actor", f"one of {role}", "-r", "papers", code=code
    )  # fmt: skip


def test_each_customer_goes_the_way_of_the_score(stage: Stage) -> None:
    first = stage.work()
    stage.services.misbehave("/screening/bob", ["500", "429", "slow"])
    tasks = {name: bring(stage, name) for name in ("ada", "bob", "cyd", "eve", "fay")}
    for name in ("ada", "eve"):
        stage.wait_state(tasks[name], "complete")
    questions = {name: stage.question(tasks[name]) for name in ("bob", "cyd", "fay")}
    assert questions["bob"]["title"] == "Let Bob in, with 55 points?"
    stage.kill(first)  # while people think about it

    answer(stage, "approve", tasks["bob"], "sales", code=2)  # it is not theirs to say
    answer(stage, "approve", tasks["bob"], "compliance")
    answer(stage, "reject", tasks["fay"], "compliance")

    async def approve() -> None:
        async with Client(stage.url) as client:
            task = client.handle(tasks["cyd"])
            name = questions["cyd"]["name"]
            await task.answer(name, True, "seen", actor="cleo", roles=["compliance"])

    anyio.run(approve)
    stage.work()
    for task in tasks.values():
        stage.wait_state(task, "complete")
    assert stage.rows(ACCOUNTS) == [
        account("ada", None), account("bob", "one of compliance"), account("cyd", "cleo")
    ]  # fmt: skip
    assert stage.events("customer_welcomed") == {
        name: {"customer": name, "email": f"{name}@example.com"} for name in ("ada", "bob", "cyd")
    }
    assert stage.events("customer_refused") == {
        name: {"customer": name, "email": f"{name}@example.com", "reason": reason}
        for name, reason in {"eve": None, "fay": "papers"}.items()
    }
    ran = stage.ask("step", "list", tasks["fay"])
    assert [(each["name"], each["state"]) for each in ran] == [
        (name, "complete") for name in ("screen", "route", "review", "verdict", "turn_down")
    ]
    assert stage.failed() == {}
    stage.verify()


def test_silence_goes_to_a_manager_whose_no_stops_it_until_a_retry_asks_anew(stage: Stage) -> None:
    shorten(stage, "3d")
    stage.work()
    task = bring(stage, "bob")
    stage.wait(1, "select count(*) from tasker.approval where 'managers' = any (who)")
    answer(stage, "reject", task, "managers")
    stage.wait_state(task, "blocked_by_failures")
    assert stage.failed() == {(task, "escalate"): "REJECTED"}
    assert "papers" in stage.tasker("step", "show", f"{task}/escalate")
    assert stage.rows(ACCOUNTS) == []
    stage.tasker("step", "retry", f"{task}/escalate", "-r", "the papers are here")
    answer(stage, "approve", task, "managers")
    stage.wait_state(task, "complete")
    assert stage.rows(ACCOUNTS) == [account("bob", "one of managers")]
    assert stage.events("customer_welcomed").keys() == {"bob"}
    assert stage.events("customer_refused") == {}
    stage.verify()


def test_silence_of_a_manager_stops_it_and_a_retry_asks_anew(stage: Stage) -> None:
    shorten(stage, "3d")
    shorten(stage, "2d")
    stage.work()
    task = bring(stage, "fay")
    asked = "select count(*) from tasker.approval where task_id = %s and 'managers' = any (who)"
    for times in (1, 2):
        stage.wait_state(task, "blocked_by_failures")
        assert stage.one(asked, task) == times
        assert stage.failed() == {(task, "escalate"): "EXPIRED"}
        stage.tasker("step", "retry", f"{task}/escalate", "-r", "they are back")
    stage.wait(3, asked, task)
    assert stage.rows(ACCOUNTS) == []
    assert stage.events("customer_welcomed") == {}
    stage.verify()


def test_what_is_not_known_well_enough_stops_it(stage: Stage) -> None:
    stage.work()
    stage.services.misbehave("/screening/ada", ["misfit"])
    task = bring(stage, "ada")
    stage.wait_state(task, "blocked_by_failures")
    assert stage.failed() == {(task, "screen"): "VALIDATION_FAILED"}
    stage.tasker("step", "retry", f"{task}/screen", "-r", "they have mended it")
    stage.wait_state(task, "complete")
    assert stage.rows(ACCOUNTS) == [account("ada", None)]
    stage.verify()
