"""docs/state-machines.md says what the engine does: every row happens, and nothing else does.

Triggers write down each change of a state, and which function made it, while all that can happen to
a step is made to happen.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from checks.pages import ROOT, quoted, read_tables
from psycopg.types.json import Jsonb
from tests.engine.support import (
    Connection,
    Lease,
    Worker,
    call,
    claim,
    claim_one,
    complete,
    fail,
    fire,
    hand_in,
    lapse,
    one,
    outcome,
    register,
    register_worker,
    release,
    retry,
    step,
    submit_many,
    template,
)

PAGE = ROOT / "docs" / "state-machines.md"
NEW = "(new)"

Change = tuple[str, str, str]  # from, to, function

RECORD = """
create table public.change (seen text, state_from text, state_to text, stack text);
create function public.record_change() returns trigger language plpgsql as $$
declare
    v_stack text;
begin
    get diagnostics v_stack = pg_context;
    if tg_op = 'INSERT' then
        insert into public.change values (tg_table_name, '(new)', new.state::text, v_stack);
    elsif old.state <> new.state or to_jsonb(new) ->> 'msg_id' <> to_jsonb(old) ->> 'msg_id'
        or (to_jsonb(new) ->> 'attempt')::int > (to_jsonb(old) ->> 'attempt')::int then
        insert into public.change values (tg_table_name, old.state::text, new.state::text, v_stack);
    end if;
    return null;
end;
$$;
create trigger record_change after insert or update on tasker.task
    for each row execute function public.record_change();
create trigger record_change after insert or update on tasker.step
    for each row execute function public.record_change();
