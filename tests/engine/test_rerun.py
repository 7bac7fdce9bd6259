"""A task is run again as a new one, from some of its steps on, with what else it had completed kept."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.types.json import Jsonb
from tests.engine.support import (
    Connection,
    Json,
    Worker,
    broken,
    call,
    claim,
    claim_named,
    complete,
    exchange,
    fail,
    hand_in,
    one,
    register,
    register_worker,
    rows,
    step,
    step_states,
    submit,
    task_state,
    template,
)

WHO = {"reason": "because", "actor": "ann"}
LINE = template(
    "line", step("a"), step("b", "a"), step("c", "b"), step("side"), step("end", "c", "side")
)


@pytest.fixture
def worker(db: Connection) -> Worker:
    return register_worker(db, "t")


def run(
    worker: Worker, answers: dict[str, Json] | None = None, failing: Collection[str] = ()
) -> list[str]:
    """Run all that can run, with each step's result as given, else its name; which steps ran, in order."""
    ran: list[str] = []
    while granted := claim_named(worker):
        for name, lease in sorted(granted.items()):
            given = (answers or {}).get(name, (answers or {}).get(name.partition("/")[0], name))
            done: dict[str, Json] = fail(lease) if name in failing else complete(lease, given)
            if isinstance(given, tuple):  # a result, and an expansion
                done = {**complete(lease, given[0]), "expansion": given[1]}
            assert hand_in(worker, done) == [1]
            ran.append(name)
        assert broken(worker.connection) == []
    return ran


def rerun(db: Connection, task_id: UUID, *steps: str, **more: Any) -> dict[str, Any]:
    return call(db, "rerun_task", task_id=task_id, from_steps=list(steps) or None, **WHO, **more)


def refusal(db: Connection, task_id: UUID, *steps: str, **more: Any) -> tuple[str, str]:
    with pytest.raises(psycopg.Error) as refused:
        rerun(db, task_id, *steps, **more)
    return refused.value.sqlstate or "", str(refused.value)


def results(db: Connection, task_id: UUID | str) -> dict[str, Json]:
    return {s["name"]: s["result"] for s in rows(db, "list_steps", task_id=task_id)}


def test_what_does_not_come_after_the_step_is_kept(db: Connection, worker: Worker) -> None:
    register(db, LINE)
    task_id = submit(db, "line", {"n": 1}, tags=["vip"], priority=1)
    run(worker)
    answer = rerun(db, task_id, "b")
    assert (answer["rerun_of"], answer["state"], answer["version"]) == (
        str(task_id),
        "in_progress",
        "1",
    )
    assert (answer["kept"], answer["again"]) == (["a", "side"], ["b", "c", "end"])
    assert broken(db) == []
    assert run(worker) == ["b", "c", "end"]
    again, old = (call(db, "get_task", task_id=i) for i in (answer["task_id"], task_id))
    assert again["state"] == "complete"
    assert results(db, answer["task_id"]) == results(db, task_id)
    assert (again["rerun_of"], again["reruns"]) == (str(task_id), [])
    assert (old["rerun_of"], old["reruns"]) == (None, [answer["task_id"]])
    assert (again["input"], again["tags"], again["priority"]) == ({"n": 1}, ["vip"], 1)
    assert (
        rows(db, "list_tasks", filter={"rerun_of": str(task_id)})[0]["task_id"] == answer["task_id"]
    )
    recorded = db.execute("select task_id::text, verb, reason, actor from tasker.action").fetchall()
    assert recorded == [(i, "rerun", "because", "ann") for i in (str(task_id), answer["task_id"])]


