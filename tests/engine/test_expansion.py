"""Expansion: steps that ask for other steps; what they wait for, what gathers them, and where it ends."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb
from tests.engine.support import (
    Connection,
    Exchanged,
    Json,
    Lease,
    Worker,
    broken,
    call,
    claim,
    claim_named,
    complete,
    exchange,
    find_step,
    hand_in,
    register,
    register_worker,
    rows,
    run_all,
    step,
    step_states,
    submit,
    task_state,
    template,
)

WHO = {"reason": "because", "actor": "ann"}

TALK = template(
    "talk",
    step("begin", expands=["ask", "note"]),
    step("other"),
    step("ask", kind="dynamic", expands=["ask", "note"]),
    step("note", kind="dynamic"),
    step("close", "begin", "note", kind="deferred_convergence"),
    expansion={"max_steps": 8, "max_depth": 4},
)

CIRCLE = template(
    "circle",
    step("begin", expands=["ask"]),
    step("also", expands=["note"]),
    step("ask", kind="dynamic"),
    step("note", kind="dynamic"),
    step("close", "note", kind="deferred_convergence"),
)


def asking(lease: Lease, *expansion: Json, result: Json = None) -> dict[str, Json]:
    """Build the outcome of a handler that asks for other steps."""
    return {**complete(lease, result), "expansion": list(expansion)}


def asked(name: str, /, *after: Json, **values: Json) -> dict[str, Json]:
    """Build one step of an expansion."""
    return {"step": name, "values": values, "after": list(after)}


@pytest.fixture
def worker(db: Connection) -> Worker:
    register(db, TALK)
    return register_worker(db, "t")


def begin(db: Connection, worker: Worker, *expansion: Json, result: Json = None) -> Any:
    """Submit a task, whose first step asks for that; the task."""
    task_id = submit(db, "talk")
    granted = claim_named(worker)
    done = asking(granted["begin"], *expansion, result=result)
    assert hand_in(worker, done, complete(granted["other"], "o")) == [1, 2]
    assert broken(db) == []
    return task_id


def test_what_a_step_asks_for_comes_to_be(db: Connection, worker: Worker) -> None:
    task_id = begin(
        db,
        worker,
        asked("note", text="a"),
        {"step": "note", "values": {"text": "b"}, "takes": {"before": 0, "other": "other"}},
    )
    states = {"begin": "complete", "other": "complete", "close": "pending"}
    assert step_states(db, task_id) == states | {"note/1": "enqueued", "note/2": "pending"}
    first = claim_named(worker)
    assert first["note/1"].input == {"values": {"text": "a"}, "takes": {}}
    answer = exchange(worker, [complete(first["note/1"], "A")])
    [second] = answer.leases
    taken = {"before": first["note/1"].step_no, "other": 2}
    assert second.input == {"values": {"text": "b"}, "takes": taken}
    assert answer.results == {(task_id, first["note/1"].step_no): "A", (task_id, 2): "o"}
    answer = exchange(worker, [complete(second, "B")])
    assert answer.gathered == {(task_id, 4): ["A", "B"]}
    assert answer.results == {(task_id, 1): None}
    run_close(worker, answer)
    assert task_state(db, task_id) == "complete"
    assert find_step(db, task_id, "note/2")["depends_on"] == ["begin", "other", "note/1"]
    assert broken(db) == []


def run_close(worker: Worker, answer: Exchanged) -> None:
    [close] = answer.leases
    assert hand_in(worker, complete(close)) == [1]


def test_a_step_that_asks_for_another_round_loops(db: Connection, worker: Worker) -> None:
    task_id = begin(db, worker, asked("ask", round=1))
    for _ in range(3):
        [lease] = claim(worker)
        number = lease.input["values"]["round"]
        hand_in(worker, asking(lease, asked("note", round=number), asked("ask", round=number + 1)))
        assert broken(db) == []
        assert step_states(db, task_id)["close"] == "pending"
        granted = claim_named(worker)
        assert sorted(granted) == [f"ask/{number + 1}", f"note/{number}"]
        hand_in(worker, complete(granted[f"note/{number}"], f"n{number}"))
        if number == 3:
            hand_in(worker, complete(granted["ask/4"]))
            break
        # The next turn claims it again.
        hand_in(
            worker, {**complete(granted[f"ask/{number + 1}"]), "outcome": "release", "delay": 0}
        )
    answer = exchange(worker)
    assert answer.gathered == {(task_id, 4): ["n1", "n2", "n3"]}
    run_close(worker, answer)
    assert task_state(db, task_id) == "complete"


def test_nothing_asked_for_is_an_end_too(db: Connection, worker: Worker) -> None:
    task_id = begin(db, worker)
    answer = exchange(worker)
    assert answer.gathered == {(task_id, 4): []}
    run_close(worker, answer)
    assert task_state(db, task_id) == "complete"


def test_a_step_can_wait_for_one_of_the_template_that_still_runs(
    db: Connection, worker: Worker
) -> None:
    task_id = submit(db, "talk")
    granted = claim_named(worker)
    hand_in(worker, asking(granted["begin"], {"step": "note", "takes": {"other": "other"}}))
    assert step_states(db, task_id)["note/1"] == "pending"
    assert call(db, "explain_step", task_id=task_id, step_name="note/1")["waits_for"] == [
        {"step": "other", "state": "in_progress"}
    ]
    assert broken(db) == []
    hand_in(worker, complete(granted["other"], 5))
    assert broken(db) == []
    run_all(worker)
    assert task_state(db, task_id) == "complete"


@pytest.mark.parametrize("order", [("begin", "other"), ("other", "begin")])
def test_a_step_is_told_once_of_one_that_completes_with_its_own(
    db: Connection, worker: Worker, order: tuple[str, str]
) -> None:
    task_id = submit(db, "talk")
    granted = claim_named(worker)
    done = {
        "begin": asking(granted["begin"], asked("note", "other"), asked("note", 0)),
        "other": complete(granted["other"]),
    }
    hand_in(worker, *(done[name] for name in order))
    assert broken(db) == []
    assert step_states(db, task_id)["note/1"] == "enqueued"
    assert step_states(db, task_id)["note/2"] == "pending"
    run_all(worker)
    assert task_state(db, task_id) == "complete"


@pytest.mark.parametrize(
    ("expansion", "said"),
    [
        ({"step": "note"}, "an expansion is an array of steps, not object"),
        (["note"], "expansion, step 0: is no object"),
        ([{"step": "close"}], "close is no step that begin expands to; those are ask, note"),
        ([{}], "null is no step that begin expands to"),
        ([{"step": "note", "values": [1]}], "values must be an object"),
        ([{"step": "note", "takes": "x"}], "takes must be an object"),
        ([{"step": "note", "after": "x"}], "after must be an array"),
        ([{"step": "note", "depends_on": []}], "other keys than"),
        ([asked("note"), asked("note", 1)], "expansion, step 1: 1 is neither the place of an earlier"),
        ([asked("note", -1)], "-1 is neither"),
        ([asked("note", 0.5)], "0.5 is neither"),
        ([asked("note", "nothing")], '"nothing" is neither'),
        ([asked("note", "ask/1")], '"ask/1" is neither'),
        ([asked("note", None)], "null is neither"),
        ([asked("note")] * 9, "9 dynamic steps, and its template allows 8"),
        ([asked("note"), *(asked("note", n) for n in range(4))], "5 dynamic steps, and its template allows 4"),
    ],
)  # fmt: skip
def test_what_cannot_be_fails_the_step_for_good_and_adds_nothing(
    db: Connection, worker: Worker, expansion: Json, said: str
) -> None:
    task_id = submit(db, "talk")
    granted = claim_named(worker)
    bad = {**complete(granted["begin"], "r"), "expansion": expansion}
    assert hand_in(worker, bad, complete(granted["other"])) == [1, 2]
    states = {"begin": "error", "other": "complete", "close": "pending"}
    assert step_states(db, task_id) == states
    failed = find_step(db, task_id, "begin")
    assert failed["error"]["type"] == "GrowthRefused"
    assert said in failed["error"]["message"]
    assert failed["result"] is None
    assert broken(db) == []
    call(db, "retry_step", task_id=task_id, step_name="begin", **WHO)
    hand_in(worker, asking(claim(worker)[0], asked("note")))
    run_all(worker)
    assert task_state(db, task_id) == "complete"
    assert broken(db) == []


def test_a_step_that_expands_to_none_cannot_ask(db: Connection, worker: Worker) -> None:
    """Also in a template without a dynamic step, whose steps take the fast way."""
    register(db, template("plain", step("a"), step("b", "a")))
    task_id = submit(db, "plain")
    hand_in(worker, asking(claim(worker)[0], asked("note")))
    error = find_step(db, task_id, "a")["error"]
    assert error["message"] == "step a asked for other steps, but its definition expands to none"
    assert step_states(db, task_id) == {"a": "error", "b": "pending"}
    assert broken(db) == []


def test_the_bounds_hold_over_many_rounds(db: Connection, worker: Worker) -> None:
    task_id = begin(db, worker, asked("ask"))
    for _ in range(3):
        hand_in(worker, asking(claim(worker)[0], asked("ask")))
    assert step_states(db, task_id)["ask/4"] == "enqueued"
    hand_in(worker, asking(claim(worker)[0], asked("ask")))
    error = find_step(db, task_id, "ask/4")["error"]
    assert "a chain of 5 dynamic steps" in error["message"]
    call(db, "resolve_step", task_id=task_id, step_name="ask/4", result=None, **WHO)
    run_all(worker)
    assert task_state(db, task_id) == "complete"


def test_a_dynamic_step_that_failed_holds_what_gathers_it(db: Connection, worker: Worker) -> None:
    task_id = begin(db, worker, asked("note"), asked("note"))
    first, second = claim(worker)
    hand_in(worker, {**complete(first), "outcome": "error", "error": {"type": "No", "message": ""}})
    hand_in(worker, complete(second, 2))
    assert task_state(db, task_id) == "blocked_by_failures"
    assert broken(db) == []
    call(db, "retry_step", task_id=task_id, step_name="note/1", **WHO)
    exchange(worker, [complete(claim(worker)[0], 1)], want=0)
    answer = exchange(worker)
    assert answer.gathered == {(task_id, 4): [1, 2]}
    run_close(worker, answer)
    assert call(db, "get_task_result", task_id=task_id)["state"] == "complete"


def test_without_a_convergence_the_last_of_them_give_the_result(
    db: Connection, worker: Worker
) -> None:
    register(db, template("open", step("a", expands=["d"]), step("d", kind="dynamic")))
    task_id = submit(db, "open")
    hand_in(worker, asking(claim(worker)[0], asked("d"), asked("d", 0), result="a"))
    for result in (1, 2):
        hand_in(worker, complete(claim(worker)[0], result))
    assert call(db, "get_task_result", task_id=task_id)["result"] == [2]


def test_what_gathers_waits_for_all_that_may_bring(db: Connection, worker: Worker) -> None:
    """A convergence that does not depend on `a` by name waits for it, because `a` brings `b`, which brings `c`."""
    register(
        db,
        template(
            "far",
            step("a", expands=["b"]), step("b", kind="dynamic", expands=["c"]), step("c", kind="dynamic"),
            step("join", "c", kind="deferred_convergence"),
        ),
    )  # fmt: skip
    task_id = submit(db, "far")
    hand_in(worker, asking(claim(worker)[0], asked("b")))
    assert step_states(db, task_id)["join"] == "pending"
    hand_in(worker, asking(claim(worker)[0], asked("c"), asked("c")))
    assert step_states(db, task_id)["join"] == "pending"
    assert broken(db) == []
    hand_in(worker, *(complete(x, n) for n, x in enumerate(claim(worker))))
    answer = exchange(worker)
    assert answer.gathered == {(task_id, 3): [0, 1]}
    assert answer.results == {}


def test_behind_a_decision_expansion_may_be_excluded(db: Connection, worker: Worker) -> None:
    register(
        db,
        template(
            "maybe",
            step("pick", kind="decision"), step("plan", "pick", expands=["do"]), step("skip", "pick"),
            step("do", kind="dynamic"),
            step("join", "do", "skip", kind="deferred_convergence"),
        ),
    )  # fmt: skip
    skipped, planned = submit(db, "maybe"), submit(db, "maybe")
    answers = {skipped: ["skip"], planned: ["plan"]}
    hand_in(worker, *(complete(x, answers[x.task_id]) for x in claim(worker)))
    assert broken(db) == []
    granted = claim_named(worker)
    hand_in(worker, complete(granted["skip"]), asking(granted["plan"], asked("do"), asked("do", 0)))
    assert broken(db) == []
    assert step_states(db, skipped)["join"] == "enqueued"
    assert step_states(db, planned)["join"] == "pending"
    run_all(worker)
    assert task_state(db, skipped) == task_state(db, planned) == "complete"


@pytest.mark.parametrize("reference", ["close", "ask/1"])
def test_what_would_wait_for_itself_is_refused(
    db: Connection, worker: Worker, reference: str
) -> None:
    """`close` waits for every note, and so does what waits for `close`."""
    register(db, {**CIRCLE, "name": "circle"})
    task_id = submit(db, "circle")
    granted = claim_named(worker)
    hand_in(worker, asking(granted["begin"], asked("ask", "close")))
    assert find_step(db, task_id, "ask/1")["state"] == "pending"
    hand_in(worker, asking(granted["also"], asked("note", reference)))
    error = find_step(db, task_id, "also")["error"]
    assert error["message"] == (
        f'expansion, step 0: it cannot wait for "{reference}", because close, which gathers note, would wait for both'
    )
    assert broken(db) == []
    call(db, "retry_step", task_id=task_id, step_name="also", **WHO)
    hand_in(worker, asking(claim_named(worker)["also"], asked("note", "begin")))
    run_all(worker)
    assert task_state(db, task_id) == "complete"


def test_what_was_settled_by_hand_may_be_waited_for(db: Connection, worker: Worker) -> None:
    task_id = submit(db, "talk")
    granted = claim_named(worker)
    call(db, "resolve_step", task_id=task_id, step_name="close", result=Jsonb(1), **WHO)
    hand_in(worker, asking(granted["begin"], asked("note", "close")), complete(granted["other"]))
    run_all(worker)
    assert task_state(db, task_id) == "complete"
    assert broken(db) == []


def test_steps_that_complete_together_share_the_bounds(db: Connection, worker: Worker) -> None:
    task_id = begin(db, worker, asked("ask"), asked("ask"))
    hand_in(worker, *(asking(lease, *[asked("note")] * 4) for lease in claim(worker)))
    assert step_states(db, task_id)["ask/1"] == "complete"
    error = find_step(db, task_id, "ask/2")["error"]
    assert error["message"].startswith("the task would have 10 dynamic steps, and its template")
    assert broken(db) == []


def test_what_gathers_is_undone_before_what_brought_it(db: Connection, worker: Worker) -> None:
    """Last things first: `close` ran after `begin`, though it does not depend on it by name."""
    undo = {"compensate": {"handler": "h.undo"}}
    register(
        db,
        template(
            "undone",
            step("first"), step("begin", "first", expands=["note"], **undo), step("note", kind="dynamic"),
            step("close", "note", kind="deferred_convergence", **undo), step("last", "close"),
        ),
    )  # fmt: skip
    task_id = submit(db, "undone")
    hand_in(worker, complete(claim_named(worker)["first"]))
    hand_in(worker, asking(claim_named(worker)["begin"], asked("note")))
    for name in ("note/1", "close"):
        hand_in(worker, complete(claim_named(worker)[name]))
    call(db, "cancel_task", task_id=task_id, compensate=True, **WHO)
    assert list(claim_named(worker)) == ["undo:close"]


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ([step("a", expands=["d"]), step("d", "a", kind="dynamic")], "is dynamic, so it depends on nothing"),
        ([step("a", expands=["d"]), step("d", kind="dynamic"), step("b", "d")], "must be a deferred_convergence"),
        ([step("a"), step("d", kind="dynamic")], "no step expands to it"),
        ([step("a"), step("d", kind="dynamic", expands=["d"])], "but dynamic ones that nothing brings"),
        ([step("a", expands=["b"]), step("b")], "expands to b, which is no dynamic step"),
        ([step("a", expands=["zz"])], "expands to zz, which is no dynamic step"),
        ([step("a", expands="d")], "expands must be an array"),
        ([step("a", expands=["d"]), step("d", kind="dynamic", compensate={"handler": "u"})], "cannot be undone"),
        (
            [
                step("a", kind="batchable", expands=["d"]), step("w", "a", kind="batch_worker"),
                step("d", kind="dynamic"),
            ],
            "is a batchable, which cannot expand",
        ),
        (
            [
                step("r"), step("c", "d", "r", kind="deferred_convergence"), step("a", "c", expands=["d"]),
                step("d", kind="dynamic"),
            ],
            "in a circle",
        ),
    ],
)  # fmt: skip
def test_definitions_that_could_not_run_are_refused(
    db: Connection, steps: list[Json], said: str
) -> None:
    with pytest.raises(psycopg.Error, match=said):
        register(db, template("bad", *steps))


@pytest.mark.parametrize(
    "bounds", [{"max_steps": 0}, {"max_depth": 100_001}, {"max_steps": "a"}, 7]
)
def test_bounds_that_make_no_sense_are_refused(db: Connection, bounds: Json) -> None:
    with pytest.raises(psycopg.Error, match="expansion must be"):
        register(db, template("bad", step("a"), expansion=bounds))


def test_pruning_takes_a_tasks_edges_too(db: Connection, worker: Worker) -> None:
    begin(db, worker, asked("note"), asked("note", 0))
    run_all(worker)
    assert db.execute("select count(*) from tasker.task_edge").fetchone() == (1,)
    db.execute("select tasker.prune(interval '-5 seconds')")
    assert db.execute("select count(*) from tasker.task_edge").fetchone() == (0,)


# Whatever steps ask for, in whichever order they run


@st.composite
def expansions(draw: st.DrawFn) -> list[Json]:
    """Draw what a step asks for: some of it refers to what came before."""
    count = draw(st.integers(0, 4))
    parents = [
        draw(st.sets(st.integers(0, n - 1), max_size=2)) if n else set() for n in range(count)
    ]
    names = draw(st.lists(st.sampled_from(["ask", "note"]), min_size=count, max_size=count))
    also = draw(
        st.lists(st.sampled_from([[], [], ["other"], ["begin"]]), min_size=count, max_size=count)
    )
    return [asked(name, *sorted(p), *a) for name, p, a in zip(names, parents, also, strict=True)]


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(
    asks=st.lists(expansions(), min_size=1, max_size=12),
    picks=st.lists(st.integers(0, 9), min_size=60, max_size=60),
)
def test_whatever_is_asked_for_runs_in_order_and_ends(
    db: Connection, asks: list[list[Json]], picks: list[int]
) -> None:
    register(db, {**TALK, "name": "any", "expansion": {"max_steps": 100, "max_depth": 100}})
    worker = register_worker(db, "t")
    task_id = submit(db, "any")
    left, held, done = list(asks), dict[str, Lease](), set[str]()
    for pick in picks * 3:
        held |= claim_named(worker)
        if not held:
            break
        name = sorted(held)[pick % len(held)]
        after = set(find_step(db, task_id, name)["depends_on"])
        gathered = {s for s in step_states(db, task_id) if s.partition("/")[0] in after}
        assert {s for s in after if "/" in s} | gathered <= done, name
        may_ask = name.partition("/")[0] in ("begin", "ask") and left
        lease = held.pop(name)
        assert hand_in(
            worker, asking(lease, *left.pop()) if may_ask else complete(lease, name)
        ) == [1]
        done.add(name)
        assert broken(db) == []
    assert task_state(db, task_id) == "complete"
    assert set(step_states(db, task_id)) == done
    assert rows(db, "list_steps", task_id=task_id)[-1]["state"] == "complete"
