"""Dead letters are grouped by what caused them."""

from __future__ import annotations

from typing import Any

import pytest
from tests.engine.support import (
    Connection,
    Worker,
    call,
    claim,
    complete,
    hand_in,
    one,
    outcome,
    register,
    register_worker,
    rows,
    step,
    submit,
    template,
)


@pytest.fixture
def worker(db: Connection) -> Worker:
    register(db, template("x", step("a"), step("b", "a")))
    return register_worker(db, "t")


def fail_all(worker: Worker, kind: str, *messages: str) -> None:
    """Let the steps that can run fail for good, each with a message."""
    for lease, message in zip(claim(worker, len(messages)), messages, strict=True):
        assert hand_in(
            worker, outcome(lease, "error", error={"type": kind, "message": message})
        ) == [1]


def groups(db: Connection, **arguments: Any) -> list[dict[str, Any]]:
    return call(db, "list_dead_letters", **arguments)["groups"]


@pytest.mark.parametrize(
    ("messages", "text"),
    [
        (["order 7 is lost", "order 4711 is lost", "order 1.5 is lost"], "order <n> is lost"),
        (["at 12:00:01", "at 9:30", "at 1,000,000"], "at <n>"),
        (["no 'mug'", 'no "pencil 3"', "no `a b`"], "no <text>"),
        (["can't, won't", "can't, won't"], "can't, won't"),
        (
            ["task 0199a4c1-7b00-7000-8000-0000000000a1 is", "task 0199A4C1-7B00-7000-8000-0000000000FF is"],
            "task <uuid> is",
        ),
        (["at 0x7fce871f7cd0", "at 0xff"], "at <hex>"),
        (["sha deadbeef01 gone", "sha 0badc0ffee gone"], "sha <hex> gone"),
        (["deadbeef and facade"], "deadbeef and facade"),
        (["no file /var/tmp/a-1.csv", "no file /data/in/b.csv", "no file C:\\in\\b.csv"], "no file <path>"),
        (["GET https://a.example/x/1: 502", "GET https://b.example/y: 504"], "GET <path>: <n>"),
        (["yes/no", "yes/no"], "yes/no"),
        (["a\n  b", "a b"], "a b"),
    ],
)  # fmt: skip
def test_messages_of_one_cause_are_one(
    shared_db: Connection, messages: list[str], text: str
) -> None:
    for message in messages:
        assert one(shared_db, "select tasker.normalise_message(%s)", message) == text


def test_what_differs_in_kind_differs(shared_db: Connection) -> None:
    query = "select tasker.fingerprint_error(%s, %s, %s, jsonb_build_object('type', %s::text, 'message', %s::text))"
    error = ("t", "x", "a", "Late", "no answer after 3 s")
    base = one(shared_db, query, *error)
    assert len(base) == 12
    assert one(shared_db, query, *error[:4], "no answer after 40 s") == base
    others = ["u", "y", "b", "Lost", "no reply after 3 s"]
    changed = [
        one(shared_db, query, *error[:n], other, *error[n + 1 :]) for n, other in enumerate(others)
    ]
    assert len({base, *changed}) == 6


def test_dead_letters_are_grouped_with_the_latest_as_example(
    db: Connection, worker: Worker
) -> None:
    tasks = [str(submit(db, "x")) for _ in range(4)]
    fail_all(worker, "Late", "after 1 s", "after 20 s", "after 3 s", "never")
    [many, single] = groups(db)
    assert (many["count"], many["tasks"], many["step"], many["type"]) == (3, 3, "a", "Late")
    assert (many["task_id"], many["example"], many["message"]) == (tasks[2], "a", "after 3 s")
    assert many["first_at"] < many["last_at"]
    assert (single["count"], single["message"]) == (1, "never")
    letters = rows(db, "get_dead_letters", fingerprint=many["fingerprint"])
    assert [letter["task_id"] for letter in letters] == tasks[2::-1]
    assert len(rows(db, "get_dead_letters")) == 4
    assert len(rows(db, "get_dead_letters", max_rows=2)) == 2
    found = rows(db, "list_tasks", filter={"fingerprint": many["fingerprint"]})
    assert [task["task_id"] for task in found] == tasks[2::-1]
    assert groups(db, namespace="u") == rows(db, "get_dead_letters", namespace="u") == []


def test_only_so_many_are_looked_at(db: Connection, worker: Worker) -> None:
    for _ in range(3):
        submit(db, "x")
    fail_all(worker, "Late", "one", "two", "three")
    answer = call(db, "list_dead_letters", look_at=2)
    assert (answer["letters"], answer["more"]) == (2, True)
    assert {group["message"] for group in answer["groups"]} == {"two", "three"}
    assert call(db, "list_dead_letters")["more"] is False


def test_the_workers_of_a_batch_and_all_versions_are_one_group(
    db: Connection, worker: Worker
) -> None:
    batch = template(
        "batch", step("split", kind="batchable"), step("load", "split", kind="batch_worker")
    )
    for version in ("1", "2"):
        register(db, {**batch, "version": version})
        submit(db, "batch", version=version)
    hand_in(worker, *(complete(lease, [1, 2]) for lease in claim(worker)))
    fail_all(worker, "Late", *["late"] * 4)
    [group] = groups(db)
    assert (group["count"], group["tasks"], group["step"]) == (4, 2, "load")
    assert group["example"] in ("load/1", "load/2")
    assert (
        rows(db, "list_tasks", filter={"fingerprint": group["fingerprint"], "template": "batch@2"})
        != []
    )