def test_a_plan_says_the_same_and_leaves_nothing(db: Connection, worker: Worker) -> None:
    register(db, LINE)
    task_id = submit(db, "line")
    run(worker)
    planned = call(db, "plan_rerun", task_id=task_id, from_steps=["c", "side"])
    assert [one(db, f"select count(*) from tasker.{table}") for table in ("task", "action")] == [
        1,
        0,
    ]
    assert broken(db) == [] and claim(worker) == []
    assert planned["kept"] == ["a", "b"]
    assert {**rerun(db, task_id, "c", "side"), "task_id": None} == planned


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ({"from_steps": ["bb"]}, "has no step 'bb'. Its steps are"),
        ({"from_steps": ["b"], "version": "9"}, "no template t/line version 9"),
        ({"version": "9"}, "no template t/line version 9"),
    ],
)
def test_a_plan_is_refused_as_the_rerun_would_be(
    db: Connection, worker: Worker, what: Any, said: str
) -> None:
    register(db, LINE)
    task_id = submit(db, "line")
    run(worker)
    with pytest.raises(psycopg.Error) as refused:
        call(db, "plan_rerun", task_id=task_id, **what)
    with pytest.raises(psycopg.Error) as rerun_refused:
        call(db, "rerun_task", task_id=task_id, **what, **WHO)
    assert refused.value.sqlstate == rerun_refused.value.sqlstate == "TK001"
    assert said in refused.value.diag.message_primary + ". " + (
        refused.value.diag.message_hint or ""
    )
    assert refused.value.diag.message_primary == rerun_refused.value.diag.message_primary


def test_the_whole_task_runs_anew_with_another_input(db: Connection, worker: Worker) -> None:
    register(db, LINE)
    task_id = submit(db, "line", {"n": 1}, idempotency_key="k")
    run(worker)
    answer = rerun(db, task_id, input=Jsonb({"n": 2}))
    assert (answer["kept"], answer["again"]) == ([], ["a", "b", "c", "side", "end"])
    assert call(db, "get_task", task_id=answer["task_id"])["input"] == {"n": 2}
    assert call(db, "get_task", task_id=answer["task_id"])["idempotency_key"] is None
    assert len(run(worker)) == 5


def test_what_was_not_done_runs_too(db: Connection, worker: Worker) -> None:
    """Of a task that is blocked, and stays so; what it is run from need not be what failed."""
    register(db, LINE)
    task_id = submit(db, "line")
    run(worker, failing={"b"})
    answer = rerun(db, task_id, "side")
    assert (answer["kept"], answer["again"]) == (["a"], ["b", "c", "side", "end"])
    assert sorted(run(worker)) == ["b", "c", "end", "side"]
    assert task_state(db, task_id) == "blocked_by_failures"
    settled = rerun(db, task_id, "b")
    call(db, "resolve_step", task_id=settled["task_id"], step_name="b", result=Jsonb(7), **WHO)
    run(worker)
    third = rerun(db, UUID(settled["task_id"]), "c")
    assert third["kept"] == ["a", "b", "side"]
    assert step_states(db, UUID(third["task_id"]))["b"] == "resolved_manually"
    assert results(db, third["task_id"])["b"] == 7


def test_handlers_see_the_results_that_were_kept(db: Connection, worker: Worker) -> None:
    register(db, LINE)
    task_id = submit(db, "line")
    run(worker, {"side": {"big": 1}, "c": 3})
    rerun(db, task_id, "end")
    granted = exchange(worker)
    assert [r for _, r in sorted(granted.results.items())] == [3, {"big": 1}]


def test_chosen_branches_are_kept_and_others_can_be_chosen(db: Connection, worker: Worker) -> None:
    register(
        db,
        template(
            "choice",
            step("route", kind="decision"), step("left", "route"), step("right", "route"), step("after", "left"),
            step("join", "after", "right", kind="deferred_convergence"),
        ),
    )  # fmt: skip
    task_id = submit(db, "choice")
    run(worker, {"route": ["left"]})
    kept = rerun(db, task_id, "after")
    assert (kept["kept"], kept["again"]) == (["route", "left"], ["after", "join"])
    assert run(worker) == ["after", "join"]
    assert rerun(db, task_id, "route")["kept"] == []
    assert run(worker, {"route": ["right"]}) == ["route", "right", "join"]