"""


@dataclass
class Play:
    """A database on which tasks of two templates are brought into each state there is.

    `pair` is x, then y; `trio` is x and z side by side, then y after x. `choice` decides at x whether y
    comes to be; `batch` splits at x, works in y, one at a time, and joins in z. `patient` and
    `strict` are batches that go on without a worker that failed, and that end their task. In a second act, each step of
    them has a compensation, and a failure undoes the task.
    """

    connection: Connection
    worker: Worker
    count: int = field(default=0)

    def start(self, name: str, **more: Any) -> UUID:
        return submit_many(self.connection, name, [more])[0][1]

    def operate(self, function: str, task: UUID, *step_name: str, result: Any = None) -> Any:
        given: dict[str, Any] = {"step_name": step_name[0]} if step_name else {}
        if function in ("complete_step", "resolve_step"):
            given["result"] = Jsonb(result)
        return call(
            self.connection, function, task_id=task, **given, reason="a test", actor="a test"
        )

    def purge(self) -> None:
        """Lose all messages, long enough ago for the rescuer."""
        self.connection.execute("delete from pgmq.q_tasker_t")
        self.connection.execute(
            "update tasker.step set enqueued_at = now() - interval '1 hour' where msg_id is not null"
        )

    def rescue(self) -> None:
        call(self.connection, "rescue")

    def clear(self) -> None:
        """End what is left over, so that the next scene is alone."""
        self.connection.execute(
            "truncate tasker.task, tasker.step, tasker.batch, tasker.timer, tasker.attempt,"
            " tasker.wait, tasker.event, tasker.checkpoint, tasker.child,"
            " pgmq.q_tasker_t"
        )


Scene = Callable[[Play], Any]


def pending(play: Play) -> tuple[UUID, str]:
    return play.start("pair"), "y"


def enqueued(play: Play) -> tuple[UUID, str]:
    return play.start("pair"), "x"


def in_progress(play: Play) -> tuple[UUID, str]:
    task = play.start("pair")
    claim_one(play.worker)
    return task, "x"


def waiting_for_retry(play: Play) -> tuple[UUID, str]:
    task = play.start("pair")
    hand_in(play.worker, retry(claim_one(play.worker)))
    return task, "x"


def error(play: Play) -> tuple[UUID, str]:
    task = play.start("pair")
    hand_in(play.worker, fail(claim_one(play.worker)))
    return task, "x"


def not_started(play: Play) -> tuple[UUID, str]:
    return play.start("pair", start_at=(datetime.now(UTC) + timedelta(hours=1)).isoformat()), "x"


def waiting(play: Play) -> tuple[UUID, str]:
    task = play.start("pair")
    wait_for_event(play)
    return task, "x"


def asking(play: Play) -> UUID:
    task = play.start("pair")
    wait = {"name": "ask:q", "approval": {"name": "q"}}
    hand_in(play.worker, outcome(claim_one(play.worker), "wait", wait=wait))
    return task


def wait_for_event(play: Play) -> None:
    wait = {"name": "w", "event": "e", "seconds": 60}
    hand_in(play.worker, outcome(claim_one(play.worker), "wait", wait=wait))


OPEN = (pending, enqueued, in_progress, waiting_for_retry, waiting)


def find_scenes() -> Iterator[Scene]:
    """All that can happen, one small story each."""
    for made in (*OPEN, error):
        for settle in ("complete_step", "resolve_step"):
            yield lambda play, f=settle, m=made: play.operate(f, *m(play))
    for made in (*OPEN, error, not_started):
        for end in ("cancel_task", "resolve_task"):
            yield lambda play, f=end, m=made: play.operate(f, m(play)[0])
    for made in (*OPEN, error):
        yield lambda play, m=made: (m(play), fire(play.connection, "task_time_limit"))
        yield lambda play, m=made: (m(play), fire(play.connection, "step_time_limit"))
    yield lambda play: (not_started(play), fire(play.connection, "task_start"))
    yield lambda play: (waiting_for_retry(play), fire(play.connection, "retry"))
    yield lambda play: (waiting(play), fire(play.connection, "wake"))
    yield lambda play: send_event(play, waiting(play)[0])
    yield lambda play: answer(play, asking(play))
    yield lambda play: (send_event(play, play.start("pair")), wait_for_event(play))
    for made in (pending, not_started, error):
        for end in ("cancel_task", "resolve_task"):
            yield lambda play, f=end, m=made: play.operate(f, adopt(play, m(play)[0]))
    yield lambda play: hand_in(play.worker, complete(begin_a_child(play)))
    yield lambda play: play.operate("retry_step", *waiting_for_retry(play))
    yield lambda play: play.operate("retry_step", *error(play))
    yield lambda play: play.operate("retry_task", error(play)[0])
    for made in OPEN:
        yield lambda play, m=made: schedule(play, m(play)[0], fire_the_schedule)
        yield lambda play, m=made: schedule(play, m(play)[0], trigger_the_schedule)
    yield lambda play: schedule(play, None, release_the_schedule)
    yield from (run_to_the_end, fail_beside_another, release_a_step)
    yield from (lose_a_lease, lose_the_last_lease, run_out_of_attempts)
    yield from (lose_messages, lose_the_last_message, lose_a_timer, forget_to_enqueue)
    for settle in ("complete_step", "resolve_step"):
        yield lambda play, f=settle: settle_all(play, f)
        yield lambda play, f=settle: settle_beside_a_failure(play, f)
        yield lambda play, f=settle: settle_the_only_failure(play, f)


def find_scenes_of_pauses() -> Iterator[Scene]:
    """What tasks that an operator holds add to that."""
    for made in (*OPEN, error, not_started):
        yield lambda play, m=made: hold(play, m(play)[0])
        yield lambda play, m=made: play.operate("resume_task", hold(play, m(play)[0]))
        for end in ("cancel_task", "resolve_task"):
            yield lambda play, e=end, m=made: play.operate(e, hold(play, m(play)[0]))
    for made in (waiting, waiting_for_retry, not_started):
        yield lambda play, m=made: (hold(play, m(play)[0]), fire(play.connection, "wake"))
        yield lambda play, m=made: (hold(play, m(play)[0]), fire(play.connection, "retry"))
        yield lambda play, m=made: (hold(play, m(play)[0]), fire(play.connection, "task_start"))
    for made in (enqueued, in_progress):
        yield lambda play, m=made: (
            hold(play, m(play)[0]),
            fire(play.connection, "step_time_limit"),
        )
        yield lambda play, m=made: (
            hold(play, m(play)[0]),
            fire(play.connection, "task_time_limit"),
        )
    yield lambda play: send_event(play, hold(play, waiting(play)[0]))
    yield lambda play: answer(play, hold(play, asking(play)))
    yield lambda play: play.operate("retry_step", hold(play, error(play)[0]), "x")
    yield lambda play: play.operate("retry_task", hold(play, error(play)[0]))
    yield lambda play: play.operate("retry_step", hold(play, waiting_for_retry(play)[0]), "x")
    for settle in ("complete_step", "resolve_step"):
        yield lambda play, f=settle: settle_a_paused_task(play, f)
    yield hand_in_what_is_paused
    yield fail_a_paused_batch
    yield lambda play: (hold(play, in_progress(play)[0]), play.purge(), play.rescue())
    yield lose_a_paused_lease
    yield lambda play: schedule(play, hold(play, enqueued(play)[0]), fire_the_schedule)
    yield lambda play: schedule(play, hold(play, enqueued(play)[0]), trigger_the_schedule)


def begin_a_child(play: Play) -> Lease:
    """Let a step start a child, of one step, and wait for it."""
    play.start("pair")
    lease = claim_one(play.worker)
    child = call(
        play.connection, "start_task", queue_id=lease.queue_id, msg_id=lease.msg_id, read_ct=lease.read_ct,
        task_id=lease.task_id, step_no=lease.step_no, name="c", child={"namespace": "t", "template": "pair"},
    )  # fmt: skip
    hand_in(play.worker, outcome(lease, "wait", wait={"name": "w", "task": str(child)}))
    first = claim_one(play.worker)
    hand_in(play.worker, complete(first))
    return claim_one(play.worker)


def adopt(play: Play, child: UUID) -> UUID:
    """Make a task the child of another, as if that had started it."""
    parent = play.start("pair")
    play.connection.execute(
        "insert into tasker.child (child_id, parent_id, parent_step, name, depth, on_parent_end)"
        " values (%s, %s, 1, 'c', 1, 'cancel')",
        [child, parent],
    )
    play.connection.execute("update tasker.task set linked = true")
    return parent


def hold(play: Play, task: UUID) -> UUID:
    play.operate("pause_task", task)
    return task


def settle_a_paused_task(play: Play, function: str) -> None:
    task = hold(play, play.start("pair"))
    play.operate(function, task, "x")
    play.operate(function, task, "y")


def hand_in_what_is_paused(play: Play) -> None:
    task = play.start("pair")
    lease = claim_one(play.worker)
    hold(play, task)
    hand_in(play.worker, complete(lease))
    play.operate("resume_task", task)
    lease = claim_one(play.worker)
    hold(play, task)
    hand_in(play.worker, complete(lease))


def fail_a_paused_batch(play: Play) -> None:
    lease = begin_a_batch(play, "strict")
    hold(play, lease.task_id)
    hand_in(play.worker, fail(lease))


def lose_a_paused_lease(play: Play) -> None:
    task = play.start("pair")
    lease = claim_one(play.worker)
    hold(play, task)
    lapse(play.connection, lease)
    assert claim(play.worker) == []


def answer(play: Play, task: UUID) -> None:
    given = {"name": "q", "approved": True, "reason": "a test", "actor": "a test"}
    call(play.connection, "answer_approval", task_id=task, **given)


def send_event(play: Play, task: UUID) -> None:
    call(play.connection, "send_event", task_id=task, name="e")


def schedule(play: Play, task: UUID | None, act: Callable[[Connection], Any]) -> None:
    """Let a schedule act of which a task runs, or of which one only waits to run."""
    definition = {"template": "pair", "every": 60, "overlap": "terminate_other"}
    call(play.connection, "create_schedule", namespace="t", name="s", definition=definition)
    play.connection.execute(
        """insert into tasker.fire (schedule_id, fire_at, origin, state, live, task_id)
        select s.schedule_id, now(), 'trigger', case when t.id is null then 'buffered' else 'started' end,
            t.id is not null, t.id from tasker.schedule s, (values (%s::uuid)) as t(id)""",
        [task],
    )
    act(play.connection)
    play.connection.execute("delete from tasker.schedule")


def fire_the_schedule(connection: Connection) -> None:
    fires = [datetime.now(UTC) - timedelta(seconds=1)]
    given = {"schedule_id": one(connection, "select schedule_id from tasker.schedule")}
    call(connection, "fire_schedule", **given, revision=1, fires=fires, next_fire_at=None)


def trigger_the_schedule(connection: Connection) -> None:
    why = {"reason": "a test", "actor": "a test"}
    call(connection, "trigger_schedule", namespace="t", name="s", **why)


def release_the_schedule(connection: Connection) -> None:
    call(connection, "release_fires")


def run_to_the_end(play: Play) -> None:
    play.start("pair")
    hand_in(play.worker, complete(claim_one(play.worker)))
    hand_in(play.worker, complete(claim_one(play.worker)))


def fail_beside_another(play: Play) -> None:
    play.start("trio")
    x, z = claim(play.worker)
    hand_in(play.worker, complete(z))
    hand_in(play.worker, fail(x))


def release_a_step(play: Play) -> None:
    play.start("pair")
    hand_in(play.worker, release(claim_one(play.worker)))


def lose_a_lease(play: Play) -> None:
    play.start("pair")
    lapse(play.connection, claim_one(play.worker))
    claim_one(play.worker)


def lose_the_last_lease(play: Play) -> None:
    play.start("pair")
    for _ in range(2):
        lapse(play.connection, claim_one(play.worker))
    assert claim(play.worker) == []


def run_out_of_attempts(play: Play) -> None:
    play.start("pair")
    hand_in(play.worker, retry(claim_one(play.worker)))
    fire(play.connection, "retry")
    hand_in(play.worker, retry(claim_one(play.worker)))


def lose_messages(play: Play) -> None:
    in_progress(play)
    enqueued(play)
    play.purge()
    play.rescue()


def lose_the_last_message(play: Play) -> None:
    play.start("pair")
    lapse(play.connection, claim_one(play.worker))
    claim_one(play.worker)
    play.purge()
    play.rescue()


def lose_a_timer(play: Play) -> None:
    waiting_for_retry(play)
    play.connection.execute("delete from tasker.timer")
    play.rescue()


def forget_to_enqueue(play: Play) -> None:
    task = play.start("pair")
    play.connection.execute("alter table tasker.step disable trigger record_change")
    play.connection.execute(
        "update tasker.step set state = 'pending', msg_id = null where task_id = %s", [task]
    )
    play.connection.execute("alter table tasker.step enable trigger record_change")
    play.rescue()


def settle_all(play: Play, function: str) -> None:
    task = play.start("pair")
    play.operate(function, task, "x")
    play.operate(function, task, "y")


def settle_beside_a_failure(play: Play, function: str) -> None:
    task = play.start("trio")
    leases: list[Lease] = claim(play.worker)
    hand_in(play.worker, fail(leases[0]))
    play.operate(function, task, "z")


def settle_the_only_failure(play: Play, function: str) -> None:
    task = play.start("pair")
    hand_in(play.worker, complete(claim_one(play.worker)))
    hand_in(play.worker, fail(claim_one(play.worker)))
    play.operate(function, task, "y")


def find_growth_scenes() -> Iterator[Scene]:
    """What a task that grows adds to that."""
    yield lambda play: decide(play, ["y"])
    yield lambda play: decide(play, ["nowhere"])
    for function in ("complete_step", "resolve_step"):
        yield lambda play, f=function: play.operate(f, play.start("choice"), "x", result=["y"])
        yield lambda play, f=function: settle_a_batch(play, f)
    yield run_a_batch
    for batch in ("patient", "strict"):
        yield lambda play, b=batch: hand_in(play.worker, fail(begin_a_batch(play, b)))
        yield lambda play, b=batch: lose_a_batch_worker(play, b)
        yield lambda play, b=batch: lose_its_message(play, b)
        yield lambda play, b=batch: (
            begin_a_batch(play, b),
            fire(play.connection, "step_time_limit"),
        )


def decide(play: Play, branches: list[str]) -> None:
    play.start("choice")
    hand_in(play.worker, complete(claim_one(play.worker), branches))


def begin_a_batch(play: Play, name: str) -> Lease:
    play.start(name)
    hand_in(play.worker, complete(claim_one(play.worker), [1, 2]))
    return claim_one(play.worker)


def run_a_batch(play: Play) -> None:
    hand_in(play.worker, complete(begin_a_batch(play, "batch")))


def settle_a_batch(play: Play, function: str) -> None:
    lease = begin_a_batch(play, "batch")
    play.operate(function, lease.task_id, "y/1")


def lose_a_batch_worker(play: Play, name: str) -> None:
    lapse(play.connection, begin_a_batch(play, name))
    lapse(play.connection, claim_one(play.worker))
    claim(play.worker)


def lose_its_message(play: Play, name: str) -> None:
    lapse(play.connection, begin_a_batch(play, name))
    claim_one(play.worker)
    play.purge()
    play.rescue()


def find_scenes_of_undoing() -> Iterator[Scene]:
    """What tasks whose steps have compensations add to that."""
    for made in (*OPEN, error, not_started, second_step_runs):
        yield lambda play, m=made: cancel(play, m(play)[0])
    for settle in ("complete_step", "resolve_step"):
        yield lambda play, f=settle: play.operate(f, undoing(play), "undo:x")
        yield lambda play, f=settle: settle_one_that_failed(play, f)
        yield lambda play, f=settle: play.operate(f, failed_second_step(play), "undo:x")
    yield lambda play: play.operate("resolve_task", undoing(play))
    yield lambda play: (cancel(play, second_step_runs(play)[0]), fire(play.connection, "retry"))
    for kind in ("step_time_limit", "task_time_limit"):
        yield lambda play, k=kind: (second_step_runs(play), fire(play.connection, k))
    yield lambda play: (undoing(play), play.purge(), play.rescue())
    yield lambda play: lose_its_last_message(play)
    yield lambda play: (undoing(play), hand_in(play.worker, complete(claim_one(play.worker))))
    yield fail_while_another_runs
    yield lose_a_worker_while_another_runs
    yield lambda play: cancel(play, hold(play, first_step_done(play)))
    yield end_a_paused_undoing


def cancel(play: Play, task: UUID) -> None:
    given = {"reason": "a test", "actor": "a test", "compensate": True}
    call(play.connection, "cancel_task", task_id=task, **given)


def second_step_runs(play: Play) -> tuple[UUID, str]:
    task = play.start("pair")
    hand_in(play.worker, complete(claim_one(play.worker)))
    claim_one(play.worker)
    return task, "y"


def first_step_done(play: Play) -> UUID:
    task = play.start("pair")
    hand_in(play.worker, complete(claim_one(play.worker)))
    return task


def end_a_paused_undoing(play: Play) -> None:
    task = undoing(play)
    lease = claim_one(play.worker)
    hold(play, task)
    hand_in(play.worker, complete(lease))


def failed_second_step(play: Play) -> UUID:
    task = play.start("pair")
    hand_in(play.worker, complete(claim_one(play.worker)))
    hand_in(play.worker, fail(claim_one(play.worker)))
    return task


def undoing(play: Play) -> UUID:
    task = play.start("pair")
    hand_in(play.worker, complete(claim_one(play.worker)))
    cancel(play, task)
    return task


def settle_one_that_failed(play: Play, function: str) -> None:
    task = undoing(play)
    hand_in(play.worker, fail(claim_one(play.worker)))
    play.operate(function, task, "undo:x")


def lose_its_last_message(play: Play) -> None:
    second_step_runs(play)
    play.connection.execute("update tasker.step set attempt_limit = 1 where state = 'in_progress'")
    play.purge()
    play.rescue()


def fail_while_another_runs(play: Play) -> None:
    for lease in begin_two(play)[:1]:
        hand_in(play.worker, fail(lease))


def lose_a_worker_while_another_runs(play: Play) -> None:
    first, second = begin_two(play)
    play.connection.execute("update tasker.step set attempt_limit = 1 where state = 'in_progress'")
    query = "delete from pgmq.q_tasker_t where msg_id = %s"
    play.connection.execute(query, [first.msg_id])
    play.connection.execute("update tasker.step set enqueued_at = now() - interval '1 hour'")
    assert second.msg_id != first.msg_id
    play.rescue()


def begin_two(play: Play) -> list[Lease]:
    play.start("wide")
    hand_in(play.worker, complete(claim_one(play.worker), [1, 2]))
    return claim(play.worker)


@pytest.fixture(scope="module")
def observed(servers: Any) -> Iterator[dict[str, set[Change]]]:
    """What happened to tasks and to steps when everything was made to happen."""
    from tests.fix_postgres import copy_database, drop_database

    server = servers(18)
    url = copy_database(server)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(RECORD)
        register_all(connection, version="1")
        play = Play(connection, register_worker(connection))
        cancellations = [
            lambda play, m=made: cancel(play, m(play)[0]) for made in (error, not_started)
        ]
        for scene in (
            *find_scenes(),
            *find_scenes_of_pauses(),
            *find_growth_scenes(),
            *cancellations,
        ):
            scene(play)
            play.clear()
        undo = {"handler": "undo", "retry": {"max_attempts": 2}, "step_time_limit": 3600.0}
        register_all(connection, {"compensate": undo}, version="2", on_failure="compensate")
        for scene in (*find_scenes(), *find_growth_scenes(), *find_scenes_of_undoing()):
            try:
                scene(play)
            except psycopg.DatabaseError as refused:
                assert refused.sqlstate == "TK004", refused
            play.clear()
        yield {table: set(read_changes(connection, table)) for table in ("task", "step")}
    drop_database(server, url)


def register_all(connection: Connection, more: Any = None, **about: Any) -> None:
    """Register the templates; `more` is for each step, `about` for each template."""
    more = more or {}
    limits = {"retry": {"max_attempts": 2}, "step_time_limit": 3600.0, **more}
    for name, extra in (("pair", []), ("trio", [step("z", **limits)])):
        x, y = step("x", **limits), step("y", "x", **limits)
        register(connection, template(name, x, *extra, y, time_limit=3600.0) | about)
    x, y = step("x", kind="decision", **more), step("y", "x", **more)
    register(connection, template("choice", x, y, time_limit=3600.0) | about)
    policies = (("batch", "wait"), ("patient", "continue"), ("strict", "fail_task"))
    for name, policy, at_once in (*((*p, 1) for p in policies), ("wide", "fail_task", None)):
        batch = {"parallelism": at_once, "on_failure": policy}
        split = step("x", kind="batchable", **more)
        work = step("y", "x", kind="batch_worker", batch=batch, **limits)
        join = step("z", "y", kind="deferred_convergence", **more)
        register(connection, template(name, split, work, join) | about)


def read_changes(connection: Connection, table: str) -> Iterator[Change]:
    query = "select state_from, state_to, stack from public.change where seen = %s"
    for before, after, stack in connection.execute(query, [table]):
        functions = re.findall(r"function (?:tasker\.)?(\w+)\(", stack)
        yield before, after, "promote_due" if "promote_due" in functions else functions[-1]


def read_documented(heading: str) -> set[Change]:
    [table] = read_tables(PAGE, heading)
    return {
        (before, after, function)
        for source, target, by, _ in table
        for before in (quoted(source) or [source])
        for after in quoted(target)
        for function in quoted(by)
    }


@pytest.mark.parametrize(("heading", "table"), [("Steps", "step"), ("Tasks", "task")])
def test_every_transition_that_happens_is_in_the_table(
    observed: dict[str, set[Change]], heading: str, table: str
) -> None:
    changes = {c for c in observed[table] if table == "step" or c[0] != c[1]}
    assert sorted(changes - read_documented(heading)) == []


@pytest.mark.parametrize(("heading", "table"), [("Steps", "step"), ("Tasks", "task")])
def test_every_transition_in_the_table_happens(
    observed: dict[str, set[Change]], heading: str, table: str
) -> None:
    assert sorted(read_documented(heading) - observed[table]) == []


@pytest.mark.parametrize(("heading", "type_"), [("Steps", "step_state"), ("Tasks", "task_state")])
def test_the_page_names_every_state_and_no_other(database: str, heading: str, type_: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        states = set(one(connection, f"select enum_range(null::tasker.{type_})::text[]"))
    reached = {state for before, after, _ in read_documented(heading) for state in (before, after)}
    section = PAGE.read_text("utf-8").split(f"## {heading}\n")[1].split("\n## ")[0]
    [not_reached] = re.findall(r"^Not reached: (.*?)\.", section, flags=re.MULTILINE)
    assert reached - {NEW} | set(quoted(not_reached)) == states
    assert not reached & set(quoted(not_reached))