@pytest.mark.parametrize("parallelism", [None, 1, 2, 3])
def test_of_a_batch_only_the_workers_named_run_again(
    db: Connection, worker: Worker, parallelism: int | None
) -> None:
    """And never more of them at once than may."""
    limited = step("load", "split", kind="batch_worker", batch={"parallelism": parallelism})
    register(
        db,
        template(
            "batch",
            step("split", kind="batchable"),
            limited,
            step("join", "load", kind="deferred_convergence"),
        ),
    )
    task_id = submit(db, "batch")
    run(worker, {"split": list(range(9))})
    names = ["load/1", "load/2", "load/5", "load/8"]
    answer = rerun(db, task_id, *names)
    assert answer["again"] == ["join", *names]
    ran: list[str] = []
    while granted := claim_named(worker):
        assert len(granted) <= (parallelism or 9)
        ran += granted
        hand_in(worker, *(complete(lease, name) for name, lease in granted.items()))
        assert broken(db) == []
    assert ran == [*names, "join"]
    assert results(db, answer["task_id"])["load/3"] == "load/3"
    assert rerun(db, task_id, "load")["kept"] == ["split"]


def test_failures_that_were_tolerated_stay_so_unless_named(db: Connection, worker: Worker) -> None:
    tolerant = step("load", "split", kind="batch_worker", batch={"on_failure": "continue"})
    register(
        db,
        template(
            "batch",
            step("split", kind="batchable"),
            tolerant,
            step("join", "load", kind="deferred_convergence"),
        ),
    )
    task_id = submit(db, "batch")
    run(worker, {"split": [1, 2, 3]}, failing={"load/2"})
    assert task_state(db, task_id) == "complete"
    kept = rerun(db, task_id, "join")
    assert step_states(db, UUID(kept["task_id"]))["load/2"] == "tolerated"
    assert run(worker) == ["join"]
    assert rerun(db, task_id, "load/2")["again"] == ["join", "load/2"]
    assert run(worker) == ["load/2", "join"]


DYNAMIC = template(
    "dynamic",
    step("first", expands=["d"]), step("second", expands=["d"]), step("third", "first", "second", expands=["d"]),
    step("d", kind="dynamic", expands=["d"]), step("gather", "d", "third", kind="deferred_convergence"),
)  # fmt: skip


def test_steps_that_were_asked_for_are_kept_under_their_names(
    db: Connection, worker: Worker
) -> None:
    register(db, DYNAMIC)
    task_id = submit(db, "dynamic")
    asked = [{"step": "d", "values": {"x": 1}}, {"step": "d", "takes": {"p": 0}}]
    granted = claim_named(worker)
    for name in ("second", "first"):  # so that the second one's are d/1 and d/2
        hand_in(worker, {**complete(granted[name], name), "expansion": asked})
    run(worker, {"third": ("third", [{"step": "d", "takes": {"q": "d/4"}}])})
    names = sorted(results(db, task_id))
    assert names == ["d/1", "d/2", "d/3", "d/4", "d/5", "first", "gather", "second", "third"]
    old = {
        s["name"]: (s["instance"], s["depends_on"]) for s in rows(db, "list_steps", task_id=task_id)
    }
    answer = rerun(db, task_id, "d/4")
    assert answer["again"] == ["gather", "d/4", "d/5"]
    new = {
        s["name"]: (s["instance"], s["depends_on"])
        for s in rows(db, "list_steps", task_id=answer["task_id"])
    }
    assert new == old
    assert run(worker) == ["d/4", "d/5", "gather"]
    assert results(db, answer["task_id"]) == results(db, task_id)
    assert rerun(db, task_id, "second")["kept"] == ["first", "d/3", "d/4"], (
        "names stay what they were"
    )


def test_what_refers_to_a_step_that_is_not_there_must_run_as_well(
    db: Connection, worker: Worker
) -> None:
    register(db, DYNAMIC)
    task_id = submit(db, "dynamic")
    granted = claim_named(worker)
    hand_in(worker, {**complete(granted["first"]), "expansion": [{"step": "d"}]})
    hand_in(
        worker, {**complete(granted["second"]), "expansion": [{"step": "d", "takes": {"p": "d/1"}}]}
    )
    run(worker)
    code, text = refusal(db, task_id, "first")
    assert code == "TK004" and "step second cannot be kept: expansion, step 0" in text
    assert one(db, "select count(*) from tasker.task") == 1
    assert rerun(db, task_id, "first", "second")["kept"] == []


def test_onto_another_version_steps_are_matched_by_name(db: Connection, worker: Worker) -> None:
    register(db, LINE)
    newer = template(
        "line", step("zero"), step("a"), step("b", "a"), step("new", "b"), step("c", "new"), step("end", "c", "zero"),
    )  # fmt: skip
    register(db, {**newer, "version": "2"})
    task_id = submit(db, "line", version="1")
    run(worker)
    answer = rerun(db, task_id, "end", version="2")
    assert (answer["version"], answer["kept"]) == ("2", ["a", "b"])
    assert set(answer["again"]) >= {"zero", "new"}
    assert run(worker) == ["new", "zero", "c", "end"]
    assert refusal(db, task_id, version="3")[0] == "TK001"


def test_a_decision_for_a_branch_that_is_gone_is_refused(db: Connection, worker: Worker) -> None:
    register(
        db,
        template(
            "x", step("route", kind="decision"), step("left", "route"), step("right", "route")
        ),
    )
    register(
        db,
        {**template("x", step("route", kind="decision"), step("right", "route")), "version": "2"},
    )
    task_id = submit(db, "x", version="1")
    run(worker, {"route": ["left", "right"]})
    code, text = refusal(db, task_id, "right", version="2")
    assert code == "TK004" and "step route cannot be kept: left is no branch" in text
    assert rerun(db, task_id, "route", version="2")["kept"] == []


def test_a_kind_that_has_changed_is_not_kept(db: Connection, worker: Worker) -> None:
    register(db, template("x", step("a"), step("b", "a")))
    register(db, {**template("x", step("a", kind="decision"), step("b", "a")), "version": "2"})
    task_id = submit(db, "x", version="1")
    run(worker)
    assert rerun(db, task_id, "b", version="2")["kept"] == []


def test_events_are_there_for_the_new_task_and_checkpoints_are_not(
    db: Connection, worker: Worker
) -> None:
    register(db, template("x", step("a")))
    task_id = submit(db, "x")
    call(db, "send_event", task_id=task_id, name="paid", payload=Jsonb(7))
    db.execute("insert into tasker.checkpoint values (%s, 1, 'c', '1')", [task_id])
    run(worker)
    answer = rerun(db, task_id, "a")
    copied = one(db, "select payload from tasker.event where task_id = %s", answer["task_id"])
    assert copied == 7
    assert one(db, "select count(*) from tasker.checkpoint") == 1


def test_what_cannot_be_run_again_is_refused(db: Connection, worker: Worker) -> None:
    undo = {"compensate": {"handler": "h.undo"}}
    register(db, template("x", step("a", **undo), step("b", "a")))
    task_id = submit(db, "x")
    code, text = refusal(db, task_id, "a")
    assert code == "TK004" and "it goes on (in_progress)" in text
    hand_in(worker, *(complete(lease) for lease in claim(worker)))
    call(db, "cancel_task", task_id=task_id, compensate=True, **WHO)
    assert refusal(db, task_id)[0] == "TK004"
    run(worker)
    code, text = refusal(db, task_id, "b")
    assert code == "TK004" and "was undone" in text
    assert refusal(db, UUID(int=1))[0] == "TK001"
    with pytest.raises(psycopg.Error, match="needs a reason and an actor"):
        call(db, "rerun_task", task_id=task_id, reason="", actor="ann")
    answer = rerun(db, task_id)
    assert run(worker) == ["a", "b"]
    code, text = refusal(db, UUID(answer["task_id"]), "b", "z")
    assert code == "TK001" and "has no step 'z'" in text
